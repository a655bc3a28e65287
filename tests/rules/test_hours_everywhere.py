"""Every change of the clock of every IANA zone in the two years to come: the hours of every rule set, and windows that campaigns
may have, asked just before, in and after it.

The oracle reads the wall clock: weekday, time and date. Where a span begins or ends at a time that the change leaves out or
shows twice, the careful reading may lose what lies beside the change, and never more; everywhere else both must agree to the
second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from engine.rules.book import RuleSet, standard_book
from engine.rules.book.calendar import closed_on
from engine.rules.book.entry import PURPOSES, TOPICS, Line
from engine.rules.book.weeks import Spans, spans_of
from engine.rules.hours import Hours, Window
from engine.rules.places import TABLES, Place

MINUTE, HOUR, DAY = 60, 3600, 86400
START = datetime(2026, 11, 27, tzinfo=UTC)
END = START + timedelta(days=731)
FEW = 8 * HOUR
"""No zone changes its clock twice in so short a time."""


@dataclass(frozen=True, slots=True)
class Change:
    """An instant at which a clock is put forward or back, and by how much it differs from UTC before and after; in seconds."""

    at: int
    before: int
    after: int


def offset(at: float, name: str) -> int:
    shown = datetime.fromtimestamp(at, ZoneInfo(name)).utcoffset()
    assert shown is not None
    return int(shown.total_seconds())


@cache
def changes(name: str) -> tuple[Change, ...]:
    """Found by looking at the clock every eight hours, and then ever closer."""
    found = []
    for step in range(int((END - START).total_seconds()) // FEW):
        low = int(START.timestamp()) + step * FEW
        high = low + FEW
        before, after = offset(low, name), offset(high, name)
        if before != after:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle, name) == before else (low, middle)
            found.append(Change(high, before, after))
    return tuple(found)


ZONES = sorted(available_timezones() - {"localtime", "Factory", "posixrules"})
ALIKE: dict[tuple[Change, ...], list[str]] = {}
for _name in ZONES:
    if changes(_name):
        ALIKE.setdefault(changes(_name), []).append(_name)
"""Zones whose clocks are changed, and are changed alike: one of them stands for all."""


@dataclass(frozen=True, slots=True)
class Case:
    """Opening hours as the engine has them, and as the week and the calendar have them."""

    hours: Hours
    week: Spans
    closed: Callable[[date], bool] | None

    def open_by_the_clock(self, wall: datetime) -> bool:
        second = wall.weekday() * DAY + wall.hour * HOUR + wall.minute * MINUTE + wall.second
        return any(start <= second < end for start, end in self.week) and not (
            self.closed is not None and self.closed(wall.date())
        )

    def has_an_edge_in(self, low: datetime, high: datetime) -> bool:
        """Does anything begin or end at a time of the wall clock from `low` to `high`?"""
        begin = low.weekday() * DAY + low.hour * HOUR + low.minute * MINUTE + low.second
        length = int((high - low).total_seconds())
        edges = {
            day * DAY + clock.hour * HOUR + clock.minute * MINUTE + clock.second
            for window in self.hours.windows for clock in (window.start, window.end) for day in range(7)
        }  # fmt: skip
        if self.closed is not None:
            edges |= {day * DAY for day in range(7)}
        return any((edge - begin) % (7 * DAY) <= length for edge in edges)


def rule_sets() -> Iterator[RuleSet]:
    """What binds in each country and each of its states, for each purpose, topic and line."""
    book = standard_book()
    lines: tuple[Line, ...] = ("landline", "wireless")
    for region in sorted(book.regions):
        states = TABLES[region].of_region(region) if region in TABLES else ()
        for place in [(), *((one,) for one in states)]:
            for purpose in PURPOSES:
                for topic in (frozenset[str](), *(frozenset({one}) for one in TOPICS)):
                    for line in lines:
                        found = book.rules_for(
                            Place(region, place, ("UTC",)),
                            purpose,
                            START.timestamp(),
                            topic,
                            line,  # type: ignore[arg-type]
                        )
                        if isinstance(found, RuleSet):
                            yield found


LAWFUL = {
    (found.week, found.calendars): Case(
        found.hours, found.week, closed_on(found.calendars) if found.calendars else None
    )
    for found in rule_sets()
}
WINDOWS: dict[str, list[dict[str, object]]] = {
    "office": [{"days": ["mon-fri"], "from": "09:00", "to": "17:00"}],
    "around the clock": [{"from": "00:00", "to": "00:00"}],
    "all but sundays": [{"days": ["mon-sat"], "from": "00:00", "to": "00:00"}],
    "past midnight": [{"days": ["fri-sat"], "from": "22:00", "to": "02:00"}],
    "the night": [{"from": "23:30", "to": "05:15"}],
    "until midnight": [{"from": "18:00", "to": "00:00"}],
    "from midnight": [{"from": "00:00", "to": "03:00"}],
    "half an hour": [{"from": "02:00", "to": "02:30"}],
    "in the gap": [{"from": "02:15", "to": "02:45"}],
    "around the gap": [{"from": "00:30", "to": "01:30"}, {"from": "02:30", "to": "03:30"}],
}


def campaign(windows: list[dict[str, object]]) -> Case:
    ready = [Window.model_validate(one) for one in windows]
    return Case(Hours(ready), spans_of(ready), None)


def instants(change: Change) -> Iterator[int]:
    """A day and more around it: every hour, and closer every few minutes and to the second."""
    jump = abs(change.after - change.before)
    near = {0, jump, -jump, jump // 2, -jump // 2, 2 * jump, -2 * jump}
    near |= {step * 15 * MINUTE for step in range(-16, 17)}
    seconds = {at + beside for at in near for beside in (-1, 0, 1)}
    yield from sorted(change.at + at for at in seconds | {step * HOUR for step in range(-27, 28)})


def differs(case: Case, name: str, change: Change) -> list[int]:
    """Instants at which the clock on the wall says open and the engine does not; it must never be the other way."""
    where = ZoneInfo(name)
    found = []
    for at in instants(change):
        opening = case.hours.next_open(float(at), (name,))
        assert opening is not None
        assert case.open_by_the_clock(datetime.fromtimestamp(opening, where)), (name, at, opening)
        said = opening == at
        shown = case.open_by_the_clock(datetime.fromtimestamp(at, where))
        if shown and not said:
            found.append(at - change.at)
    return found


def holds(case: Case, name: str, change: Change) -> bool:
    """Ask around one change; returns whether anything begins or ends at a time that it leaves out or shows twice."""
    walls = [
        datetime.fromtimestamp(change.at + one, UTC).replace(tzinfo=None)
        for one in (change.before, change.after)
    ]
    lost = differs(case, name, change)
    if not case.has_an_edge_in(min(walls), max(walls)):
        assert not lost, (name, change, lost)
        return False
    jump = abs(change.after - change.before)
    assert all(abs(at) <= 2 * jump for at in lost), (name, change, lost)
    return True


def hold(case: Case) -> int:
    """Ask about every change of every zone; returns how many changes something began or ended at."""
    return sum(holds(case, names[0], change) for found, names in ALIKE.items() for change in found)


def test_the_zones_of_the_two_years() -> None:
    """What is walked is all there is: clocks that change by an hour, by half an hour, by two, at midnight, and for Ramadan."""
    walked = [change for name in ZONES for change in changes(name)]
    print(
        f"{len(walked)} changes in {sum(map(len, ALIKE.values()))} of {len(ZONES)} zones, {len(ALIKE)} of them alike"
    )
    assert len(ZONES) > 400
    assert {abs(one.after - one.before) for one in walked} >= {HOUR, HOUR // 2, 2 * HOUR}
    assert {"Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "Africa/Cairo",
            "America/Havana", "America/St_Johns", "Pacific/Chatham", "Asia/Beirut"} <= {
        name for names in ALIKE.values() for name in names
    }  # fmt: skip
    assert all(len(changes(name)) >= 4 for name in ("Europe/Paris", "America/New_York", "Africa/Casablanca"))


@pytest.mark.parametrize("which", range(len(LAWFUL)))
def test_lawful_hours(which: int) -> None:
    hold(list(LAWFUL.values())[which])


@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS.keys())
def test_campaign_windows(windows: list[dict[str, object]]) -> None:
    touched = hold(campaign(windows))
    assert touched or windows is WINDOWS["office"], "a window that touches no change says little"


@pytest.mark.parametrize("which", [(0,), (-1,), (1,), (-1, 0)])
def test_days_that_are_closed_beside_a_change(which: tuple[int, ...]) -> None:
    """Holidays on the very day of the change, on the day before and on the day after it: no rule set has them all."""
    touched = 0
    for found, names in ALIKE.items():
        for change in found:
            today = datetime.fromtimestamp(change.at, ZoneInfo(names[0])).date()
            closed = frozenset(today + timedelta(days=one) for one in which).__contains__
            for windows in ([], WINDOWS["past midnight"], WINDOWS["the night"]):
                ready = [Window.model_validate(one) for one in windows]
                week = spans_of(ready) if ready else ((0, 7 * DAY),)
                touched += holds(Case(Hours(ready, closed), week, closed), names[0], change)
    assert touched


def test_a_window_in_a_zone_of_its_own_goes_by_that_clock() -> None:
    """Half-hour zones at both ends: the window's clock counts, whatever the callee's does."""
    for own in ("Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca"):
        case = campaign([{"from": "23:30", "to": "02:30", "timezone": own}])
        for change in changes(own):
            for at in instants(change):
                shown = case.open_by_the_clock(datetime.fromtimestamp(at, ZoneInfo(own)))
                for callee in ("Asia/Kathmandu", "Europe/Paris"):
                    said = case.hours.next_open(float(at), (callee,)) == at
                    assert said == shown or (shown and abs(at - change.at) <= 2 * HOUR), (own, callee, at)
