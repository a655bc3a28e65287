"""Holidays of states, by their own statutes and by hand."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache


def alabama_rests(day: date) -> bool:
    """Is it a legal holiday in the whole of Alabama, or the day on which one is kept?"""
    return day in alabaman_holidays(day.year) or day in alabaman_holidays(day.year + 1)


@cache
def alabaman_holidays(year: int) -> frozenset[date]:
    """Ala. Code 1-3-8(b), where the whole state keeps them; one on a Sunday is kept on Monday, one on a Saturday on Friday."""

    def nth(month: int, weekday: int, which: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))

    memorial = max(
        day for day in (date(year, 5, 25) + timedelta(days=n) for n in range(7)) if day.weekday() == 0
    )
    moving = [
        nth(1, 0, 3), nth(2, 0, 3), nth(4, 0, 4), memorial, nth(6, 0, 1), nth(9, 0, 1), nth(10, 0, 2), nth(11, 3, 4),
    ]  # fmt: skip
    fixed = [date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    kept = [day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0)) for day in fixed]
    return frozenset([*moving, *fixed, *kept])
