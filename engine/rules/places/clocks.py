"""Clocks: do two time zones show the same time?

Two names may stand for one clock (America/Detroit and America/New_York today), so places are compared by what their
clocks show in the year asked about and the one after it. Pure.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from engine.rules.hours import DAY_SECONDS, zone

Clock = tuple[tuple[float, float], ...]
"""The offsets from UTC, in seconds, each with the instant from which it holds."""

_DAYS = 2 * 366


@lru_cache(maxsize=2048)
def clock(name: str, year: int) -> Clock | None:
    """What the clocks of the zone `name` show from the first of `year` on, for two years; None when there is no such zone."""
    where = zone(name)
    if where is None:
        return None

    def offset(at: float) -> float:
        shift = datetime.fromtimestamp(at, where).utcoffset()
        return 0.0 if shift is None else shift.total_seconds()

    start = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    found = [(start, offset(start))]
    for day in range(_DAYS):
        before, after = start + day * DAY_SECONDS, start + (day + 1) * DAY_SECONDS
        if offset(after) == found[-1][1]:
            continue
        while after - before > 60.0:  # changes happen on whole minutes
            middle = (before + after) // 120.0 * 60.0
            if offset(middle) == found[-1][1]:
                before = middle
            else:
                after = middle
        found.append((after, offset(after)))
    return tuple(found)


def alike(one: str, other: str, year: int) -> bool:
    """Do the two zones show the same time, from the first of `year` on, for two years?"""
    shown = clock(one, year)
    return shown is not None and shown == clock(other, year)
