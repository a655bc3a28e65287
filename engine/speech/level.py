"""How loud a piece of sound is, and the same at another loudness.

Levels are root mean squares in dB below full scale (dBov of ITU-T G.100.1: 0 dB is the power of 32768 all the time).
The active level counts the speech and not its pauses: mean power of the frames of 20 ms within 15.9 dB of it, the margin
of ITU-T P.56 (method B), with frames in place of its envelope.
"""

from __future__ import annotations

import array
import heapq
import math
from dataclasses import dataclass
from operator import mul

from engine.speech.resample import resampled
from engine.speech.sound import Sound

NOMINAL = -22.0
"""Level of speech on a telephone line: RFC 7874 section 4 (an RMS of 2600 in 16 bits, -19 dBm0 of ITU-T G.169)."""
FRAME = 0.020
FLOOR = -50.0
"""A frame below this is silence, whatever the rest of the sound."""
MARGIN = 15.9
FULL = 32440
"""Full scale, in 8-bit recordings too, less one per cent."""
RUN = 3
"""So many samples in a row at full scale are a peak that was cut off."""
TOPS = 8
AROUND = 32
"""Samples on each side of a peak that tell how far the wave between them reaches."""


@dataclass(frozen=True, slots=True)
class Level:
    """What was measured; levels in dB below full scale."""

    active: float | None
    """Of the speech; None: nothing is to be heard."""
    peak: float
    """The highest point of the wave between the samples (true peak, four times oversampled)."""
    lead: float
    """Seconds until something is to be heard."""
    tail: float
    """Seconds after the last that is to be heard."""


def decibels(ratio: float) -> float:
    """Of a power in units of full scale."""
    return 10 * math.log10(max(ratio, 1e-12))


def measured(sound: Sound) -> Level:
    """The level of a piece of sound."""
    powers = _frames(sound)
    threshold = 10 ** (FLOOR / 10)
    loud = [power for power in powers if power > threshold]
    if not loud:
        return Level(None, true_peak(sound), sound.seconds, sound.seconds)
    for _ in range(3):
        threshold = max(10 ** (FLOOR / 10), sum(loud) / len(loud) * 10 ** (-MARGIN / 10))
        loud = [power for power in powers if power > threshold]
    first = next(at for at, power in enumerate(powers) if power > threshold)
    last = next(at for at, power in enumerate(reversed(powers)) if power > threshold)
    return Level(decibels(sum(loud) / len(loud)), true_peak(sound), first * FRAME, last * FRAME)


def _frames(sound: Sound) -> list[float]:
    step = max(1, int(sound.rate * FRAME))
    starts = range(0, max(1, len(sound.samples) - step + 1), step)
    frames = (sound.samples[start : start + step] for start in starts)
    return [sum(map(mul, frame, frame)) / step / 32768**2 for frame in frames]


def true_peak(sound: Sound) -> float:
    """In dB below full scale; the wave between samples may reach above it."""
    samples = sound.samples
    tops = heapq.nlargest(TOPS, range(len(samples)), key=lambda at: abs(samples[at]))
    highest = max((abs(samples[at]) for at in tops), default=0)
    for top in tops:
        start = max(0, top - AROUND)
        near = array.array(
            "h", (value // 2 for value in samples[start : top + AROUND])
        )  # room for what reaches above
        between = resampled(Sound(sound.rate, near), 4 * sound.rate).samples
        beside = between[
            4 * max(0, top - start - 2) : 4 * (top - start + 2)
        ]  # not what the cut itself makes ring
        highest = max(highest, *(2 * abs(value) for value in beside))
    return decibels((highest / 32768) ** 2)


def clipped_share(sound: Sound) -> float:
    """The share of samples in peaks that were cut off at full scale."""
    cut = run = 0
    for value in sound.samples:
        if -FULL < value < FULL:
            if run >= RUN:
                cut += run
            run = 0
        else:
            run += 1
    return (cut + (run if run >= RUN else 0)) / max(1, len(sound.samples))


def changed(sound: Sound, gain: float) -> Sound:
    """The same sound, louder by `gain` dB."""
    factor = 10 ** (gain / 20)
    louder = (round(value * factor) for value in sound.samples)
    return Sound(sound.rate, array.array("h", (max(-32768, min(32767, value)) for value in louder)))


def trimmed(sound: Sound, level: Level, kept: float) -> Sound:
    """Without the silence at both ends, but for `kept` seconds of it."""
    start = int(max(0.0, level.lead - kept) * sound.rate)
    end = len(sound.samples) - int(max(0.0, level.tail - kept) * sound.rate)
    return Sound(sound.rate, sound.samples[start:end])
