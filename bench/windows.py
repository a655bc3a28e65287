"""What a row of moments says of a rate: how even, and how much in the worst second. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def rate(moments: Sequence[float]) -> float:
    """Events a second between the first and the last; 0 for fewer than two."""
    span = moments[-1] - moments[0] if moments else 0.0
    return (len(moments) - 1) / span if span else 0.0


def busiest(moments: Sequence[float], window: float = 1.0) -> int:
    """The most events in any window of so many seconds, half open. `moments` ascend."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def spacing(moments: Sequence[float], shares: Sequence[float]) -> list[float]:
    """The times between an event and the next, in seconds: those that a share (0 to 1) of them does not pass."""
    gaps = sorted(later - earlier for earlier, later in pairwise(moments))
    return [gaps[min(len(gaps) - 1, int(len(gaps) * share))] for share in shares] if gaps else []
