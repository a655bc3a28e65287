"""The labelled callees: who answers, with which words, voice, level, noise and beep.

Pure: the same recipes on every machine, drawn from a generator with a fixed seed for each part. Nothing is rendered
here (audio.py). The two parts, `tune` and `test`, share neither texts nor voices, so that what is set by the one is
reported on callees that had no say in it.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

Part = Literal["tune", "test"]
PARTS: tuple[Part, ...] = ("tune", "test")
TEXTS = Path(__file__).with_name("texts.toml")
LANGUAGES = ("en", "fr", "de", "es")
SHARES = (4, 3, 2, 2)
"""How many callees of each language, in parts."""

VOICES: dict[Part, dict[str, tuple[str, ...]]] = {
    "tune": {"en": ("en-us", "en-gb"), "fr": ("fr-fr",), "de": ("de",), "es": ("es",)},
    "test": {"en": ("en-gb-scotland", "en-us-nyc"), "fr": ("fr-be", "fr-ch"), "de": ("de",), "es": ("es-419",)},
}  # fmt: skip
VARIANTS: dict[Part, tuple[str, ...]] = {
    "tune": ("m1", "m3", "m5", "m7", "f1", "f3", "f5", "klatt2", "Andy", "Annie"),
    "test": ("m2", "m4", "m6", "m8", "f2", "f4", "klatt4", "Michael", "Linda", "steph"),
}
"""espeak-ng's voices of the same language that sound like different people."""
BEEPS: dict[Part, tuple[tuple[float, ...], ...]] = {
    "tune": ((440,), (800,), (950,), (1000,), (1100,), (1400,), (850, 620), (2000,)),
    "test": ((480,), (660,), (850,), (1000,), (1050,), (1250,), (440, 480), (1400,)),
}
"""Frequencies in hertz; two of them sound together."""

HOLD = 30.0
"""Seconds for which noise, a television or a fax goes on: longer than a call of the benchmark."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker: espeak-ng's voice with its variant, words a minute, pitch (0 to 99)."""

    name: str
    speed: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """One callee, from the answer on. Seconds, and levels in dB below full scale."""

    name: str
    part: Part
    label: str
    """`person`, `silence`, or what kind of machine: `voicemail`, `network`, `screening`, `fax`."""
    kind: str
    language: str
    voice: Voice
    delay: float = 0.5
    """Before the first sound."""
    says: tuple[str, ...] = ()
    gaps: tuple[float, ...] = ()
    """The pause after each thing said but the last."""
    greeting: int = 1
    """How many of the things said are the greeting; what follows comes while we should be speaking."""
    level: float = -20.0
    noise: str = ""
    """`white`, `brown` or `babble` (a television), as long as the call."""
    snr: float = 60.0
    """Speech over noise in dB. A line of its own is never quite silent."""
    mobile: bool = False
    """Through the GSM codec."""
    tones: str = ""
    """`sit` before the words; `ced` or `cng` (fax) instead of words."""
    beep: tuple[float, ...] = ()
    beep_after: float = 0.0
    beep_length: float = 0.0
    beep_level: float = -13.0


@cache
def texts() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Language, part and kind -> texts."""
    found: dict[str, dict[str, dict[str, list[str]]]] = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    return found


class _Draw:
    """Draws one part's recipes, one after another."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.random = random.Random(f"volley amd {part}")
        self.serial = 0

    def __call__(self, label: str, kind: str, text: str = "", **changes: object) -> Recipe:
        """A callee of a random language and voice who says a text of kind `text`."""
        pick = self.random
        language = pick.choices(LANGUAGES, SHARES)[0]
        voice = Voice(
            f"{pick.choice(VOICES[self.part][language])}+{pick.choice(VARIANTS[self.part])}",
            pick.randint(135, 205),
            pick.randint(25, 75),
        )
        said = tuple(pick.choice(texts()[language][self.part][text]).split("|")) if text else ()
        pauses = tuple(round(pick.uniform(0.5, 1.6), 2) for _ in said[1:])
        self.serial += 1
        drawn = Recipe(
            name=f"{self.part}-{self.serial:03d}-{kind}",
            part=self.part,
            label=label,
            kind=kind,
            language=language,
            voice=voice,
            delay=round(pick.triangular(0.2, 1.2, 0.5), 2),
            says=said,
            gaps=pauses,
            greeting=len(said),
            level=round(pick.uniform(-26.0, -16.0), 1),
            mobile=pick.random() < 0.25,
        )
        return replace(drawn, **changes)  # type: ignore[arg-type]  # fields of Recipe by name

    def then(self, recipe: Recipe, after: float) -> Recipe:
        """The same, who speaks again `after` seconds after the greeting: nobody has said a word, or we just have."""
        more = self.random.choice(texts()[recipe.language][self.part]["again"])
        return replace(recipe, says=(*recipe.says, more), gaps=(*recipe.gaps, after))

    def beeping(self, recipe: Recipe) -> Recipe:
        """A voicemail's beep, or none for one in eight."""
        pick = self.random
        if pick.random() < 0.125:
            return recipe
        return replace(
            recipe,
            beep=pick.choice(BEEPS[self.part]),
            beep_after=round(pick.choice((pick.uniform(0.1, 0.8), pick.uniform(0.8, 3.0))), 2),
            beep_length=round(pick.choice((0.15, 0.25, 0.3, 0.4, 0.5, 0.8, 1.0)), 2),
            beep_level=round(pick.uniform(-20.0, -8.0), 1),
        )


def _people(draw: _Draw) -> Iterator[Recipe]:
    pick = draw.random
    for _ in range(66):
        yield draw("person", "word", "word")
    for _ in range(36):
        yield draw("person", "hello", "hello")
    for _ in range(24):
        yield draw("person", "name", "name")
    for at in range(24):
        person = draw("person", "business", "business")
        yield draw.then(person, round(pick.uniform(1.2, 3.0), 2)) if at % 6 == 0 else person
    for _ in range(24):
        yield draw.then(draw("person", "double", "word"), round(pick.uniform(0.9, 2.5), 2))
    for _ in range(20):
        yield draw("person", "late", "word", delay=round(pick.uniform(1.2, 2.5), 2))
    for at in range(28):
        kind = pick.choice(("word", "hello"))
        snr = (30.0, 25.0, 20.0, 17.0, 14.0, 11.0, 8.0)[at % 7]
        yield draw("person", "noise", kind, noise=("white", "brown")[at // 7 % 2], snr=snr)
    for at in range(12):
        kind = pick.choice(("word", "hello"))
        yield draw("person", "television", kind, noise="babble", snr=(27.0, 22.0, 18.0, 14.0)[at % 4])
    for _ in range(16):
        yield draw("person", "quiet", "hello", level=round(pick.uniform(-38.0, -30.0), 1))


def _machines(draw: _Draw) -> Iterator[Recipe]:
    pick = draw.random
    for kind, count in (("short", 12), ("medium", 56), ("long", 40), ("pause", 24)):
        for _ in range(count):
            yield draw.beeping(draw("voicemail", kind, kind))
    for _ in range(8):
        yield draw.beeping(draw("voicemail", "late", "medium", delay=round(pick.uniform(1.5, 3.0), 2)))
    for at in range(8):
        machine = draw(
            "voicemail", "noise", "medium", noise=("white", "brown")[at % 2], snr=(25.0, 18.0)[at // 2 % 2]
        )
        yield draw.beeping(machine)
    for _ in range(8):
        yield draw.beeping(draw("voicemail", "quiet", "medium", level=round(pick.uniform(-36.0, -30.0), 1)))
    for at in range(14):
        machine = draw("network", "announcement", "network")
        if at % 7 < 5:  # most of them say it again and again; a few say it once
            machine = replace(machine, says=machine.says * 3, gaps=(round(pick.uniform(1.0, 2.5), 2),) * 2)
        yield machine
    for _ in range(10):
        yield draw("network", "sit", "network", tones="sit")
    for at in range(16):
        machine = draw("screening", "screening", "screening")
        yield draw.beeping(machine) if at % 2 else machine
    for _ in range(6):
        yield draw("fax", "ced", tones="ced", level=-15.0)
    for _ in range(2):
        yield draw("fax", "cng", tones="cng", level=-15.0)


def _silent(draw: _Draw) -> Iterator[Recipe]:
    for at in range(8):
        yield (
            draw("silence", "hiss", noise="white", level=-58.0, snr=0.0)
            if at % 2
            else draw("silence", "nothing")
        )


GROUPS: tuple[Callable[[_Draw], Iterator[Recipe]], ...] = (_people, _machines, _silent)


def recipes(part: Part) -> list[Recipe]:
    """All callees of a part, always the same and in the same order."""
    draw = _Draw(part)
    return [recipe for group in GROUPS for recipe in group(draw)]
