"""What was heard in a call, from the carrier's recording of it: when the first audio came, and whether a prompt is whole.

Pure: samples in, findings out. A recording has the callee's side and what the callee heard, interleaved, from the
callee's first frame on.
"""

from __future__ import annotations

import array
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from bench.amd.audio import FRAME, Samples, from_bytes

AUDIBLE = 100
"""Mean absolute value from which a frame is not silence: -48 dB below full scale; our prompts are at -20 dB."""
PIECE = 6 * FRAME
"""120 ms: the pieces of a prompt that are looked for one by one."""
ALIKE = 0.8
"""Correlation of a piece with what was heard from which on it is the same sound; A-law alone leaves over 0.99."""
SLIPS = sorted((frames * FRAME for frames in range(-10, 11)), key=abs)
"""How far a piece may lie from where the one before it lay: up to ten packets lost or late, as on a busy machine."""
COMPLETE = 0.95
"""The share of its pieces that a complete prompt has: a piece in which a packet is lost is not found."""


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
    return [
        sum(map(abs, samples[at : at + FRAME])) / FRAME for at in range(0, len(samples) - FRAME + 1, FRAME)
    ]


def alike(one: Sequence[float], other: Sequence[float]) -> float:
    """The correlation of two stretches of the same length, 0 where either is silent."""
    power = math.sqrt(sum(map(mul, one, one)) * sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / power if power else 0.0


@dataclass(frozen=True, slots=True)
class Left:
    """What of a prompt is in a recording."""

    share: float
    """Of its audible pieces."""
    complete: bool
    """Its first and its last sound, and all that lies between but for a lost packet."""


NOTHING = Left(0.0, False)


def left(prompt: Samples, heard: Samples, earliest: int) -> Left:
    """What of a prompt is in `heard`, in its order and after `earliest` ms."""
    heard = heard + array.array("h", [0]) * len(prompt)  # what was cut off at the end is silence
    place = _place(prompt, heard, earliest)
    if place is None:
        return NOTHING
    pieces = [
        at
        for at in range(0, len(prompt) - PIECE + 1, PIECE)
        if sum(map(abs, prompt[at : at + PIECE])) > AUDIBLE * PIECE
    ]
    loudest = max(pieces, key=lambda at: sum(map(abs, prompt[at : at + PIECE])))
    if all(_match(prompt, heard, loudest, place + slip) < ALIKE for slip in SLIPS):
        # On a busy machine it may lie between two frames.
        near = range(place - SLIPS[-1], place + SLIPS[-1])
        place = max(near, key=lambda at: _match(prompt, heard, loudest, at))
    found: list[bool] = []
    for piece in pieces:
        slip = next((slip for slip in SLIPS if _match(prompt, heard, piece, place + slip) >= ALIKE), None)
        place += slip or 0
        found.append(slip is not None)
    share = sum(found) / len(found)
    return Left(share, share >= COMPLETE and found[0] and found[-1])


def _place(prompt: Samples, heard: Samples, earliest: int) -> int | None:
    """Roughly where the prompt begins, in samples: where loud and soft follow each other as in it. Asterisk sends and records
    whole frames, so it nearly always begins with one."""
    shape, course = envelope(prompt), envelope(heard)
    places = range(-(-earliest // 20), len(course) - len(shape) + 1)
    return FRAME * max(places, key=lambda at: alike(shape, course[at : at + len(shape)])) if places else None


def _match(prompt: Samples, heard: Samples, piece: int, place: int) -> float:
    """How alike a piece of the prompt is to what was heard, were the prompt to begin at `place`."""
    start = place + piece
    if start < 0 or start + PIECE > len(heard):
        return 0.0
    return alike(prompt[piece : piece + PIECE], heard[start : start + PIECE])
