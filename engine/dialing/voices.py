"""Has sounds of contacts made by processes of their own, and puts them where PBXs take them from.

Knows words, formats and directories. Refuses to know who waits for them: that is `engine.dialing.speaking`'s.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from engine.config import Settings
from engine.dialing.personal import Own
from engine.errors import VolleyError
from engine.speech.client import made
from engine.speech.order import Item, Refused
from engine.speech.render import forms_for
from engine.speech.shelf import put

SAMPLE = "1 2 3"
"""A text that every voice can speak: when it cannot, the fault is not in a contact's words."""
MAKING = "speech.making"
"""Below the state directory: sounds that are being made."""


class Far(Protocol):
    """What is asked of a PBX's sounds."""

    @property
    def remote(self) -> bool: ...

    async def bring_files(self, files: Sequence[str]) -> list[str]: ...


class Mute(VolleyError):
    """Nothing can be spoken now, whatever the words."""


class Voices:
    """Makes sounds for some PBXs at a time, those that a campaign calls from."""

    def __init__(self, settings: Settings, sounds: Callable[[str], Far]) -> None:
        self._settings = settings
        self._sounds = sounds
        self._scratch = settings.engine.state / MAKING

    def there(self, folder: str, pbxs: Sequence[str]) -> set[str]:
        """The names of the sounds that lie in `folder` of the directories of all these PBXs, in each form."""
        forms = self._forms(pbxs)
        found: set[str] | None = None
        for directory in self._directories(pbxs):
            try:
                files = set(os.listdir(directory / folder))
            except FileNotFoundError:
                files = set()
            stems = {file.removesuffix(forms[0]) for file in files if file.endswith(forms[0])}
            whole = {f"{folder}/{stem}" for stem in stems if all(stem + form in files for form in forms)}
            found = whole if found is None else found & whole
        return found or set()

    async def speak(self, wanted: Sequence[Own], pbxs: Sequence[str]) -> dict[str, str]:
        """Make these sounds and put them into the directories of these PBXs; returns those that cannot be made, and why.

        Raises Mute when the fault is not in the words, OSError when they cannot be put there.
        """
        if not wanted:
            return {}
        workers = min(self._settings.tts.workers, len(wanted))
        forms = self._forms(pbxs)
        await asyncio.to_thread(_anew, self._scratch)
        answers = await asyncio.gather(
            *(self._ask(wanted[at::workers], forms, str(at)) for at in range(workers))
        )
        refused = {name: why for answer in answers for name, why in answer.items()}
        for own in wanted:
            if own.name in refused:  # alone, beside words that can be spoken: is it the text, or everything?
                sample = Own(SAMPLE, self._settings.tts.speech(own.speech.language, SAMPLE), own.longest)
                del refused[own.name]
                refused |= await self._ask([sample, own], forms, "again")
                if SAMPLE in refused:
                    raise Mute(refused[SAMPLE])
        names = [own.name for own in wanted if own.name not in refused]
        await asyncio.to_thread(self._put, names, forms, pbxs)
        return refused

    async def bring(self, names: Iterable[str], pbxs: Sequence[str]) -> None:
        """Have PBXs on other machines fetch these sounds. Raises Mute when one cannot."""
        files = [name + form for name in sorted(names) for form in self._forms(pbxs)]
        for pbx in pbxs:
            far = self._sounds(pbx)
            faults = await far.bring_files(files) if far.remote else []
            if faults:
                raise Mute(f"PBX {pbx} does not get what was spoken: {faults[0]}")

    def _forms(self, pbxs: Sequence[str]) -> tuple[str, ...]:
        """Of each sound: no more than its trunks want, since there are many."""
        trunks = [trunk for trunk in self._settings.trunk.values() if trunk.pbx in pbxs]
        forms = forms_for([codec for trunk in trunks for codec in trunk.codecs])
        return tuple(form for form in forms if form != ".wav") or forms

    def _directories(self, pbxs: Sequence[str]) -> set[Path]:
        return {self._settings.pbx[pbx].sounds_dir for pbx in pbxs}

    async def _ask(self, wanted: Sequence[Own], forms: Sequence[str], where: str) -> dict[str, str]:
        """Have these made below the scratch directory; returns those that were not, and why."""
        folder = self._scratch / where
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        items = [
            Item(own.name, own.speech, str(folder / own.name.rpartition("/")[2].replace(" ", "-")))
            for own in wanted
        ]
        left = {own.name: own for own in wanted}
        refused: dict[str, str] = {}
        try:
            async with aclosing(made(items, forms, self._settings.prompts.target)) as answers:
                async for told in answers:
                    own = left.pop(told.key)
                    if isinstance(told, Refused):
                        refused[told.key] = told.what
                    elif told.seconds > own.longest:
                        lasts = (
                            f"it lasts {told.seconds:.0f} s, longer than the {own.longest:g} s that it may"
                        )
                        refused[told.key] = lasts
        except VolleyError as error:  # the process broke over one of them
            refused |= dict.fromkeys(left, str(error))
        return refused

    def _put(self, names: Sequence[str], forms: Sequence[str], pbxs: Sequence[str]) -> None:
        drafts = {path.name: path for path in self._scratch.glob("*/*")}
        for name in names:
            for form in forms:
                for directory in self._directories(pbxs):
                    put(drafts[name.rpartition("/")[2] + form], directory / (name + form))


def _anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
