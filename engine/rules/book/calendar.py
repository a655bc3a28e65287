"""Public holidays: is a date one, in a country or one of its parts?

The only importer of `holidays`. Days on which a holiday is observed count beside the holiday itself. Which holidays a
rule means is the rule's. Pure: the dates of a year are worked out once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import holidays
from holidays.version import __version__

VERSION: str = __version__
"""A new edition of the package may know other days."""

Calendar = tuple[str, str]
"""Country (ISO 3166-1) and part of it as the package calls it; the empty part is the whole country."""

_PARTS: dict[str, list[str]] = holidays.list_supported_countries()


def is_known(calendar: Calendar) -> bool:
    """Does the package have this calendar?"""
    country, part = calendar
    return country in _PARTS and (not part or part in _PARTS[country])


@lru_cache(maxsize=4096)
def days_of(calendar: Calendar, year: int) -> frozenset[date]:
    """The public holidays of a year."""
    country, part = calendar
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


@lru_cache(maxsize=4096)
def closed_on(calendars: frozenset[Calendar]) -> Callable[[date], bool]:
    """Says of a date whether it is a public holiday in any of `calendars`."""

    @lru_cache(maxsize=1024)
    def closed(day: date) -> bool:
        return any(day in days_of(calendar, day.year) for calendar in calendars)

    return closed
