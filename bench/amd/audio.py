"""What a labelled callee sounds like: a recipe in, samples and their marks out.

Knows espeak-ng (speech), sox (rates, bands, the GSM codec) and arithmetic on samples (tones, noise, levels, mixing).
Refuses to know what a detector makes of it. Samples are 16 bit, 8000 a second, one channel. Speech is kept by content
in a cache directory, so that a second run speaks nothing anew.
"""

from __future__ import annotations

import array
import hashlib
import math
import random
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from bench.amd.corpus import HOLD, Part, Recipe, Voice, texts

RATE = 8000
FRAME = 160
"""Samples in 20 ms, the frame that Asterisk judges by."""
FULL = 32768.0
RAW = ("-t", "raw", "-r", str(RATE), "-c", "1", "-b", "16", "-e", "signed-integer", "-L")
SIT = ((950.0, 0.33), (1400.0, 0.33), (1800.0, 0.33))
"""Special information tones: nominal frequencies in hertz and seconds (ITU-T E.180, 7.4)."""
CED = 2100.0
"""A fax that answers, for 2.6 to 4 seconds (ITU-T T.30, 4.3.3.1)."""
CNG = 1100.0
"""A fax that calls, half a second in every three and a half (ITU-T T.30, 4.3.3.2)."""
V21 = (1650.0, 1850.0)
"""The fax's first words: 300 bit/s in these two tones (ITU-T V.21, channel 2)."""

Samples: TypeAlias = "array.array[int]"


class AudioError(Exception):
    """espeak-ng or sox did not do what was asked; the message says what they said."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A callee's samples, and where in them something ends. Milliseconds from the answer; None when there is none."""

    samples: Samples
    greeting_end: int | None
    beep_start: int | None
    beep_end: int | None


def render(recipe: Recipe, cache_dir: Path) -> Sound:
    """All that the callee sends from the answer on. Raises AudioError."""
    parts: list[float] = [0.0] * round(recipe.delay * RATE)
    greeting_end: int | None = None
    beep: tuple[int, int] | None = None
    if recipe.tones == "sit":
        parts += [value for hertz, seconds in SIT for value in tone((hertz,), seconds, -16.0)]
        parts += [0.0] * round(0.3 * RATE)
    if recipe.tones in ("ced", "cng"):
        parts += _fax(recipe)
    for at, text in enumerate(recipe.says):
        parts += to_level(speech(text, recipe.voice, cache_dir), recipe.level)
        if at + 1 == recipe.greeting:
            greeting_end = _ms(len(parts))
        if at < len(recipe.gaps):
            parts += [0.0] * round(recipe.gaps[at] * RATE)
    if recipe.beep:
        parts += [0.0] * round(recipe.beep_after * RATE)
        start = _ms(len(parts))
        parts += tone(recipe.beep, recipe.beep_length, recipe.beep_level)
        beep = (start, _ms(len(parts)))
    if recipe.noise:
        parts += [0.0] * max(0, round(HOLD * RATE) - len(parts))
    parts += [0.0] * (-len(parts) % FRAME)
    noise = noise_like(recipe, len(parts), cache_dir)
    mixed = clipped(value + more for value, more in zip(parts, noise, strict=True))
    samples = through_gsm(mixed) if recipe.mobile else mixed
    return Sound(samples, greeting_end, *(beep or (None, None)))


def speech(text: str, voice: Voice, cache_dir: Path) -> Samples:
    """A text as one speaker says it over a telephone, without silence at either end. Raises AudioError."""
    name = hashlib.sha256(repr((text, voice)).encode()).hexdigest()[:24]
    kept = cache_dir / f"{name}.raw"
    if not kept.exists():
        spoken = run(
            "espeak-ng",
            "-v",
            voice.name,
            "-s",
            str(voice.speed),
            "-p",
            str(voice.pitch),
            "--stdout",
            "--",
            text,
        )
        trim = ("silence", "1", "0.01", "0.5%")
        band = ("highpass", "250", "lowpass", "3400")
        made = run(
            "sox", "-t", "wav", "-", *RAW, "-", *band, *trim, "reverse", *trim, "reverse", given=spoken
        )
        if len(made) < 2 * RATE // 20:
            raise AudioError(f"espeak-ng made nothing to be heard of {text!r} with voice {voice.name}")
        cache_dir.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".part")
        partial.write_bytes(made)
        partial.replace(kept)
    return from_bytes(kept.read_bytes())


def tone(frequencies: tuple[float, ...], seconds: float, level: float) -> list[float]:
    """Sines together, faded over 5 ms at both ends; `level` is that of the sum, in dB below full scale."""
    amplitude = FULL * 10 ** (level / 20) * math.sqrt(2 / len(frequencies))
    count, fade = round(seconds * RATE), RATE // 200
    steps = [2 * math.pi * hertz / RATE for hertz in frequencies]
    return [
        amplitude * min(1.0, at / fade, (count - at) / fade) * sum(math.sin(step * at) for step in steps)
        for at in range(count)
    ]  # fmt: skip


def noise_like(recipe: Recipe, count: int, cache_dir: Path) -> list[float]:
    """The recipe's background, `count` samples of it: at least a line that is not quite silent."""
    level = max(recipe.level - recipe.snr, -72.0)
    television = recipe.noise == "babble"
    source = (
        babble(recipe.part, recipe.language, cache_dir)
        if television
        else _hiss(brown=recipe.noise == "brown")
    )
    start = random.Random(recipe.name).randrange(len(source))
    gain = FULL * 10 ** (level / 20)
    return [gain * source[(start + at) % len(source)] for at in range(count)]


@cache
def _hiss(brown: bool) -> tuple[float, ...]:
    """Thirty seconds of noise of power one: white, or falling with the frequency as that of engines and wind does."""
    drawn = random.Random(f"hiss {brown}")
    values: list[float] = []
    last = 0.0
    for _ in range(30 * RATE):
        fresh = drawn.gauss(0.0, 1.0)
        last = 0.95 * last + fresh if brown else fresh
        values.append(last)
    power = math.sqrt(sum(value * value for value in values) / len(values))
    return tuple(value / power for value in values)


@cache
def babble(part: Part, language: str, cache_dir: Path) -> tuple[float, ...]:
    """Two speakers who read on and on at the same time, of power one: a television."""
    read = texts()[language][part]["long"] + texts()[language][part]["network"]
    speakers = []
    for voice in ("m3", "f2"):
        name = {"fr": "fr-fr", "en": "en-us"}.get(language, language)
        lines = [speech(text, Voice(f"{name}+{voice}", 170, 50), cache_dir) for text in read]
        speakers.append([value for line in lines for value in line])
    count = min(map(len, speakers))
    mixed = [
        float(one + other)
        for one, other in zip(speakers[0][:count], reversed(speakers[1][:count]), strict=True)
    ]
    power = math.sqrt(sum(value * value for value in mixed) / count)
    return tuple(value / power for value in mixed)


def _fax(recipe: Recipe) -> list[float]:
    """A fax machine, for as long as it tries."""
    found: list[float] = []
    if recipe.tones == "cng":
        while len(found) < HOLD * RATE:
            found += tone((CNG,), 0.5, recipe.level) + [0.0] * (3 * RATE)
        return found
    found += tone((CED,), 3.2, recipe.level) + [0.0] * (RATE * 75 // 1000)
    bits = random.Random(recipe.name)
    while len(found) < HOLD * RATE:
        for _ in range(450):  # one and a half seconds of 300 bit/s
            found += tone((V21[bits.randrange(2)],), 1 / 300, recipe.level)
        found += [0.0] * (3 * RATE)
    return found


def to_level(samples: Iterable[int], level: float) -> list[float]:
    """Brought to a mean level in dB below full scale, measured where there is something."""
    values = list(samples)
    powers = [
        sum(one * one for one in values[at : at + FRAME]) / FRAME
        for at in range(0, len(values) - FRAME + 1, FRAME)
    ]
    heard = [power for power in powers if power > max(powers) / 1000.0]
    gain = FULL * 10 ** (level / 20) / math.sqrt(sum(heard) / len(heard))
    return [value * gain for value in values]


def clipped(values: Iterable[float]) -> Samples:
    """As 16 bit samples."""
    return array.array("h", (max(-32768, min(32767, round(value))) for value in values))


def through_gsm(samples: Samples) -> Samples:
    """As it comes out of a mobile telephone of the full-rate codec. Raises AudioError."""
    coded = run("sox", *RAW, "-", "-t", "gsm", "-r", str(RATE), "-", given=samples.tobytes())
    heard = from_bytes(run("sox", "-t", "gsm", "-r", str(RATE), "-c", "1", "-", *RAW, "-", given=coded))
    return heard[: len(samples)]


def from_bytes(data: bytes) -> Samples:
    """Samples of raw little-endian bytes."""
    found = array.array("h", data[: len(data) // 2 * 2])
    if array.array("H", b"\1\0")[0] != 1:
        found.byteswap()
    return found


def run(*command: str, given: bytes = b"") -> bytes:
    """What a program writes. Raises AudioError with what it says when it fails."""
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        raise AudioError(
            f"{' '.join(command)[:200]}: {done.stderr.decode(errors='replace').strip()[-400:] or 'failed'}"
        )
    return done.stdout


def _ms(samples: int) -> int:
    return samples * 1000 // RATE
