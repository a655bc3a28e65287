"""The arithmetic of a week of opening hours, against minutes counted one by one."""

from __future__ import annotations

from datetime import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.book import weeks
from engine.rules.hours import Window

times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
windows = st.builds(
    lambda days, start, end: Window(days=tuple(sorted(days)), start=start, end=end),
    st.sets(st.integers(0, 6), max_size=7),
    times,
    times,
)
lists = st.lists(windows, max_size=3)


def minutes_open(on: list[Window]) -> set[int]:
    """Every minute of a week, from Monday's midnight, that some window covers."""
    found = set()
    for window in on:
        start = window.start.hour * 60 + window.start.minute
        end = window.end.hour * 60 + window.end.minute
        length = end - start if end > start else end - start + 1440
        for day in window.days:
            found.update((day * 1440 + start + minute) % 10080 for minute in range(length))
    return found


def minutes_of(spans: weeks.Spans) -> set[int]:
    return {minute for start, end in spans for minute in range(start // 60, end // 60)}


@given(lists)
def test_spans_are_the_minutes_of_the_windows(on: list[Window]) -> None:
    spans = weeks.spans_of(on)
    assert minutes_of(spans) == minutes_open(on)
    assert all(a < b for a, b in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


@given(lists, lists)
def test_intersection_and_comparison(one: list[Window], other: list[Window]) -> None:
    left, right = weeks.spans_of(one), weeks.spans_of(other)
    both = weeks.intersect(left, right)
    assert minutes_of(both) == minutes_open(one) & minutes_open(other)
    assert weeks.is_within(both, left)
    assert weeks.is_within(left, right) == (minutes_open(one) <= minutes_open(other))


@given(lists, st.sets(st.integers(0, 6)))
def test_days_are_taken_out_whole(on: list[Window], days: set[int]) -> None:
    rest = weeks.without_days(weeks.spans_of(on), days)
    assert minutes_of(rest) == {minute for minute in minutes_open(on) if minute // 1440 not in days}


@given(lists)
def test_back_into_windows(on: list[Window]) -> None:
    spans = weeks.spans_of(on)
    back = weeks.windows_of(spans)
    assert back, "no windows at all would mean that every instant is open"
    assert weeks.spans_of(back) == spans


def test_a_fraction_of_a_second_falls_on_the_careful_side() -> None:
    window = Window(days=(0,), start=time(9, 0, 0, 1), end=time(17, 0, 0, 999_999))
    assert weeks.spans_of([window]) == ((9 * 3600 + 1, 17 * 3600),)


@pytest.mark.parametrize(
    ("on", "told"),
    [
        ([], "never"),
        ([Window(start=time(0), end=time(0))], "at all times"),
        ([Window(start=time(8), end=time(21))], "mon-sun 08:00-21:00"),
        (
            [
                Window(days=("mon-fri",), start=time(10), end=time(13)),
                Window(days=("mon-fri",), start=time(14), end=time(20)),
            ],
            "mon-fri 10:00-13:00, 14:00-20:00",
        ),
        (
            [
                Window(days=("mon-sat",), start=time(9), end=time(21)),
                Window(days=("sun",), start=time(12), end=time(21)),
            ],
            "mon-sat 09:00-21:00; sun 12:00-21:00",
        ),
        ([Window(days=("sun",), start=time(22), end=time(2))], "mon 00:00-02:00; sun 22:00-24:00"),
        ([Window(days=("mon", "wed"), start=time(9), end=time(10))], "mon wed 09:00-10:00"),
    ],
)
def test_as_told_to_a_person(on: list[Window], told: str) -> None:
    assert weeks.text_of(weeks.spans_of(on)) == told
