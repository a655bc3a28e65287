"""A week of opening hours as spans of seconds: intersected, compared, and turned back into windows.

Pure arithmetic over a week that begins on Monday at midnight and closes into a ring. Knows no dates and no zones:
`engine.rules.hours` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time

from engine.rules.hours import Window

DAY = 86400
WEEK = 7 * DAY

Spans = tuple[tuple[int, int], ...]
"""Disjoint, sorted, from 0 to WEEK, each with its end excluded."""

ALL: Spans = ((0, WEEK),)


def spans_of(windows: Iterable[Window]) -> Spans:
    """The union of `windows` over a week. Fractions of a second are dropped on the careful side."""
    found: list[tuple[int, int]] = []
    for window in windows:
        for day in window.days:
            start = day * DAY + _seconds(window.start, up=True)
            end = day * DAY + _seconds(window.end, up=False) + (0 if window.end > window.start else DAY)
            found.append((start, min(end, WEEK)))
            if end > WEEK:
                found.append((0, end - WEEK))
    return _merged(found)


def intersect(one: Spans, other: Spans) -> Spans:
    """What is open in both."""
    both = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return _merged([span for span in both if span[0] < span[1]])


def without_days(spans: Spans, days: Iterable[int]) -> Spans:
    """`spans` less whole days (0 is Monday)."""
    closed = set(days)
    rest = _merged([(day * DAY, (day + 1) * DAY) for day in range(7) if day not in closed])
    return intersect(spans, rest)


def is_within(inner: Spans, outer: Spans) -> bool:
    """Is nothing of `inner` open when `outer` is closed?"""
    return all(any(a <= start and end <= b for a, b in outer) for start, end in inner)


def windows_of(spans: Spans) -> tuple[Window, ...]:
    """Windows that open exactly at `spans`, each within a day; for a week that never opens one window on no day."""
    days: dict[tuple[int, int], list[int]] = {}
    for start, end in spans:
        for day in range(start // DAY, (end - 1) // DAY + 1):
            part = (max(start - day * DAY, 0), min(end - day * DAY, DAY))
            days.setdefault(part, []).append(day)
    if not days:
        return (Window(days=(), start=time(0), end=time(0)),)
    return tuple(
        Window(days=tuple(on), start=_clock(start), end=_clock(end))
        for (start, end), on in sorted(days.items())
    )


def text_of(spans: Spans) -> str:
    """For a person: `mon-fri 10:00-13:00, 14:00-20:00`; `never` for a week without openings."""
    if spans == ALL:
        return "at all times"
    by_day: dict[str, list[int]] = {}
    for day in range(7):
        parts = intersect(spans, ((day * DAY, (day + 1) * DAY),))
        if parts:
            told = ", ".join(f"{_hhmm(a - day * DAY)}-{_hhmm(b - day * DAY)}" for a, b in parts)
            by_day.setdefault(told, []).append(day)
    return "; ".join(f"{_days(on)} {told}" for told, on in by_day.items()) or "never"


def _seconds(clock: time, *, up: bool) -> int:
    whole = clock.hour * 3600 + clock.minute * 60 + clock.second
    return whole + 1 if up and clock.microsecond else whole


def _clock(seconds: int) -> time:
    seconds %= DAY
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


def _hhmm(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"


def _days(days: Sequence[int]) -> str:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return " ".join(names[run[0]] if len(run) == 1 else f"{names[run[0]]}-{names[run[-1]]}" for run in runs)


def _merged(spans: Iterable[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return tuple(merged)
