"""How long something takes, as counts by bound: what costs half a microsecond to note and can be added up over engines."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts of what was observed, by upper bound. Seconds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: ascending upper bounds; what lies above the last one is counted too."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def __repr__(self) -> str:
        return f"<Histogram {sum(self.counts)} in {self.total:.3f} s>"

    def observe(self, seconds: float) -> None:
        """Note one. A clock that was set back between its two readings makes no negative time."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += max(0.0, seconds)

    def quantile(self, share: float) -> float | None:
        """The bound below which this share lies; infinite above the last bound, None while nothing was observed."""
        return quantile(self.bounds, self.counts, share)


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """As `Histogram.quantile`, of counts that were taken from one, or of the difference of two such."""
    wanted = share * sum(counts)
    if wanted <= 0:
        return None
    seen = 0
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        seen += count
        if seen >= wanted:
            return bound
    return float("inf")
