"""Hours by law, against statements of the law written another way: read off a wall clock and a calendar, minute by minute.

The oracle knows no spans and no windows, works out holidays by its own arithmetic, and never turns a local time into an
instant.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.book import Purpose, standard_book
from engine.rules.places import TABLES
from tests.rules.book.places import instant, place, rules

BOOK = standard_book()
START = instant("2026-11-24T00:00:00+00:00")
DAYS = 730
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


# --- the law, by hand ---------------------------------------------------------------------------------------------------


@cache
def easter(year: int) -> date:
    """The anonymous Gregorian computus (Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * e) // 451
    month, day = divmod(h + e - 7 * m + 114, 31)
    return date(year, month, day + 1)


@cache
def french_holidays(year: int, alsace: bool) -> frozenset[date]:
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)] + (
        [(12, 26)] if alsace else []
    )
    moving = [1, 39, 50] + ([-2] if alsace else [])
    return frozenset(
        [date(year, *day) for day in fixed] + [easter(year) + timedelta(days=days) for days in moving]
    )


def clock(wall: datetime) -> float:
    return wall.hour + wall.minute / 60 + wall.second / 3600


def sunday(wall: datetime) -> bool:
    return wall.strftime("%A") == "Sunday"


def weekend(wall: datetime) -> bool:
    return wall.strftime("%A") in ("Saturday", "Sunday")


def american(wall: datetime) -> bool:
    return 8 <= clock(wall) < 21


def until_eight(wall: datetime) -> bool:
    return american(wall) and clock(wall) < 20


def texan(wall: datetime) -> bool:
    return clock(wall) < 21 and clock(wall) >= (12 if sunday(wall) else 9)


def mississippi(wall: datetime) -> bool:
    return american(wall) and not sunday(wall)


def canadian(wall: datetime) -> bool:
    return 10 <= clock(wall) < 18 if weekend(wall) else 9 <= clock(wall) < 21.5


def french(wall: datetime) -> bool:
    return (
        not weekend(wall)
        and wall.date() not in french_holidays(wall.year, False)
        and (10 <= clock(wall) < 13 or 14 <= clock(wall) < 20)
    )


def alsatian(wall: datetime) -> bool:
    return french(wall) and wall.date() not in french_holidays(wall.year, True)


def house(wall: datetime) -> bool:
    return 8 <= clock(wall) < 22


def indian(wall: datetime) -> bool:
    return 10 <= clock(wall) < 21


Law = Callable[[datetime], bool]

# Region, states, purpose, the law, zones in which to look.
CASES: list[tuple[str, tuple[str, ...], Purpose, Law, tuple[str, ...]]] = [
    ("US", ("NY",), "marketing", american, ("America/New_York",)),
    ("US", ("NY",), "informational", house, ("America/New_York",)),
    ("US", ("FL",), "marketing", until_eight, ("America/New_York", "America/Chicago")),
    ("US", ("OK",), "marketing", until_eight, ("America/Chicago",)),
    ("US", ("WA",), "marketing", until_eight, ("America/Los_Angeles",)),
    ("US", ("CA", "FL"), "marketing", until_eight, ("America/Los_Angeles", "America/New_York")),
    ("US", ("TX",), "marketing", texan, ("America/Chicago", "America/Denver")),
    ("US", ("MS",), "marketing", mississippi, ("America/Chicago",)),
    ("US", ("AZ",), "marketing", american, ("America/Phoenix", "America/Denver")),
    ("US", ("AK",), "marketing", american, ("America/Anchorage", "America/Adak")),
    ("US", ("HI",), "marketing", american, ("Pacific/Honolulu",)),
    ("GU", ("GU",), "marketing", american, ("Pacific/Guam",)),
    ("CA", ("NL",), "marketing", canadian, ("America/St_Johns", "America/Goose_Bay")),
    ("CA", ("SK",), "informational", canadian, ("America/Regina", "America/Edmonton")),
    ("CA", ("NU",), "survey", canadian, ("America/Iqaluit", "America/Rankin_Inlet", "America/Cambridge_Bay", "America/Resolute")),
    ("FR", ("FX",), "marketing", french, ("Europe/Paris",)),
    ("FR", ("67",), "marketing", alsatian, ("Europe/Paris",)),
    ("FR", ("57", "67", "68", "FX"), "marketing", alsatian, ("Europe/Paris",)),
    ("FR", ("FX",), "informational", house, ("Europe/Paris",)),
    ("GB", (), "marketing", house, ("Europe/London",)),
    ("IN", (), "marketing", indian, ("Asia/Kolkata",)),
    ("IN", (), "transactional", house, ("Asia/Kolkata",)),
    # A contact abroad: its clocks have 45 minutes, or half an hour, and the law is its number's.
    ("GB", (), "marketing", house, ("Europe/London", "Asia/Kathmandu")),
    ("GB", (), "marketing", house, ("Australia/Adelaide",)),
    ("US", ("HI",), "marketing", american, ("Pacific/Chatham",)),
    ("US", ("NY",), "marketing", american, ("Australia/Lord_Howe",)),
]  # fmt: skip


def is_open(law: Law, at: float, zones: Sequence[str]) -> bool:
    return all(law(datetime.fromtimestamp(at, ZoneInfo(name))) for name in zones)


@cache
def changes(name: str) -> tuple[float, ...]:
    """Every change of the clock in the two years to come, found by looking at it every quarter of an hour."""

    def shows(at: float) -> timedelta | None:
        return datetime.fromtimestamp(at, ZoneInfo(name)).utcoffset()

    quarters = [START + step * 900.0 for step in range(DAYS * 96)]
    return tuple(at for at in quarters if shows(at) != shows(at - 900.0))


@pytest.mark.parametrize(("region", "states", "purpose", "law", "zones"), CASES)
def test_around_every_change_of_the_clock(
    region: str, states: tuple[str, ...], purpose: Purpose, law: Law, zones: tuple[str, ...]
) -> None:
    """Two years, every change, forty hours around it, every five minutes and the seconds before and after each hour."""
    for name in zones:
        for change in changes(name):
            found = rules(BOOK, place(region, *states), purpose, change)
            for step in range(-20 * 12, 20 * 12):
                at = change + step * 5 * MINUTE
                for exact in (at,) if step % 12 else (at - 1.0, at):
                    assert (found.hours.next_open(exact, zones) == exact) == is_open(law, exact, zones), (
                        datetime.fromtimestamp(exact, ZoneInfo(name)).isoformat()
                    )


@pytest.mark.parametrize(("region", "states", "purpose", "law", "zones"), CASES)
def test_a_thousand_instants_of_two_years(
    region: str, states: tuple[str, ...], purpose: Purpose, law: Law, zones: tuple[str, ...]
) -> None:
    dice = random.Random(f"{region}{states}{purpose}{zones}")
    for _ in range(1000):
        at = START + dice.randrange(DAYS * 86400)
        hours = rules(BOOK, place(region, *states), purpose, at).hours
        assert (hours.next_open(at, zones) == at) == is_open(law, at, zones)


@settings(max_examples=50)
@given(st.sampled_from(CASES), st.integers(0, DAYS * 86400))
def test_the_opening_is_the_first_that_a_clock_shows(
    case: tuple[str, tuple[str, ...], Purpose, Law, tuple[str, ...]], seconds: int
) -> None:
    region, states, purpose, law, zones = case
    now = START + seconds
    opening = rules(BOOK, place(region, *states), purpose, now).hours.next_open(now, zones)
    at = now
    while at < (opening if opening is not None else now + 5 * DAY):
        assert not is_open(law, at, zones), datetime.fromtimestamp(at, UTC).isoformat()
        at = (at // MINUTE + 1) * MINUTE
    if opening is not None:
        assert is_open(law, opening, zones)


def test_every_french_holiday_of_two_years_is_closed_and_every_other_weekday_is_not() -> None:
    for state, law in (("FX", french), ("68", alsatian)):
        hours = rules(BOOK, place("FR", state)).hours
        for step in range(DAYS):
            noon = START + step * DAY + 11 * HOUR
            assert (hours.next_open(noon, ("Europe/Paris",)) == noon) == law(
                datetime.fromtimestamp(noon, ZoneInfo("Europe/Paris"))
            )


def test_every_state_of_the_union_at_every_hour_of_a_fortnight() -> None:
    """A state opens when federal law and its own do, and a number that may be anywhere when all of them do."""
    own: dict[str, Law] = {
        "FL": until_eight, "OK": until_eight, "WA": until_eight, "TX": texan,
        "MS": mississippi, "AL": mississippi, "LA": mississippi,
    }  # fmt: skip
    with_holidays = {"AL", "LA", "RI", "UT"}
    everywhere = rules(BOOK, place("US", *TABLES["US"].of_region("US"))).hours
    start = instant("2027-02-01T00:00:00-05:00")  # no holiday until Presidents' Day, the fifteenth
    for step in range(13 * 24 * 2):
        at = start + step * HOUR / 2
        answers = {}
        for state in TABLES["US"].of_region("US"):
            open_now = rules(BOOK, place("US", state)).hours.next_open(at, ("America/Chicago",)) == at
            answers[state] = open_now
            expected = is_open(own.get(state, american), at, ("America/Chicago",))
            assert open_now == expected or (state in with_holidays and not open_now), (state, at)
        assert (everywhere.next_open(at, ("America/Chicago",)) == at) == all(answers.values())
