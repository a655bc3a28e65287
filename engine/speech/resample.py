"""Another rate of samples, without sox or ffmpeg: a polyphase filter (windowed sinc, Kaiser).

Made for speech to telephones: from any higher rate to 8 kHz it keeps up to 3.3 kHz and lets what would alias at 4 kHz
and above through at -70 dB. It is slow (some 10 seconds for five minutes from 44.1 kHz), which is why sox or ffmpeg do it
where they are.
"""

from __future__ import annotations

import array
import math
from operator import mul

from engine.speech.sound import Sound

CUTOFF = 0.46
"""Of the lower rate: the middle of the filter's slope, just below the half that can be carried."""
CROSSINGS = 24
"""Zero crossings of the sinc on each side: the slope is 0.09 of the lower rate wide."""
BETA = 7.0
"""Kaiser window for 70 dB (Oppenheim and Schafer, Discrete-Time Signal Processing, eq. 7.75)."""


def resampled(sound: Sound, rate: int) -> Sound:
    """The same sound with `rate` samples a second."""
    if rate == sound.rate:
        return sound
    common = math.gcd(rate, sound.rate)
    up, down = rate // common, sound.rate // common
    phases, half = _phases(up, down)
    taps = 2 * half
    padded = [0] * half + list(sound.samples) + [0] * (half + 1)
    made = array.array("h")
    for at in range(len(sound.samples) * up // down):
        start, phase = divmod(at * down, up)
        value = round(sum(map(mul, padded[start + 1 : start + 1 + taps], phases[phase])))
        made.append(-32768 if value < -32768 else min(value, 32767))
    return Sound(rate, made)


def _phases(up: int, down: int) -> tuple[list[list[float]], int]:
    """The filter's taps for each of `up` positions between two samples, and how many lie on one side."""
    lower = min(1.0, up / down)
    """The lower rate in units of the sound's own."""
    half = math.ceil(CROSSINGS / lower)
    flat = _bessel(BETA)
    phases = []
    for phase in range(up):
        offset = phase / up
        taps = []
        for tap in range(2 * half):
            distance = tap + 1 - half - offset
            place = distance / half
            window = _bessel(BETA * math.sqrt(max(0.0, 1.0 - place * place))) / flat
            taps.append(2 * CUTOFF * lower * _sinc(2 * CUTOFF * lower * distance) * window)
        whole = sum(taps)
        phases.append([tap / whole for tap in taps])
    return phases, half


def _sinc(x: float) -> float:
    return 1.0 if x == 0.0 else math.sin(math.pi * x) / (math.pi * x)


def _bessel(x: float) -> float:
    """I0, the modified Bessel function of order zero."""
    total = term = 1.0
    step = 1
    while term > 1e-9 * total:
        term *= (x / 2 / step) ** 2
        total += term
        step += 1
    return total
