"""A campaign's prompts: found in the job's folder, made into what its trunks play, measured.

A prompt is a recording beside the manifest: WAV of any rate, width and number of channels, and what ffmpeg or sox can
read. `hello.wav` may have variants, `fr/hello.wav` and so on: who is spoken to in French hears that one, everybody else
`hello.wav`, or where there is none the variant in the campaign's language. They are placed as Asterisk looks for
them: <language>/<name> beside <name>. The name is the hash of the contents of all variants and of how they are made, so a
live call never hears a half-changed prompt, and the same prompt is stored once.

Making them is `engine.speech`'s work, bringing them to the PBXs `engine.intake.placing`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import Problem
from engine.flow.prompts import files
from engine.intake.locales import canonical_language
from engine.speech.client import made
from engine.speech.order import Item, Made
from engine.speech.render import forms_for

RECIPE = "1"
"""Part of every placed name: raise it when the same recording is to sound otherwise."""
EVERYBODY = ""
"""The language of the variant that is heard by all who have none of their own."""


@dataclass(slots=True)
class Prepared:
    """A campaign's prompts, made and not placed yet; and all that is wrong with them."""

    names: dict[str, str] = field(default_factory=dict)
    """Prompt, as the manifest names it -> placed name, without its ending."""
    variants: dict[str, dict[str, str]] = field(default_factory=dict)
    """Prompt -> Asterisk's name of a language, or EVERYBODY -> file in the job's folder."""
    seconds: dict[str, float] = field(default_factory=dict)
    """File in the job's folder -> how long it lasts."""
    files: dict[str, Path] = field(default_factory=dict)
    """Path below the sounds directory -> the file that is to be placed there."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def message(self, campaign: Campaign) -> float | None:
        """How long the campaign's message lasts, fields that are spoken aside; None when that is not known."""
        return None if campaign.message is None else self.lasts(files(campaign.message.prompts))

    def lasts(self, prompts: Sequence[str]) -> float | None:
        """How long these prompts last together, in the language in which that is longest; None when one of them cannot
        be played."""
        spoken = {language for prompt in prompts for language in self.variants.get(prompt, {})} | {EVERYBODY}
        sums = [self._lasts(prompts, language) for language in spoken]
        return None if None in sums else max(one for one in sums if one is not None)

    def _lasts(self, prompts: Iterable[str], language: str) -> float | None:
        total = 0.0
        for prompt in prompts:
            seconds = self.seconds.get(self.heard(prompt, language))
            if seconds is None:
                return None
            total += seconds
        return total

    def heard(self, prompt: str, language: str) -> str:
        """The file that somebody hears who is spoken to in `language` (Asterisk's name); empty when there is none."""
        variants = self.variants.get(prompt, {})
        return next((variants[one] for one in fallbacks(language) if one in variants), "")

    def without(self, language: str) -> list[str]:
        """The prompts that have no variant in this language."""
        return [
            prompt
            for prompt, variants in self.variants.items()
            if not any(one in variants for one in fallbacks(language) if one != EVERYBODY)
        ]


def asterisk_language(tag: str) -> str:
    """A language tag as Asterisk names the language: `pt-BR` is pt_BR."""
    return tag.replace("-", "_")


def fallbacks(language: str) -> Iterator[str]:
    """Where Asterisk looks for a sound in `language`, one after another: fr_CA, then fr, then without a language
    (`fileexists_core` in main/file.c)."""
    while language:
        yield language
        language = language.rpartition("_")[0]
    yield EVERYBODY


def files_of(campaign: Campaign, folder: Path) -> list[str]:
    """The files in a job's folder that its campaign's prompts are, or should be."""
    languages = _language_folders(folder, [])
    files = [list(_variants(folder, prompt, languages).values()) or [prompt] for prompt in campaign.prompts()]
    return [file for variants in files for file in variants]


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
    forms, level = forms_for(codecs), settings.prompts.target
    found = Prepared()
    languages = _language_folders(folder, found.problems)
    drafts: dict[str, Path] = {}
    for prompt in campaign.prompts():
        variants = _variants(folder, prompt, languages)
        if EVERYBODY not in variants:
            own = next(
                (variants[one] for one in fallbacks(asterisk_language(campaign.language)) if one in variants),
                None,
            )
            if own is None:
                found.problems.append(_missing(prompt, campaign.language, variants))
                continue
            variants[EVERYBODY] = own
        found.variants[prompt] = variants
        name = found.names[prompt] = placed_name(
            {one: folder / file for one, file in variants.items()}, str(level)
        )
        for language, file in variants.items():
            draft = drafts.setdefault(file, scratch / f"{len(drafts)}")
            for form in forms:
                found.files[f"{language}/{name}{form}".lstrip("/")] = draft.with_name(draft.name + form)
    items = [Item(file, str(folder / file), str(draft)) for file, draft in drafts.items()]
    async with aclosing(made(items, forms, level)) as answers:
        async for told in answers:
            if isinstance(told, Made):
                found.seconds[told.key] = told.seconds
                found.warnings += [Problem(told.key, words) for words in told.warnings]
            else:
                found.problems.append(Problem(told.key, told.what, told.todo))
    return found


def _missing(prompt: str, language: str, variants: Mapping[str, str]) -> Problem:
    if not variants:
        return Problem(prompt, "there is no such prompt file in the job's folder")
    there = ", ".join(sorted(variants.values()))
    todo = f"add {prompt}, or {language}/{prompt}"
    return Problem(
        prompt, f"nobody would hear it in the campaign's language ({language}): there is only {there}", todo
    )


def _language_folders(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """Asterisk's name of a language -> the folder of the job that is called so."""
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        tag = canonical_language(path.name) if path.is_dir() else None
        if tag is not None:
            first = found.setdefault(asterisk_language(tag), path.name)
            if first != path.name:
                problems.append(
                    Problem(
                        path.name, f"the folders {first} and {path.name} are one language", "keep one of them"
                    )
                )
    return found


def _variants(folder: Path, prompt: str, languages: Mapping[str, str]) -> dict[str, str]:
    """Language -> file of a prompt, those that are there."""
    wanted = {EVERYBODY: prompt, **{language: f"{name}/{prompt}" for language, name in languages.items()}}
    return {language: file for language, file in wanted.items() if _is_file_inside(folder / file, folder)}


def _is_file_inside(path: Path, folder: Path) -> bool:
    inside = path.resolve().is_relative_to(folder.resolve())
    return inside and not path.is_symlink() and path.is_file()


def placed_name(variants: Mapping[str, Path], made_how: str) -> str:
    """The name, without its ending, under which a prompt is placed; `variants`: language and more -> file."""
    whole = hashlib.sha256(f"{RECIPE}\0{made_how}".encode())
    for language, path in sorted(variants.items()):
        with path.open("rb") as file:
            whole.update(f"\0{language}\0".encode() + hashlib.file_digest(file, "sha256").digest())
    return "prompt-" + whole.hexdigest()[:32]
