"""Sounds of a telephone line, made: tones, noise, and a voice of harmonics that glide. 8000 samples a second."""

from __future__ import annotations

import math
import random
from array import array
from functools import cache

RATE = 8000


@cache
def silence(seconds: float, level: float = -66.0, seed: int = 1) -> list[float]:
    """A line that is not quite silent."""
    drawn = random.Random(seed)
    return [drawn.gauss(0.0, full(level)) for _ in range(round(seconds * RATE))]


@cache
def sines(hertz: tuple[float, ...], seconds: float, level: float = -15.0) -> list[float]:
    """Steady tones together."""
    each = full(level) * math.sqrt(2 / len(hertz))
    steps = [2 * math.pi * one / RATE for one in hertz]
    return [each * sum(math.sin(step * at) for step in steps) for at in range(round(seconds * RATE))]


@cache
def voice(seconds: float, level: float = -20.0, pitch: float = 120.0) -> list[float]:
    """Syllables of a quarter of a second: harmonics of a pitch that glides, loudest near 600 and 1500 Hz, and a stop of 40 ms."""
    made: list[float] = []
    turn = 0.0
    for at in range(round(seconds * RATE)):
        into = at % (RATE // 4) / RATE
        turn += 2 * math.pi * (pitch + 40 * math.sin(2 * math.pi * 1.7 * at / RATE)) / RATE
        shape = 0.0 if into > 0.21 else math.sin(math.pi * into / 0.21)
        made.append(
            shape
            * sum(
                math.sin(number * turn) / (1 + abs(number * pitch - (600 if number < 8 else 1500)) / 150)
                for number in range(2, 20)
            )
        )
    power = math.sqrt(sum(one * one for one in made) / len(made))
    return [one * full(level) / power for one in made]


def full(level: float) -> float:
    """A level in dB below full scale as a mean power's root."""
    return float(32768 * 10 ** (level / 20))


def samples(*parts: list[float]) -> array[int]:
    """As 16 bit samples, one after the other, over a line's noise."""
    joined = [one for part in parts for one in part]
    noise = silence(len(joined) / RATE)
    return array("h", (max(-32768, min(32767, round(a + b))) for a, b in zip(joined, noise, strict=True)))
