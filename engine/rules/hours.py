"""Calling hours: when is it allowed to ring at a callee's place.

Knows windows (days, from, to, zone) and turns them into instants. A callee may stand in one of several candidate
zones (a mobile number says little): then every candidate must be inside a window. Pure: `now` is an argument.
Instants are POSIX seconds, UTC.

Around daylight-saving changes the reading is the careful one: a start that happens twice is the second, an end that
happens twice the first; of a clock time that is left out, the start lies after the gap and the end before it.

Whole days may be closed (public holidays): the caller says which, date by date, at the callee's place. What runs past
midnight into a closed day ends at that midnight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_SECONDS = 86400.0
HORIZON_DAYS = 16
"""Spans are worked out for two weeks and what touches them: a weekly pattern that has no opening in that time has
none, also when a daylight-saving change takes one of its openings away."""
HORIZON_CLOSED_DAYS = 40
"""The same where days are closed: Christmas and New Year's Day fall on one weekday and take two openings of a weekly pattern."""

Span = tuple[float, float]


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def parse_days(value: object) -> tuple[int, ...]:
    """`["mon-fri", "sun"]` -> `(0, 1, 2, 3, 4, 6)`. Raises ValueError for what is no day."""
    items: Iterable[Any] = (
        [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else [None]
    )
    found: set[int] = set()
    for item in items:
        if isinstance(item, int) and 0 <= item <= 6:
            found.add(item)
            continue
        first, dash, last = str(item).strip().lower().partition("-")
        try:
            start, end = DAYS.index(first[:3]), DAYS.index((last if dash else first)[:3])
        except ValueError:
            raise ValueError(
                f"{item!r} is no day: write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri"
            ) from None
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return tuple(sorted(found))


class Window(BaseModel):
    """One opening: on `days`, between the local times `from` and `to`, in `timezone` (an IANA name, or `callee`).

    A window whose `to` is not after its `from` runs past midnight and belongs to the day on which it starts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    days: Annotated[tuple[int, ...], BeforeValidator(parse_days)] = tuple(range(7))
    start: time = Field(alias="from")
    end: time = Field(alias="to")
    timezone: str = "callee"

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value != "callee" and zone(value) is None:
            raise ValueError(f"{value!r} is no IANA time zone (such as Europe/Paris), nor `callee`")
        return value

    @field_validator("start", "end")
    @classmethod
    def _local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("write a plain local time such as 09:00; the zone goes into `timezone`")
        return value


_ALWAYS = Window(start=time(0), end=time(0))
"""Around the clock: what days are taken from where there are no windows."""


class Hours:
    """Compiled windows that answer `next_open` from a cache of spans.

    >>> from zoneinfo import ZoneInfo
    >>> office = Hours([Window(days=["mon-fri"], start=time(9), end=time(17))])
    >>> saturday = datetime(2026, 11, 28, 12, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    >>> datetime.fromtimestamp(office.next_open(saturday, ("Europe/Paris",)), ZoneInfo("Europe/Paris")).isoformat()
    '2026-11-30T09:00:00+01:00'
    """

    __slots__ = ("_cache", "_closed", "_horizon", "windows")

    def __init__(self, windows: Sequence[Window], closed: Callable[[date], bool] | None = None) -> None:
        """`closed` says of a date at the callee's place that nobody is called on it; it must always answer the same."""
        self.windows = tuple(windows)
        self._closed = closed
        self._horizon = HORIZON_DAYS if closed is None else HORIZON_CLOSED_DAYS
        self._cache: dict[tuple[tuple[str, ...], int], tuple[list[float], list[float]]] = {}

    def next_open(self, now: float, zones: tuple[str, ...]) -> float | None:
        """The first instant, at or after `now`, inside a window in every one of `zones`; None when there is none.

        No zone, or one that is not known, means None: what is unknown blocks. Without windows and closed days every
        instant is open.
        """
        if not zones:
            return None
        if not self.windows and self._closed is None:
            return now if all(zone(name) is not None for name in zones) else None
        starts, ends = self._spans(zones, int(now // DAY_SECONDS))
        at = bisect_right(starts, now) - 1
        if at >= 0 and now < ends[at]:
            return now
        return starts[at + 1] if at + 1 < len(starts) else None

    def _spans(self, zones: tuple[str, ...], day: int) -> tuple[list[float], list[float]]:
        key = (zones, day)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) > 4096:
                self._cache.clear()
            spans: list[Span] | None = None
            for name in zones:
                here = self._zone_spans(name, day)
                spans = here if spans is None else _intersect(spans, here)
            spans = spans or []
            found = self._cache[key] = ([start for start, _ in spans], [end for _, end in spans])
        return found

    def _zone_spans(self, name: str, day: int) -> list[Span]:
        first = datetime.fromtimestamp(day * DAY_SECONDS, UTC).date() - timedelta(days=2)
        spans: list[Span] = []
        for window in self.windows or (_ALWAYS,):
            where = zone(name if window.timezone == "callee" else window.timezone)
            if where is None or zone(name) is None:
                return []
            for step in range(self._horizon + 3):
                local = first + timedelta(days=step)
                if local.weekday() in window.days:
                    last = local if window.end > window.start else local + timedelta(days=1)
                    span = (
                        max(_readings(local, window.start, where)),
                        min(_readings(last, window.end, where)),
                    )
                    if span[0] < span[1]:
                        spans.append(span)
        return self._without_closed(_union(spans), name, first)

    def _without_closed(self, spans: list[Span], name: str, first: date) -> list[Span]:
        """`spans` less the closed days from `first` on, as dates of the zone `name`."""
        here = zone(name)
        if self._closed is None or here is None:
            return spans
        for step in range(self._horizon + 4):
            local = first + timedelta(days=step)
            if self._closed(local):
                start = min(_readings(local, time(0), here))
                end = max(_readings(local + timedelta(days=1), time(0), here))
                spans = [piece for span in spans for piece in _less(span, start, end)]
        return spans


def _readings(day: date, clock: time, where: ZoneInfo) -> tuple[float, float]:
    """The two instants that a local time can mean (PEP 495): they differ where it happens twice, and where it is
    left out."""
    local = datetime.combine(day, clock, tzinfo=where)
    return local.replace(fold=0).timestamp(), local.replace(fold=1).timestamp()


def _union(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _less(span: Span, start: float, end: float) -> list[Span]:
    """What is left of `span` without the time from `start` to `end`."""
    pieces = [(span[0], min(span[1], start)), (max(span[0], end), span[1])]
    return [piece for piece in pieces if piece[0] < piece[1]]


def _intersect(left: list[Span], right: list[Span]) -> list[Span]:
    both = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return sorted(span for span in both if span[0] < span[1])


def local_time(now: float, name: str) -> str:
    """`now` as ISO 8601 local time in the zone `name`, to the second; UTC where the zone is not known."""
    return datetime.fromtimestamp(now, zone(name) or UTC).isoformat(timespec="seconds")


def first_open(calendars: Sequence[Hours], zones: tuple[str, ...], at: float) -> float | None:
    """The first instant from `at` on that is open in all of them; None when sixty steps find none."""
    for _ in range(60):
        before = at
        for hours in calendars:
            opening = hours.next_open(at, zones)
            if opening is None:
                return None
            at = opening
        if at == before:
            return at
    return None


_OWN: dict[tuple[time, time], Hours] = {}


def own_hours(call_from: time | None, call_to: time | None) -> Hours | None:
    """A contact's own daily hours, at the callee's place; None when it named none."""
    if call_from is None and call_to is None:
        return None
    key = (call_from or time(0), call_to or time(0))  # a window that ends at midnight ends with its day
    found = _OWN.get(key)
    if found is None:
        if len(_OWN) > 4096:
            _OWN.clear()
        found = _OWN[key] = Hours([Window(start=key[0], end=key[1])])
    return found
