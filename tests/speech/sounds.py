"""Sounds for tests: tones in the rhythm of syllables, at a level that is known."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path

from engine.speech.sound import Sound, write_wav


def tone(
    seconds: float = 2.0, rate: int = 8000, level: float = -22.0, hertz: float = 400.0, lead: float = 0.0
) -> Sound:
    """A tone of `level` dB below full scale (as a mean of its power), after `lead` seconds of silence."""
    top = 32768 * math.sqrt(2) * 10 ** (level / 20)
    samples = [0] * int(lead * rate)
    turn = 2 * math.pi * hertz / rate
    samples += [
        max(-32768, min(32767, round(top * math.sin(turn * at)))) for at in range(int(seconds * rate))
    ]
    return Sound(rate, array.array("h", samples))


def prompt(
    path: Path, seconds: float = 2.0, rate: int = 8000, level: float = -22.0, lead: float = 0.0
) -> None:
    """A recording that can be a campaign's prompt."""
    write_wav(tone(seconds, rate, level, lead=lead), path)


def wide_wav(path: Path, sound: Sound, width: int, channels: int) -> None:
    """The same sound with samples of `width` bytes, in each of `channels`."""
    data = bytearray()
    for value in sound.samples:
        sample = (value >> 8) + 128 if width == 1 else value << 8 * (width - 2)
        data += sample.to_bytes(width, "little", signed=width > 1) * channels
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, sound.rate, 0, "NONE", ""))
        file.writeframes(bytes(data))
