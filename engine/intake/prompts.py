"""A campaign's prompts: found in the job's folder, made into what its trunks play, measured.

A prompt is a recording beside the manifest: WAV of any rate, width and number of channels, and what ffmpeg or sox can
read. Its placed name is the hash of its content and of how it is made, so a live call never hears a half-changed prompt,
and the same prompt is stored once. Making them is `engine.speech`'s work, bringing them to the PBXs `engine.intake.placing`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import Problem
from engine.flow.prompts import files
from engine.speech.client import made
from engine.speech.order import Item, Made
from engine.speech.render import forms_for

RECIPE = "1"
"""Part of every placed name: raise it when the same recording is to sound otherwise."""


@dataclass(slots=True)
class Prepared:
    """A campaign's prompts, made and not placed yet; and all that is wrong with them."""

    names: dict[str, str] = field(default_factory=dict)
    """Prompt, as the manifest names it -> placed name, without its ending."""
    files: dict[str, Path] = field(default_factory=dict)
    """Path below the sounds directory, without its ending -> where its files lie now, without their ending."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Prompt -> how long it lasts."""
    forms: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def message(self, campaign: Campaign) -> float | None:
        """How long the campaign's message lasts, fields that are spoken aside; None when that is not known."""
        return None if campaign.message is None else self.lasts(files(campaign.message.prompts))

    def lasts(self, prompts: Iterable[str]) -> float | None:
        """How long these prompts last together; None when one of them cannot be played."""
        known = [self.seconds.get(prompt) for prompt in prompts]
        return None if None in known else sum(one for one in known if one is not None)


def pbxs_of(campaign: Campaign, settings: Settings) -> list[str]:
    """The PBXs that a campaign may call from, those of its trunks that are there."""
    trunks = [settings.trunk[name] for name in campaign.trunks or settings.trunk if name in settings.trunk]
    return list(dict.fromkeys(trunk.pbx for trunk in trunks))


async def prepare(campaign: Campaign, folder: Path, settings: Settings, scratch: Path) -> Prepared:
    """Make the prompts of a campaign whose job lies in `folder`, below `scratch`. Every problem is told at once.

    Raises VolleyError when the process that makes them broke.
    """
    used = pbxs_of(campaign, settings)
    codecs = [codec for trunk in settings.trunk.values() if trunk.pbx in used for codec in trunk.codecs]
    level = settings.prompts.target
    found = Prepared(forms=forms_for(codecs))
    items = []
    for prompt in campaign.prompts():
        source = folder / prompt
        if not _is_file_inside(source, folder):
            found.problems.append(Problem(prompt, "there is no such prompt file in the job's folder"))
            continue
        name = _placed_name({"": source}, level)
        found.names[prompt] = name
        found.files[name] = scratch / name
        items.append(Item(prompt, str(source), str(scratch / name)))
    async with aclosing(made(items, found.forms, level)) as answers:
        async for told in answers:
            if isinstance(told, Made):
                found.seconds[told.key] = told.seconds
                found.warnings += [Problem(told.key, words) for words in told.warnings]
            else:
                found.problems.append(Problem(told.key, told.what, told.todo))
    return found


def _is_file_inside(path: Path, folder: Path) -> bool:
    inside = path.resolve().is_relative_to(folder.resolve())
    return inside and not path.is_symlink() and path.is_file()


def _placed_name(variants: Mapping[str, Path], level: float | None) -> str:
    """The name, without its ending, under which a prompt is placed; `variants`: language -> recording."""
    whole = hashlib.sha256(f"{RECIPE}\0{level}".encode())
    for language, path in sorted(variants.items()):
        with path.open("rb") as file:
            whole.update(f"\0{language}\0".encode() + hashlib.file_digest(file, "sha256").digest())
    return "prompt-" + whole.hexdigest()[:32]
