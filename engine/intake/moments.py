"""Times of day and instants as people and spreadsheets write them.

Knows ISO 8601, a spreadsheet's day numbers, and day.month.year. Refuses what can be read in two ways, such as
03/04/2026.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from engine.rules.hours import zone

_CLOCK = re.compile(r"(?i)(\d{1,2})(?:[:h.](\d{2})?(?::(\d{2})(?:\.0+)?)?)?\s*([ap]\.?m\.?)?")
_SERIAL = re.compile(r"([2-9]\d{4})(?:\.(\d+))?")
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T]+(\d{1,2}:\d{2}(?::\d{2})?))?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - day 0 of spreadsheets' 1900 date system is a local date
_YEARS = range(2000, 2101)


class MomentError(ValueError):
    """Not a time, not an instant, or one that can be read in two ways. The message says which, and how to
    write it."""


def parse_clock(text: str) -> time:
    """A time of day: `9`, `9:30`, `09:30:00`, `9h30`, `9:30 pm`. Raises MomentError."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise MomentError(f"{text!r} is no time of day; write it as 09:30")
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    half = (match[4] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise MomentError(f"{text!r} is no time of day; write it as 09:30")
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, minute, second)
    except ValueError:
        raise MomentError(f"{text!r} is no time of day; write it as 09:30") from None


def parse_instant(text: str, zones: Sequence[str], edge: Literal["start", "end"]) -> datetime:
    """An instant in UTC.

    A date alone is the start of that day, or its end where `edge` is `end`. What carries no offset is local
    time in `zones`; in several candidate zones it is the instant that leaves the shorter span: the latest
    start, the earliest end. Raises MomentError.
    """
    local = _read(text.strip(), edge)
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    found = [
        local.replace(tzinfo=known).astimezone(UTC) for name in zones if (known := zone(name)) is not None
    ]
    if not found:
        raise MomentError(
            f"{text!r} is local time, and this contact's time zone is not known; write the offset: 2026-12-01T09:00+01:00"
        )
    return max(found) if edge == "start" else min(found)


def read_local(text: str) -> datetime:
    """A date (its start) or a date and time as it is written, an offset from UTC left as it is. Raises MomentError."""
    return _read(text.strip(), "start")


def _read(text: str, edge: Literal["start", "end"]) -> datetime:
    if _ISO_DATE.fullmatch(text):
        return _day(date.fromisoformat(text) if _is_date(text) else None, text, edge)
    if match := _SERIAL.fullmatch(text):
        day = _EPOCH + timedelta(days=int(match[1]))
        if match[2] is None or not int(match[2]):
            return _day(day.date(), text, edge)
        return day + timedelta(seconds=round(float(f"0.{match[2]}") * 86400))
    if match := _SLASHED.fullmatch(text):
        return _from_slashed(match, text, edge)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise MomentError(
            f"{text!r} is no date or instant; write it as 2026-12-01 or 2026-12-01T09:00+01:00"
        ) from None
    if found.year not in _YEARS:
        raise MomentError(f"{text!r} is in the year {found.year}; write a year from 2000 to 2100")
    return found


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _day(day: date | None, text: str, edge: Literal["start", "end"]) -> datetime:
    if day is None or day.year not in _YEARS:
        raise MomentError(f"{text!r} is no date; write it as 2026-12-01")
    return datetime.combine(
        day + timedelta(days=1) if edge == "end" else day, time()
    )  # local until its zone is known


def _from_slashed(match: re.Match[str], text: str, edge: Literal["start", "end"]) -> datetime:
    first, sign, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    if sign == "." or first > 12 or first == second:
        day, month = first, second
    elif second > 12:
        day, month = second, first
    else:
        raise MomentError(
            f"{text!r} may be {first}.{second}. or {second}.{first}.; write it as {year}-{second:02}-{first:02}"
        )
    try:
        found = date(year, month, day)
    except ValueError:
        raise MomentError(f"{text!r} is no date; write it as 2026-12-01") from None
    if match[5]:
        _day(found, text, edge)
        return datetime.combine(found, parse_clock(match[5]))
    return _day(found, text, edge)
