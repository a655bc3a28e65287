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
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import Problem
from engine.flow.languages import EVERYBODY, asterisk_language, fallbacks
from engine.flow.prompts import Said, Spoken, filled, key_of, shown
from engine.intake.locales import canonical_language
from engine.speech.client import made
from engine.speech.order import Item, Made, Speech
from engine.speech.render import forms_for

SPEECH = "speech"
"""Below the engine's state directory: what the command of [tts] spoke of texts that are the same for all."""
UNUSED = 30 * 86400.0
"""Seconds after which that is deleted where no campaign has used it again."""
RECIPE = "1"
"""Part of every placed name: raise it when the same recording is to sound otherwise."""


@dataclass(slots=True)
class Prepared:
    """A campaign's prompts, made and not placed yet; and all that is wrong with them."""

    names: dict[str, str] = field(default_factory=dict)
    """Key of a prompt (a file's name, a text's `key`) -> placed name, without its ending."""
    variants: dict[str, dict[str, str]] = field(default_factory=dict)
    """Key of a prompt -> Asterisk's name of a language, or EVERYBODY -> the variant: a file in the job's folder, or a text."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Variant -> how long it lasts."""
    files: dict[str, Path] = field(default_factory=dict)
    """Path below the sounds directory -> the file that is to be placed there."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def message(self, campaign: Campaign) -> float | None:
        """How long the campaign's message lasts, fields that are spoken aside; None when that is not known."""
        if campaign.message is None:
            return None
        return self.lasts([key_of(one) for one in campaign.message.prompts if not isinstance(one, Said)])

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


def tidy(cache: Path, now: float) -> None:
    """Delete what the command of [tts] spoke and nobody has used for long."""
    for path in cache.glob("*.wav"):
        if path.stat().st_mtime < now - UNUSED:
            path.unlink()


def files_of(campaign: Campaign, folder: Path) -> list[str]:
    """The files in a job's folder that its campaign's prompts are, or should be."""
    languages = _language_folders(folder, [])
    files = [list(_variants(folder, prompt, languages).values()) or [prompt] for prompt in campaign.prompts()]
    return [file for variants in files for file in variants]


def pbxs_of(campaign: Campaign, settings: Settings) -> list[str]:
    """The PBXs that a campaign may call from, those of its trunks that are there."""
    trunks = [settings.trunk[name] for name in campaign.trunks or settings.trunk if name in settings.trunk]
    return list(dict.fromkeys(trunk.pbx for trunk in trunks))


async def prepare(
    campaign: Campaign,
    folder: Path,
    settings: Settings,
    scratch: Path,
    cache: Path | None = None,
    *,
    keeps: bool = False,
) -> Prepared:
    """Make the prompts of a campaign whose job lies in `folder`, below `scratch`. Every problem is told at once.

    `cache` has what the command of [tts] spoke before; `keeps`: and takes what it speaks now. Raises VolleyError when
    the process that makes them broke.
    """
    making = _Making(campaign, folder, settings, scratch)
    for prompt in campaign.prompts():
        making.take_file(prompt)
    for text in campaign.texts():
        if text.fields:
            making.take_sample(text)
        else:
            making.take_text(text)
    found = making.found
    items = [Item(key, source, str(draft)) for key, (source, draft) in making.sources.items()]
    async with aclosing(made(items, making.forms, making.level, cache=cache, keeps=keeps)) as answers:
        async for told in answers:
            where = making.labels.get(told.key, told.key)
            longest = making.longest.get(told.key)
            if isinstance(told, Made) and longest is not None and told.seconds > longest:
                what = f"with the names of its fields it lasts {told.seconds:.0f} s, longer than the {longest:g} s that it may"
                found.problems.append(Problem(where, what, "shorten it, or give it a `longest`"))
            elif isinstance(told, Made):
                found.seconds[told.key] = told.seconds if longest is None else longest
                found.warnings += [Problem(where, words) for words in told.warnings]
            else:
                found.problems.append(Problem(where, told.what, told.todo))
    return found


class _Making:
    """What is to be made for a campaign, each recording and each text once."""

    def __init__(self, campaign: Campaign, folder: Path, settings: Settings, scratch: Path) -> None:
        used = pbxs_of(campaign, settings)
        codecs = [codec for trunk in settings.trunk.values() if trunk.pbx in used for codec in trunk.codecs]
        self.forms, self.level = forms_for(codecs), settings.prompts.target
        self.found = Prepared()
        self.sources: dict[str, tuple[str | Speech, Path]] = {}
        """File or text -> what it is made of, and where."""
        self.labels: dict[str, str] = {}
        """Text -> how it is called in a message."""
        self.longest: dict[str, float] = {}
        """Text with fields -> how many seconds it may last with a contact."""
        self._own = asterisk_language(campaign.language)
        self._tts = settings.tts
        self._folder = folder
        self._scratch = scratch
        self._languages = _language_folders(folder, self.found.problems)

    def take_file(self, prompt: str) -> None:
        """A recording, with its variants."""
        variants = _variants(self._folder, prompt, self._languages)
        if EVERYBODY not in variants:
            own = next((variants[one] for one in fallbacks(self._own) if one in variants), None)
            if own is None:
                self.found.problems.append(_missing(prompt, self._own, variants))
                return
            variants[EVERYBODY] = own
        contents = {language: _content(self._folder / file) for language, file in variants.items()}
        sources = {language: str(self._folder / file) for language, file in variants.items()}
        self._take(prompt, variants, sources, placed_name(contents, f"level {self.level}"))

    def take_text(self, text: Spoken) -> None:
        """A text that is the same for all contacts."""
        speeches = {
            language: self._tts.speech(language, filled(words, {}))
            for language, words in text.texts(self._own).items()
        }
        speeches[EVERYBODY] = speeches[text.heard(self._own, self._own)[0]]
        ways = {one: json.dumps(asdict(speech), sort_keys=True).encode() for one, speech in speeches.items()}
        variants = {language: f"{text.key} {speech.language}" for language, speech in speeches.items()}
        self.labels |= {
            variants[language]: f"{shown(text)} ({speeches[language].language})" for language in variants
        }
        self._take(text.key, variants, speeches, placed_name(ways, f"spoken, level {self.level}"))

    def take_sample(self, text: Spoken) -> None:
        """A text with fields: spoken with their names, to see that it can be. Each contact has its own later
        (`engine.dialing.speaking`)."""
        names = {name: name.replace("_", " ").lower() for name in text.fields}
        variants = {language: f"{text.key} {language}" for language in text.texts(self._own)}
        for language, words in text.texts(self._own).items():
            speech = self._tts.speech(language, filled(words, names))
            self.sources[variants[language]] = (speech, self._scratch / str(len(self.sources)))
            self.longest[variants[language]] = text.longest
            self.labels[variants[language]] = f"{shown(text)} ({language})"
        variants[EVERYBODY] = variants[text.heard(self._own, self._own)[0]]
        self.found.variants[text.key] = variants

    def _take(
        self, key: str, variants: dict[str, str], sources: Mapping[str, str | Speech], name: str
    ) -> None:
        self.found.variants[key] = variants
        self.found.names[key] = name
        for language, variant in variants.items():
            _, draft = self.sources.setdefault(
                variant, (sources[language], self._scratch / str(len(self.sources)))
            )
            for form in self.forms:
                self.found.files[f"{language}/{name}{form}".lstrip("/")] = draft.with_name(draft.name + form)


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


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def placed_name(variants: Mapping[str, bytes], made_how: str) -> str:
    """The name, without its ending, under which a prompt is placed; `variants`: language and more -> what it is made of."""
    whole = hashlib.sha256(f"{RECIPE}\0{made_how}".encode())
    for language, content in sorted(variants.items()):
        whole.update(hashlib.sha256(language.encode()).digest() + hashlib.sha256(content).digest())
    return "prompt-" + whole.hexdigest()[:32]
