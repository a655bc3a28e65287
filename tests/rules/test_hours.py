"""Calling hours against an oracle that reads a wall clock minute by minute, and never turns a local time into an instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from functools import cache
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.rules.hours import Hours, Window, local_time, parse_days, zone

ZONES = (
    "UTC",
    "Europe/Paris",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",  # -3:30
    "America/Havana",  # one o'clock becomes midnight: 00:00 to 01:00 happens twice
    "Africa/Cairo",  # the day begins at 01:00 in spring
    "Asia/Beirut",  # the same, and midnight becomes 23:00 in autumn
    "Asia/Kolkata",  # +5:30
    "Asia/Kathmandu",  # +5:45
    "Asia/Tokyo",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Antarctica/Troll",  # two hours of it
    "Pacific/Chatham",  # +12:45, at 02:45
    "Pacific/Kiritimati",  # +14
)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


# -- the oracle --------------------------------------------------------------------------------------------------------


def shows(now: float, name: str) -> datetime:
    """What the clock on the wall shows."""
    return datetime.fromtimestamp(now, ZoneInfo(name))


def reads_open(window: Window, now: float, callee: str) -> bool:
    wall = shows(now, callee if window.timezone == "callee" else window.timezone)
    clock, today = wall.time(), wall.weekday()
    if window.start < window.end:
        return today in window.days and window.start <= clock < window.end
    return (today in window.days and clock >= window.start) or (
        (today - 1) % 7 in window.days and clock < window.end
    )


def is_open(windows: Sequence[Window], now: float, zones: Sequence[str]) -> bool:
    return all(any(reads_open(window, now, name) for window in windows) for name in zones)


@cache
def changes(name: str) -> tuple[float, ...]:
    """The instants in two years at which the clock on the wall is put forward or back."""
    found = []
    for hour in range(2 * 365 * 24):
        before, after = START + hour * HOUR, START + (hour + 1) * HOUR
        if shows(before, name).utcoffset() != shows(after, name).utcoffset():
            exact = next(
                at for at in (before + minute * MINUTE for minute in count(1))
                if shows(at, name).utcoffset() != shows(before, name).utcoffset()
            )  # fmt: skip
            found.append(exact)
    return tuple(found)


def is_plain(windows: Sequence[Window], now: float, zones: Sequence[str]) -> bool:
    """No clock that matters is changed within a day of `now`."""
    clocks = {*zones, *(window.timezone for window in windows)} - {"callee"}
    return all(
        shows(now - DAY - 2 * HOUR, name).utcoffset() == shows(now + DAY + 2 * HOUR, name).utcoffset()
        for name in clocks
    )


def minutes(since: float, until: float) -> Iterator[float]:
    """`since`, and every whole minute that follows, before `until`."""
    at = since
    while at < until:
        yield at
        at = (at // MINUTE + 1) * MINUTE


# -- what is tried -----------------------------------------------------------------------------------------------------

clocks = st.one_of(
    st.builds(time, st.integers(0, 23), st.integers(0, 59)),
    st.sampled_from([time(0), time(2, 30), time(9), time(20), time(23, 59)]),
)
days = st.one_of(st.just(tuple(range(7))), st.sets(st.integers(0, 6), min_size=1).map(sorted).map(tuple))
windows_in_any_zone = st.builds(
    lambda days, start, end, timezone: Window(days=days, start=start, end=end, timezone=timezone),
    days=days,
    start=clocks,
    end=clocks,
    timezone=st.one_of(st.just("callee"), st.sampled_from(ZONES)),
)
window_lists = st.lists(windows_in_any_zone, min_size=1, max_size=3)
zone_lists = st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True).map(tuple)
any_instant = st.floats(START, START + 700 * DAY).map(lambda at: round(at, 6))
"""To the microsecond: datetime, by which the oracle reads the clock, rounds what is finer, also up to midnight."""


@st.composite
def instants_near_a_change(draw: st.DrawFn, name: str) -> float:
    return round(draw(st.sampled_from(changes(name) or (START,))) + draw(st.floats(-30 * HOUR, 30 * HOUR)), 6)


# -- against the oracle ------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(window_lists, zone_lists, any_instant)
def test_opens_when_the_clocks_on_the_wall_say_so(
    windows: list[Window], zones: tuple[str, ...], now: float
) -> None:
    opening = Hours(windows).next_open(now, zones)
    until = opening if opening is not None else now + 10 * DAY
    for at in minutes(now, until):
        if is_open(windows, at, zones):
            assert not is_plain(windows, at, zones), (
                f"open at {local_time(at, zones[0])}, but next_open passes it over"
            )
    if opening is not None:
        assert opening >= now
        assert is_open(windows, opening, zones)
        assert Hours(windows).next_open(opening, zones) == opening


@settings(max_examples=250)
@given(st.data(), window_lists, zone_lists)
def test_is_never_open_where_the_literal_reading_is_closed(
    data: st.DataObject, windows: list[Window], zones: tuple[str, ...]
) -> None:
    """Also on the days on which the clocks change, to the second."""
    now = data.draw(instants_near_a_change(data.draw(st.sampled_from(zones))))
    hours = Hours(windows)
    opening = hours.next_open(now, zones)
    if opening is not None:
        assert opening >= now
        assert is_open(windows, opening, zones)
        closed = next(
            (at for at in minutes(opening, opening + 3 * HOUR) if not is_open(windows, at, zones)), None
        )
        if closed is not None:
            assert hours.next_open(closed, zones) != closed


@given(st.sampled_from(ZONES), days, clocks, clocks)
def test_a_change_costs_no_more_than_itself(name: str, on: tuple[int, ...], start: time, end: time) -> None:
    """Of what is literally open in the days around a change, the careful reading gives up two hours' worth at most an edge."""
    window = Window(days=on, start=start, end=end)
    for change in changes(name)[:2]:
        grid = [change - 36 * HOUR + step * 15 * MINUTE for step in range(72 * 4)]
        hours = Hours([window])
        lost = [at for at in grid if is_open([window], at, [name]) and hours.next_open(at, (name,)) != at]
        assert len(lost) * 15 * MINUTE <= 4 * HOUR
        assert all(abs(at - change) <= 4 * HOUR for at in lost)


# -- by hand -----------------------------------------------------------------------------------------------------------


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


DAILY = tuple(range(7))

# zone, from, to, asked at, opens at
CHANGES: list[tuple[str, str, str, str, str]] = [
    # Paris, 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
    ("Europe/Paris", "02:30", "06:00", "2026-03-29T00:00+01:00", "2026-03-29T03:30+02:00"),
    ("Europe/Paris", "01:00", "02:30", "2026-03-29T00:00+01:00", "2026-03-29T01:00+01:00"),
    ("Europe/Paris", "01:00", "02:30", "2026-03-29T01:30+01:00", "2026-03-30T01:00+02:00"),
    ("Europe/Paris", "02:10", "02:50", "2026-03-29T00:00+01:00", "2026-03-30T02:10+02:00"),
    ("Europe/Paris", "09:00", "20:00", "2026-03-28T20:00+01:00", "2026-03-29T09:00+02:00"),
    ("Europe/Paris", "02:30", "06:00", "2026-10-25T00:00+02:00", "2026-10-25T02:30+01:00"),
    ("Europe/Paris", "00:00", "02:30", "2026-10-25T02:29+02:00", "2026-10-25T02:29+02:00"),
    ("Europe/Paris", "00:00", "02:30", "2026-10-25T02:30+02:00", "2026-10-26T00:00+01:00"),
    ("Europe/Paris", "02:10", "02:50", "2026-10-25T00:00+02:00", "2026-10-26T02:10+01:00"),
    # Cairo, 24 April 2026: midnight becomes 01:00, so that day has no midnight.
    ("Africa/Cairo", "00:00", "06:00", "2026-04-23T12:00+02:00", "2026-04-24T01:00+03:00"),
    ("Africa/Cairo", "18:00", "00:00", "2026-04-23T23:59+02:00", "2026-04-24T18:00+03:00"),
    # Havana, 1 November 2026: 01:00 becomes midnight, so midnight happens twice.
    ("America/Havana", "00:00", "06:00", "2026-10-31T12:00-04:00", "2026-11-01T00:00-05:00"),
    ("America/Havana", "18:00", "00:00", "2026-11-01T00:00-04:00", "2026-11-01T18:00-05:00"),
    # Lord Howe, 5 April 2026: 02:00 becomes 01:30.
    ("Australia/Lord_Howe", "01:45", "03:00", "2026-04-05T00:00+11:00", "2026-04-05T01:45+10:30"),
    # Past midnight, and around the clock.
    ("Asia/Kathmandu", "22:00", "02:00", "2026-06-01T21:59+05:45", "2026-06-01T22:00+05:45"),
    ("Asia/Kathmandu", "22:00", "02:00", "2026-06-02T01:59+05:45", "2026-06-02T01:59+05:45"),
    ("Asia/Kathmandu", "22:00", "02:00", "2026-06-02T02:00+05:45", "2026-06-02T22:00+05:45"),
    ("Asia/Kathmandu", "09:00", "09:00", "2026-06-02T08:59+05:45", "2026-06-02T08:59+05:45"),
]


@pytest.mark.parametrize(("name", "start", "end", "asked", "opens"), CHANGES)
def test_the_careful_reading(name: str, start: str, end: str, asked: str, opens: str) -> None:
    hours = Hours([Window(days=DAILY, start=time.fromisoformat(start), end=time.fromisoformat(end))])
    found = hours.next_open(instant(asked), (name,))
    assert found is not None
    assert local_time(found, name) == local_time(instant(opens), name)


def test_a_day_s_only_opening_that_a_change_takes_away_comes_back_a_week_later() -> None:
    hours = Hours([Window(days=(6,), start=time(2, 10), end=time(2, 50))])
    monday = instant("2026-03-23T00:00+01:00")
    found = hours.next_open(monday, ("Europe/Paris",))
    assert found == instant("2026-04-05T02:10+02:00")


def test_every_candidate_zone_must_be_open() -> None:
    office = Hours([Window(days=("mon-fri",), start=time(9), end=time(17))])
    both = ("America/New_York", "America/Los_Angeles")
    friday_noon = instant("2026-06-05T09:00-04:00")
    assert office.next_open(friday_noon, both[:1]) == friday_noon
    assert office.next_open(friday_noon, both) == instant("2026-06-05T09:00-07:00")
    assert office.next_open(instant("2026-06-05T17:00-04:00"), both) == instant("2026-06-08T12:00-04:00")
    # Paris and Auckland are never both in office hours.
    assert office.next_open(friday_noon, ("Europe/Paris", "Pacific/Auckland")) is None


def test_a_window_may_stand_in_a_zone_of_its_own() -> None:
    hours = Hours([Window(start=time(9), end=time(10), timezone="Europe/Paris")])
    asked = instant("2026-06-01T00:00+00:00")
    assert hours.next_open(asked, ("Asia/Tokyo",)) == instant("2026-06-01T09:00+02:00")


def test_windows_that_touch_or_overlap_are_one() -> None:
    hours = Hours([Window(start=time(a), end=time(b)) for a, b in [(9, 12), (12, 14), (11, 13)]])
    at = instant("2026-06-01T09:00+02:00")
    while at < instant("2026-06-01T14:00+02:00"):
        assert hours.next_open(at, ("Europe/Paris",)) == at
        at += 5 * MINUTE
    assert hours.next_open(at, ("Europe/Paris",)) == instant("2026-06-02T09:00+02:00")


@pytest.mark.parametrize(
    "zones", [(), ("Mars/Phobos",), ("Europe/Paris", "Mars/Phobos"), ("",), ("../etc/passwd",)]
)
@pytest.mark.parametrize("windows", [[], [Window(start=time(0), end=time(0))]])
def test_what_is_unknown_blocks(zones: tuple[str, ...], windows: list[Window]) -> None:
    assert Hours(windows).next_open(START, zones) is None


def test_without_windows_every_instant_is_open() -> None:
    assert Hours([]).next_open(START, ("Europe/Paris",)) == START


def test_a_window_on_no_day_never_opens() -> None:
    assert Hours([Window(days=(), start=time(9), end=time(17))]).next_open(START, ("Europe/Paris",)) is None


def test_many_days_and_zones_do_not_pile_up_in_memory() -> None:
    hours = Hours([Window(start=time(9), end=time(20))])
    for day in range(5_000):
        at = START + (day % 700) * DAY
        assert hours.next_open(at, (ZONES[day % len(ZONES)],)) is not None


# -- what people write -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("mon", (0,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        (["mon-fri", "sun"], (0, 1, 2, 3, 4, 6)),
        ("Fri-Mon", (0, 4, 5, 6)),
        (["Sunday", "monday"], (0, 6)),
        ([6, 0], (0, 6)),
        ("sun-sun", (6,)),
        ([], ()),
    ],
)
def test_days_as_people_write_them(written: object, means: tuple[int, ...]) -> None:
    assert parse_days(written) == means


@pytest.mark.parametrize(
    "written", ["someday", "mon-", 7, -1, None, [None], {"mon": 1}, ["mon", "xyz-fri"], True]
)
def test_days_that_are_none(written: object) -> None:
    with pytest.raises(ValueError, match="is no day"):
        parse_days(written)


def test_a_window_tells_everything_that_is_wrong_with_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Window.model_validate(
            {"days": ["noday"], "from": "25:00", "to": "09:00+01:00", "timezone": "Mars/Phobos", "until": "x"}
        )
    assert {error["loc"][0] for error in caught.value.errors()} == {"days", "from", "to", "timezone", "until"}


def test_zones() -> None:
    assert zone("Europe/Paris") is zone("Europe/Paris")
    for name in ("", "Mars/Phobos", "/etc/passwd", "Europe", "\x00"):
        assert zone(name) is None
    assert local_time(instant("2026-06-01T07:00:00+00:00"), "Europe/Paris") == "2026-06-01T09:00:00+02:00"
    assert local_time(instant("2026-06-01T07:00:00+00:00"), "Mars/Phobos") == "2026-06-01T07:00:00+00:00"
