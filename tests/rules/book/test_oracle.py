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


def first(weekday: int, month: int, year: int) -> date:
    """The first Monday (0) to Sunday (6) of a month."""
    day = date(year, month, 1)
    return day + timedelta(days=(weekday - day.weekday()) % 7)


@cache
def german_holidays(year: int) -> frozenset[date]:
    """Those of all states: fixed ones, Good Friday, Easter Monday, Ascension, Whit Monday."""
    fixed = [date(year, *day) for day in ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))]
    return frozenset([*fixed, *(easter(year) + timedelta(days=days) for days in (-2, 1, 39, 50))])


@cache
def italian_holidays(year: int) -> frozenset[date]:
    """Legge 260/1949 with its changes, Saint Francis since 2026 among them."""
    fixed = ((1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (10, 4), (11, 1), (12, 8), (12, 25), (12, 26))
    return frozenset([*(date(year, *day) for day in fixed), easter(year) + timedelta(days=1)])


@cache
def irish_holidays(year: int) -> frozenset[date]:
    """Saint Brigid's is the first Monday of February, or the first where that is a Friday; October's is the last Monday."""
    brigid = date(year, 2, 1) if date(year, 2, 1).weekday() == 4 else first(0, 2, year)
    october = first(0, 11, year) - timedelta(days=7)
    fixed = [date(year, *day) for day in ((1, 1), (3, 17), (12, 25), (12, 26))]
    mondays = [first(0, month, year) for month in (5, 6, 8)]
    return frozenset([*fixed, *mondays, brigid, october, easter(year) + timedelta(days=1)])


@cache
def spanish_holidays(year: int) -> frozenset[date]:
    """Those that no community replaces."""
    fixed = ((1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25))
    return frozenset([*(date(year, *day) for day in fixed), easter(year) - timedelta(days=2)])


FEASTS = frozenset(
    {date(2026, 3, 20), date(2026, 5, 27), date(2027, 3, 9), date(2027, 3, 10), date(2027, 5, 16), date(2027, 5, 17), date(2028, 2, 26),
     date(2028, 2, 28), date(2028, 5, 5)}
)  # fmt: skip
"""The two Islamic feasts of Ceuta and Melilla, by the tables of the calendar, and the Monday after one on a weekend."""


def rests_somewhere_in_spain(day: date) -> bool:
    """Does some community rest on this day, on which not all of them do? Maundy Thursday, Easter Monday, Corpus Christi, the saints and
    statutes of the communities, and the Monday after any holiday on a Sunday."""
    own = {(2, 28), (3, 1), (3, 19), (4, 23), (5, 2), (5, 17), (5, 30), (5, 31), (6, 9), (6, 13), (6, 24), (7, 25), (7, 28), (8, 5),
           (9, 2), (9, 8), (9, 11), (9, 15), (9, 17), (10, 9), (12, 3), (12, 26)}  # fmt: skip
    moving = {easter(day.year) + timedelta(days=days) for days in (-3, 1, 60)}
    yesterday = day - timedelta(days=1)
    moved = day.weekday() == 0 and (
        (yesterday.month, yesterday.day) in own or yesterday in spanish_holidays(yesterday.year)
    )
    return (day.month, day.day) in own or day in moving or day in FEASTS or moved


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


def nine_to_nine(wall: datetime) -> bool:
    return 9 <= clock(wall) < 21


def oklahoman(wall: datetime) -> bool:
    return until_eight(wall) and clock(wall) >= 9


def german_day(wall: datetime) -> bool:
    return 8 <= clock(wall) < 20


def german(wall: datetime) -> bool:
    return german_day(wall) and not sunday(wall) and wall.date() not in german_holidays(wall.year)


def italian(wall: datetime) -> bool:
    return 10 <= clock(wall) < 19 and not sunday(wall) and wall.date() not in italian_holidays(wall.year)


def irish(wall: datetime) -> bool:
    return 9 <= clock(wall) < 21 and not sunday(wall) and wall.date() not in irish_holidays(wall.year)


def spanish(wall: datetime) -> bool:
    return 9 <= clock(wall) < 21 and not weekend(wall) and wall.date() not in spanish_holidays(wall.year)


def spanish_anywhere(wall: datetime) -> bool:
    return spanish(wall) and not rests_somewhere_in_spain(wall.date())


Law = Callable[[datetime], bool]

# Region, states, purpose, the law, zones in which to look.
CASES: list[tuple[str, tuple[str, ...], Purpose, Law, tuple[str, ...]]] = [
    ("US", ("NY",), "marketing", american, ("America/New_York",)),
    ("US", ("NY",), "informational", house, ("America/New_York",)),
    ("US", ("FL",), "marketing", until_eight, ("America/New_York", "America/Chicago")),
    ("US", ("OK",), "marketing", oklahoman, ("America/Chicago",)),
    ("US", ("OK",), "survey", nine_to_nine, ("America/Chicago",)),
    ("US", ("MD",), "marketing", until_eight, ("America/New_York",)),
    ("US", ("CT",), "marketing", oklahoman, ("America/New_York",)),
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
    ("IN", (), "transactional", nine_to_nine, ("Asia/Kolkata",)),
    ("DE", (), "marketing", german, ("Europe/Berlin",)),
    ("DE", (), "informational", german_day, ("Europe/Berlin",)),
    ("IT", (), "survey", italian, ("Europe/Rome",)),
    ("IE", (), "political", irish, ("Europe/Dublin",)),
    ("BE", (), "marketing", house, ("Europe/Brussels",)),
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


def test_every_day_of_two_years_in_spain() -> None:
    """Where the community is not known, a call goes out on no holiday of any, and on every other weekday."""
    anywhere = rules(BOOK, place("ES", *TABLES["ES"].of_region("ES"))).hours
    for step in range(DAYS):
        noon = START + step * DAY + 11 * HOUR
        wall = datetime.fromtimestamp(noon, ZoneInfo("Europe/Madrid"))
        opens = anywhere.next_open(noon, ("Europe/Madrid",)) == noon
        if opens:
            assert spanish(wall), wall
        else:
            assert not spanish_anywhere(wall), wall
        for state in TABLES["ES"].states:
            own = rules(BOOK, place("ES", state)).hours.next_open(noon, ("Europe/Madrid",)) == noon
            assert own or not opens, (state, wall)
            assert spanish(wall) or not own, (state, wall)


def test_every_state_of_the_union_at_every_hour_of_a_fortnight() -> None:
    """A state opens when federal law and its own do, and a number that may be anywhere when all of them do."""
    own: dict[str, Law] = {
        "FL": until_eight, "MD": until_eight, "WA": until_eight, "OK": oklahoman, "CT": oklahoman, "TX": texan,
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
