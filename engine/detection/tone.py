"""Is a stretch of sound a steady tone, and of which frequencies?

Pure arithmetic on samples, 8000 a second; knows nothing of calls. A tone is one sine or two: nearly all the energy of a
stretch lies in one or two frequencies that do not move. A vowel is never that for a tenth of a second: its voice has more
harmonics, and they glide. Frequencies come from the moments of the samples' own recurrence (Pisarenko 1973), which white
noise does not shift, and are then held against the stretch: what share of it do they explain?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import add, mul

RATE = 8000
LOWEST, HIGHEST = 330.0, 2400.0
"""Hertz between which tones are told: ringing and busy begin at 350 (ITU-T E.180), a fax answers with 2100."""
EXPLAINED = 0.8
"""Share of the energy from which it is a tone. A telephone line's noise takes a hundredth, the GSM codec up to a tenth."""
APART = 30.0
"""Hertz between the two of a dual tone."""
PAIR = 0.03
"""Of a dual tone, the share of the energy that the weaker has at least."""

FURTHER = ((3, 700.0), (2, 1500.0))
"""The two of a dual tone are told apart better by samples that lie further apart: every third one where they are below so many
hertz in the middle, every second one below the other."""

NEAR = 3.0
"""Hertz by which a frequency may be off, for its share to be right."""

DTMF_LOW = (697.0, 770.0, 852.0, 941.0)
DTMF_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
"""A pressed key, heard (ITU-T Q.23)."""
KEY_OFF = 0.025
"""How far, as a share, a key's frequencies may lie off (ITU-T Q.24 accepts 1.5 %, and a stretch is short)."""


Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]


@dataclass(frozen=True, slots=True)
class Tone:
    """One or two frequencies in hertz, the stronger first."""

    hertz: tuple[float, ...]

    @property
    def is_key(self) -> bool:
        """A key that somebody pressed: a person."""
        if len(self.hertz) != 2:
            return False
        low, high = sorted(self.hertz)
        return _near(low, DTMF_LOW) and _near(high, DTMF_HIGH)

    def about(self, hertz: float, off: float = 30.0) -> bool:
        """This one frequency and no other."""
        return len(self.hertz) == 1 and abs(self.hertz[0] - hertz) <= off

    def like(self, other: Tone) -> bool:
        """The same tone, as far as it can be told: its strongest frequency."""
        return any(abs(self.hertz[0] - hertz) <= APART for hertz in other.hertz)


def tone(samples: Sequence[int]) -> Tone | None:
    """The steady tone of which a stretch of a tenth of a second or so consists; None when it does not."""
    whole = list(map(float, samples))
    single, rest = _single(whole[len(whole) // 4 : -len(whole) // 4])
    power = sum(map(mul, whole, whole))
    if rest <= 1 - EXPLAINED and _told(single):
        hertz, share = _explained(whole, single, power, 5)
        if share >= EXPLAINED and _told(hertz):
            return Tone((hertz,))
    step = next((step for step, below in FURTHER if single < below), 1)
    double = [hertz / step for hertz in _double(_moments(whole[::step]))]
    found: list[tuple[float, float]] = []
    for guess in double if all(map(_told, double)) else ():
        found.append(_explained(whole, guess, power, 2))
        if found[-1][1] < PAIR:
            return None
    if sum(share for _, share in found) < EXPLAINED or abs(found[0][0] - found[1][0]) < APART:
        return None
    found.sort(key=lambda one: -one[1])
    return Tone(tuple(hertz for hertz, _ in found)) if all(_told(hertz) for hertz, _ in found) else None


def _told(hertz: float) -> bool:
    return LOWEST <= hertz <= HIGHEST


def _near(hertz: float, nominal: tuple[float, ...]) -> bool:
    return any(abs(hertz - one) <= KEY_OFF * one for one in nominal)


def _moments(whole: list[float]) -> Matrix:
    """Of x[n] + x[n-4], x[n-1] + x[n-3] and x[n-2], so weighed that noise has the same part in all three."""
    outer = list(map(add, whole[4:], whole))
    inner = list(map(add, whole[3:-1], whole[1:]))
    middle = whole[2:-2]
    half = math.sqrt(0.5)
    uu = 0.5 * sum(map(mul, inner, inner))
    ww = 0.5 * sum(map(mul, outer, outer))
    vv = sum(map(mul, middle, middle))
    wu = 0.5 * sum(map(mul, outer, inner))
    wv = half * sum(map(mul, outer, middle))
    uv = half * sum(map(mul, inner, middle))
    return (ww, wu, wv), (wu, uu, uv), (wv, uv, vv)


def _single(whole: list[float]) -> tuple[float, float]:
    """Were it one sine: x[n] + x[n-2] = 2 cos(w) x[n-1]. In hertz, and the share of the energy that is something else, roughly."""
    sums = list(map(add, whole[2:], whole))
    middle = whole[1:-1]
    a, b, c = sum(map(mul, sums, sums)), sum(map(mul, sums, middle)), sum(map(mul, middle, middle))
    if not c:
        return 0.0, 1.0
    # The least of |sum - 2 cos(w) middle| over what noise has in it.
    root = math.sqrt((a - 2 * c) ** 2 + 8 * b * b)
    twice = (a - 2 * c + root) / (2 * b) if a > 2 * c and b else 4 * b / (root + 2 * c - a)
    return _hertz(twice), (a - 2 * twice * b + twice * twice * c) / (2 + twice * twice) / c


def _double(moments: Matrix) -> list[float]:
    """Were it two sines: x[n] + x[n-4] = p (x[n-1] + x[n-3]) + q x[n-2]. In hertz; empty when it is not."""
    value, least = _least(moments)
    if not least[0] or value > (1 - EXPLAINED) * moments[2][2]:
        return []
    p, q = -least[1] / least[0], -math.sqrt(2) * least[2] / least[0]
    inside = p * p + 4 * (q + 2)
    if inside < 0:
        return []
    root = math.sqrt(inside)
    return [_hertz((p + root) / 2), _hertz((p - root) / 2)]


def _least(matrix: Matrix) -> tuple[float, Row]:
    """The smallest eigenvalue of a symmetric matrix, and its eigenvector."""
    (a, d, e), (_, b, f), (_, _, c) = matrix
    off = d * d + e * e + f * f
    mean = (a + b + c) / 3
    spread = math.sqrt(((a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2 + 2 * off) / 6)
    if not spread:
        return mean, (0.0, 0.0, 0.0)
    x, y, z = (a - mean) / spread, (b - mean) / spread, (c - mean) / spread
    d1, e1, f1 = d / spread, e / spread, f / spread
    half = (x * (y * z - f1 * f1) - d1 * (d1 * z - f1 * e1) + e1 * (d1 * f1 - y * e1)) / 2
    angle = math.acos(max(-1.0, min(1.0, half))) / 3
    value = mean + 2 * spread * math.cos(angle + 2 * math.pi / 3)
    rows = ((a - value, d, e), (d, b - value, f), (e, f, c - value))
    crosses = [_cross(rows[0], rows[1]), _cross(rows[0], rows[2]), _cross(rows[1], rows[2])]
    return value, max(crosses, key=lambda one: sum(map(mul, one, one)))


def _cross(one: Row, other: Row) -> Row:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )


def _hertz(twice_cosine: float) -> float:
    return math.acos(max(-1.0, min(1.0, twice_cosine / 2))) * RATE / (2 * math.pi)


def _explained(
    whole: list[float], hertz: float, power: float, blocks: int, again: bool = True
) -> tuple[float, float]:
    """The frequency, made exact by how its phase moves from block to block; and its share of the energy."""
    length = len(whole) // blocks
    step = 2 * math.pi * hertz / RATE
    parts = [_part(whole[at * length : (at + 1) * length], step) for at in range(blocks)]
    on = complex(math.cos(step * length), -math.sin(step * length))
    turns = [after * before.conjugate() * on for before, after in pairwise(parts)]
    turn = sum(turns)
    drift = math.atan2(turn.imag, turn.real) / length
    exact = (step + drift) * RATE / (2 * math.pi)
    if abs(exact - hertz) > NEAR and again:
        return _explained(whole, exact, power, blocks, again=False)
    back = on * complex(math.cos(drift * length), -math.sin(drift * length))
    together = abs(sum(part * back**at for at, part in enumerate(parts)))
    return exact, 2 * together * together / (length * blocks) / power


def _part(samples: list[float], step: float) -> complex:
    """The samples' part of one frequency, in radians a sample (Goertzel 1958)."""
    twice = 2 * math.cos(step)
    one = other = 0.0
    for value in samples:
        one, other = value + twice * one - other, one
    return complex(one - other * math.cos(step), other * math.sin(step))
