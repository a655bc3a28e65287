"""What was heard in a call, from the carrier's recording of it: when the first audio came, and whether a prompt is whole.

Pure: samples in, findings out. A recording has the callee's side and what the callee heard, interleaved, from the
callee's first frame on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from bench.amd.audio import FRAME, RATE, Samples, from_bytes

AUDIBLE = 100
"""Mean absolute value from which a frame is not silence: -48 dB below full scale; our prompts are at -20 dB."""
PIECE = 12 * FRAME
"""240 ms: the pieces of a prompt that are looked for one by one."""
ALIKE = 0.8
"""Correlation of a piece with what was heard from which on it is the same sound; A-law alone leaves over 0.99."""
SHIFT = 2 * FRAME
"""How far a piece may lie from its place: two packets lost or late."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Both sides of one call."""

    heard: Samples
    """What came from us."""
    said: Samples
    """What the callee sent."""

    @classmethod
    def of(cls, data: bytes) -> Recording:
        """From interleaved 16-bit samples."""
        both = from_bytes(data[: len(data) // 4 * 4])
        return cls(both[0::2], both[1::2])

    @property
    def first_audio(self) -> int | None:
        """Milliseconds from the callee's first frame to our first sound; None when there was none."""
        return next((at * 20 for at, level in enumerate(envelope(self.heard)) if level > AUDIBLE), None)


def envelope(samples: Samples) -> list[float]:
    """The mean absolute value of each frame of 20 ms."""
    return [sum(map(abs, samples[at : at + FRAME])) / FRAME for at in range(0, len(samples) - FRAME + 1, FRAME)]


def alike(one: Sequence[float], other: Sequence[float]) -> float:
    """The correlation of two stretches of the same length, 0 where either is silent."""
    power = math.sqrt(sum(map(mul, one, one)) * sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / power if power else 0.0


def whole(prompt: Samples, heard: Samples, earliest: int) -> float:
    """The share of a prompt that is in `heard` at its place, after `earliest` ms: 1.0 when every audible piece is."""
    roughly = _place(prompt, heard, earliest)
    if roughly is None:
        return 0.0
    pieces = [at for at in range(0, len(prompt) - PIECE + 1, PIECE) if sum(map(abs, prompt[at : at + PIECE])) > AUDIBLE * PIECE]
    loudest = max(pieces, key=lambda at: sum(map(abs, prompt[at : at + PIECE])))
    place = max(range(roughly - SHIFT, roughly + SHIFT), key=lambda at: _match(prompt, heard, loudest, at, PIECE // 3))
    found = 0
    for piece in pieces:
        for shift in (0, -FRAME, FRAME, -SHIFT, SHIFT):  # packets lost or sent twice on the way
            if _match(prompt, heard, piece, place + shift) >= ALIKE:
                found, place = found + 1, place + shift
                break
    return found / len(pieces)


def _place(prompt: Samples, heard: Samples, earliest: int) -> int | None:
    """Roughly where the prompt begins, in samples: where loud and soft follow each other as in it."""
    shape, course = envelope(prompt), envelope(heard)
    places = range(-(-earliest // 20), len(course) - len(shape) + 1)
    return FRAME * max(places, key=lambda at: alike(shape, course[at : at + len(shape)])) if places else None


def _match(prompt: Samples, heard: Samples, piece: int, place: int, length: int = PIECE) -> float:
    """How alike a piece of the prompt is to what was heard, were the prompt to begin at `place`."""
    start = place + piece
    if start < 0 or start + length > len(heard):
        return 0.0
    return alike(prompt[piece : piece + length], heard[start : start + length])
