"""Closed days (public holidays) against the clock on the wall: nobody is called while it shows such a date."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.hours import Hours, Window, local_time
from tests.rules import test_hours as clocks
from tests.rules.test_hours import DAY, HOUR, MINUTE, ZONES, instant, instants_near_a_change, minutes, shows

dates = st.sets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=8)


def is_open(windows: list[Window], closed: set[date], now: float, zones: tuple[str, ...]) -> bool:
    return clocks.is_open(windows, now, zones) and all(
        shows(now, name).date() not in closed for name in zones
    )


@settings(max_examples=60)
@given(st.data(), clocks.window_lists, clocks.zone_lists, clocks.any_instant)
def test_opens_when_clock_and_calendar_say_so(
    data: st.DataObject, windows: list[Window], zones: tuple[str, ...], now: float
) -> None:
    now = float(int(now))  # a datetime rounds what is below a microsecond
    today = shows(now, zones[0]).date()
    near = st.sets(st.integers(-2, 9).map(lambda days: today + timedelta(days=days)), max_size=6)
    closed = data.draw(near)
    hours = Hours(windows, closed.__contains__)
    opening = hours.next_open(now, zones)
    until = opening if opening is not None else now + 9 * DAY
    for at in minutes(now, min(until, now + 9 * DAY)):
        assert not is_open(windows, closed, at, zones) or not clocks.is_plain(windows, at, zones), local_time(
            at, zones[0]
        )
    if opening is not None:
        assert is_open(windows, closed, opening, zones)
        assert hours.next_open(opening, zones) == opening


@settings(max_examples=200)
@given(st.data(), clocks.window_lists, clocks.zone_lists)
def test_is_never_open_on_a_closed_day_around_a_change(
    data: st.DataObject, windows: list[Window], zones: tuple[str, ...]
) -> None:
    now = data.draw(instants_near_a_change(data.draw(st.sampled_from(zones))))
    today = shows(now, zones[0]).date()
    closed = {today + timedelta(days=data.draw(st.integers(-1, 1)))}
    opening = Hours(windows, closed.__contains__).next_open(now, zones)
    if opening is not None:
        assert opening >= now
        assert is_open(windows, closed, opening, zones)


# Zone, windows, closed days, asked at, opens at.
BY_HAND = [
    # What runs past midnight into a closed day ends at midnight, and what runs out of one begins there.
    ("Europe/Paris", [("22:00", "02:00")], ["2026-12-25"], "2026-12-25T00:00+01:00", "2026-12-26T00:00+01:00"),
    ("Europe/Paris", [("22:00", "02:00")], ["2026-12-25"], "2026-12-24T23:59+01:00", "2026-12-24T23:59+01:00"),
    ("Asia/Kathmandu", [("22:00", "02:00")], ["2026-06-02"], "2026-06-01T23:59:59+05:45", "2026-06-01T23:59:59+05:45"),
    ("Asia/Kathmandu", [("22:00", "02:00")], ["2026-06-02"], "2026-06-02T00:00+05:45", "2026-06-03T00:00+05:45"),
    ("Pacific/Chatham", [("09:00", "17:00")], ["2026-06-01"], "2026-06-01T00:00+12:45", "2026-06-02T09:00+12:45"),
    ("Asia/Kolkata", [("10:00", "21:00")], ["2026-08-15"], "2026-08-14T21:00+05:30", "2026-08-16T10:00+05:30"),
    # A day without a midnight (Cairo, 24 April 2026), whose careful reading is an hour early, and one with two (Havana, 1 November 2026).
    ("Africa/Cairo", [("00:00", "00:00")], ["2026-04-24"], "2026-04-23T22:59+02:00", "2026-04-23T22:59+02:00"),
    ("Africa/Cairo", [("00:00", "00:00")], ["2026-04-24"], "2026-04-23T23:59+02:00", "2026-04-25T00:00+03:00"),
    ("Africa/Cairo", [("00:00", "00:00")], ["2026-04-23"], "2026-04-23T12:00+02:00", "2026-04-24T01:00+03:00"),
    ("America/Havana", [("00:00", "00:00")], ["2026-10-31"], "2026-10-31T12:00-04:00", "2026-11-01T00:00-05:00"),
    ("America/Havana", [("00:00", "00:00")], ["2026-11-01"], "2026-11-01T00:30-04:00", "2026-11-02T00:00-05:00"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spans", "closed", "asked", "opens"), BY_HAND)
def test_by_hand(name: str, spans: list[tuple[str, str]], closed: list[str], asked: str, opens: str) -> None:
    days = {date.fromisoformat(day) for day in closed}
    windows = [Window(start=time.fromisoformat(a), end=time.fromisoformat(b)) for a, b in spans]
    found = Hours(windows, days.__contains__).next_open(instant(asked), (name,))
    assert found is not None
    assert local_time(found, name) == local_time(instant(opens), name)


def test_two_holidays_on_one_weekday_take_two_openings_and_not_all() -> None:
    fridays = Hours(
        [Window(days=(4,), start=time(9), end=time(17))], {date(2026, 12, 25), date(2027, 1, 1)}.__contains__
    )
    asked = instant("2026-12-19T00:00+01:00")
    assert fridays.next_open(asked, ("Europe/Paris",)) == instant("2027-01-08T09:00+01:00")


def test_without_windows_closed_days_are_closed() -> None:
    hours = Hours([], {date(2026, 6, 1)}.__contains__)
    noon = instant("2026-06-01T12:00+02:00")
    assert hours.next_open(noon, ("Europe/Paris",)) == instant("2026-06-02T00:00+02:00")
    assert hours.next_open(noon + DAY, ("Europe/Paris",)) == noon + DAY
    assert hours.next_open(noon, ()) is None
    assert hours.next_open(noon, ("Mars/Phobos",)) is None


def test_a_day_is_closed_where_the_callee_is_not_where_the_window_stands() -> None:
    hours = Hours(
        [Window(start=time(0), end=time(0), timezone="Europe/Paris")], {date(2026, 6, 2)}.__contains__
    )
    # In Tokyo it is the second already.
    assert hours.next_open(instant("2026-06-01T18:00+02:00"), ("Asia/Tokyo",)) == instant(
        "2026-06-03T00:00+09:00"
    )


def test_every_candidate_has_its_own_date() -> None:
    hours = Hours([], {date(2026, 6, 2)}.__contains__)
    both = ("America/Los_Angeles", "America/New_York")
    assert hours.next_open(instant("2026-06-02T00:00-04:00"), both) == instant("2026-06-03T00:00-07:00")
    assert hours.next_open(instant("2026-06-01T23:59-04:00"), both) == instant("2026-06-01T23:59-04:00")
    assert hours.next_open(instant("2026-06-01T23:59-04:00") + MINUTE, both) == instant(
        "2026-06-03T03:00-04:00"
    )


@given(dates, st.sampled_from(ZONES), clocks.any_instant)
def test_closing_days_never_opens_anything(closed: set[date], name: str, now: float) -> None:
    windows = [Window(days=("mon-sat",), start=time(9), end=time(20))]
    free, less = (
        Hours(windows).next_open(now, (name,)),
        Hours(windows, closed.__contains__).next_open(now, (name,)),
    )
    assert free is not None
    assert less is not None
    assert less >= free
    assert datetime.fromtimestamp(less, tz=shows(less, name).tzinfo).date() not in closed
    assert less - now < 20 * DAY + HOUR
