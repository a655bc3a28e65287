"""Speaks campaigns' texts with the fields of each contact, before its call and never while anybody waits.

One task. It takes contacts that wait for their speech (`engine.store.speech`), has it made by bounded processes of their
own, brings it to every PBX that the campaign calls from, and only then makes them due. It stays some contacts ahead of
the dialing, so the disk holds what will be heard soon; what is not needed any more is deleted. A text that cannot be
spoken for one contact ends that contact and says so; a command that speaks nothing at all stops nobody's campaign: its
contacts wait.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from engine.config import Settings
from engine.dialing.agenda import Agenda
from engine.dialing.personal import Own, Unspeakable, folder_of, folder_prefix, sounds_of
from engine.dialing.running import Running
from engine.dialing.surroundings import Clock
from engine.dialing.voices import Far, Mute, Voices
from engine.errors import StoreError, StoreFault
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import speech as stored
from engine.store.speech import Wordless
from engine.store.writer import Writer

BATCH = 20
"""Texts that one process speaks before it ends."""
IDLE = 1.0
"""Seconds between two looks when nobody waits."""
RETRY = 15.0
"""Seconds until what the command, the disk or a PBX refused is tried again."""
SWEEP_EVERY = 60.0
LEAST_AGE = 120.0
"""Seconds that a sound lies before it may be swept away: it may not be in the database yet."""
KEY_FILE = "speech.key"


class Speaking:
    """Owns all speech that is a contact's own."""

    def __init__(
        self,
        settings: Settings,
        agenda: Agenda,
        writer: Writer,
        sounds: Callable[[str], Far],
        wake: Callable[[], None],
        emptied: Callable[[int], None],
        clock: Clock,
        log: Log,
    ) -> None:
        """`wake()`: contacts became due; `emptied(campaign)`: contacts of it ended."""
        self._settings = settings
        self._agenda = agenda
        self._writer = writer
        self._voices = Voices(settings, sounds)
        self._wake = wake
        self._emptied = emptied
        self._clock = clock
        self._log = log
        self._key = b""
        self._looked: set[int] = set()
        """Campaigns of which it is known that the sounds of their contacts are there."""
        self._swept = float("-inf")
        self._paused: dict[int, float] = {}
        """Campaigns that could not be spoken for -> monotonic instant of the next attempt."""

    def __repr__(self) -> str:
        return f"<Speaking campaigns={sorted(self._looked)}>"

    async def run(self) -> None:
        """Until cancelled."""
        self._key = await asyncio.to_thread(_key, self._settings.engine.state / KEY_FILE)
        while True:
            wait = IDLE
            try:
                if await self._look_round():
                    wait = 0.0
                await self._sweep()
            except (StoreError, OSError) as error:
                if not isinstance(error, StoreFault):  # that one is told by the writer's health
                    self._log.error(events.TTS_FAILED, error=str(error), retry_in=RETRY)
                wait = RETRY
            await asyncio.sleep(wait)

    async def _look_round(self) -> bool:
        """Speak for the next contacts of each campaign; returns whether there were any."""
        some = False
        for running in list(self._agenda.campaigns.values()):
            if not running.texts or self._clock.mono() < self._paused.get(running.id, float("-inf")):
                continue
            if running.id not in self._looked:
                await self._look_after(running)
            try:
                some = await self._speak(running) or some
            except Mute as error:
                self._paused[running.id] = self._clock.mono() + RETRY
                self._log.error(
                    events.TTS_FAILED,
                    campaign=running.name,
                    error=str(error),
                    retry_in=RETRY,
                    dialing="contacts wait for their speech",
                )
        return some

    def _pbxs(self, running: Running) -> list[str]:
        return sorted(
            {self._settings.trunk[name].pbx for name in running.trunks if name in self._settings.trunk}
        )

    async def _look_after(self, running: Running) -> None:
        """After a start: contacts whose sounds are gone from a directory wait for them again."""
        held: dict[int, list[str]] = await self._writer.submit(
            partial(stored.in_use, campaign_id=running.id), bulk=True
        )
        pbxs = self._pbxs(running)
        there = await asyncio.to_thread(self._voices.there, folder_of(self._key, running.id), pbxs)
        gone = [contact for contact, names in held.items() if not there.issuperset(names)]
        if gone:
            await self._writer.submit(partial(stored.lost, contact_ids=gone), bulk=True)
        self._looked.add(running.id)

    # -- speaking ------------------------------------------------------------------------------------------------------

    async def _speak(self, running: Running) -> bool:
        """Speak for the next contacts of a campaign; returns whether there were any. Raises Mute, StoreError, OSError."""
        tts = self._settings.tts
        room = tts.ahead - await self._writer.submit(partial(stored.ahead, campaign_id=running.id), bulk=True)
        limit = min(room, BATCH * tts.workers)
        if limit <= 0:
            return False
        waiting: list[Wordless] = await self._writer.submit(
            partial(stored.wanted, campaign_id=running.id, limit=limit), bulk=True
        )
        if not waiting:
            return False
        sounds, faults = self._plan(running, waiting)
        pbxs = self._pbxs(running)
        wanted = {own.name: own for contact in sounds.values() for own in contact}
        there = await asyncio.to_thread(self._voices.there, folder_of(self._key, running.id), pbxs)
        refused = await self._voices.speak([own for name, own in wanted.items() if name not in there], pbxs)
        await self._voices.bring(wanted.keys() - refused.keys(), pbxs)
        for contact, own in sounds.items():
            why = next((refused[one.name] for one in own if one.name in refused), None)
            if why is not None:
                faults[contact] = why
        names = {
            contact: [one.name for one in own] for contact, own in sounds.items() if contact not in faults
        }
        await self._writer.submit(partial(stored.ready, names=names, now=self._clock.now()), bulk=True)
        await self._fail(running, faults)
        if names:
            running.due(self._clock.now())
            self._wake()
        return True

    def _plan(
        self, running: Running, waiting: Sequence[Wordless]
    ) -> tuple[dict[int, list[Own]], dict[int, str]]:
        """The sounds of each contact; and of those for whom there can be none, why."""
        sounds, faults = {}, {}
        folder, level = folder_of(self._key, running.id), self._settings.prompts.target
        for contact in waiting:
            try:
                sounds[contact.contact_id] = sounds_of(
                    contact,
                    running.texts,
                    running.campaign.language,
                    self._settings.tts,
                    level,
                    self._key,
                    folder,
                )
            except Unspeakable as error:
                faults[contact.contact_id] = str(error)
        return sounds, faults

    async def _fail(self, running: Running, faults: Mapping[int, str]) -> None:
        if not faults:
            return
        ended: list[int] = await self._writer.submit(
            partial(stored.failed, contact_ids=list(faults)), bulk=True
        )
        for contact in ended:
            self._log.warning(
                events.CONTACT_UNSPOKEN, campaign=running.name, contact=contact, why=faults[contact]
            )
        self._emptied(running.id)

    # -- tidying up ----------------------------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Delete the sounds of contacts that are done, and of campaigns that are over."""
        if self._clock.mono() - self._swept < SWEEP_EVERY:
            return
        self._swept = self._clock.mono()
        keep: dict[str, set[str]] = {}
        for running in list(self._agenda.campaigns.values()):
            if running.texts:
                held = await self._writer.submit(partial(stored.in_use, campaign_id=running.id), bulk=True)
                keep[folder_of(self._key, running.id)] = {name for names in held.values() for name in names}
        self._looked &= set(self._agenda.campaigns)
        self._paused = {one: at for one, at in self._paused.items() if one in self._agenda.campaigns}
        before = self._clock.now() - LEAST_AGE
        for directory in {pbx.sounds_dir for pbx in self._settings.pbx.values()}:
            await asyncio.to_thread(_drop, directory, folder_prefix(self._key), keep, before)


def _drop(directory: Path, prefix: str, keep: Mapping[str, set[str]], before: float) -> None:
    for folder in directory.glob(f"{prefix}*"):
        held = keep.get(folder.name)
        if held is None:
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)
            continue
        for file in folder.iterdir():
            if f"{folder.name}/{file.stem}" not in held and file.stat().st_mtime < before:
                file.unlink()


def _key(path: Path) -> bytes:
    """The key of this state directory's names, made if there is none: without it everything is spoken anew, no more."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) < 32:
        found = secrets.token_bytes(32)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(found)
    return found
