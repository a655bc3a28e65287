"""Times of day and instants. `engine.intake.moments`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.intake.moments import MomentError, parse_clock, parse_instant

PARIS = ("Europe/Paris",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9", time(9)),
        ("9:30", time(9, 30)),
        ("09:30:15", time(9, 30, 15)),
        ("09:30:00.000", time(9, 30)),
        ("9h30", time(9, 30)),
        ("9h", time(9)),
        ("9.30", time(9, 30)),
        ("9:30 pm", time(21, 30)),
        ("12 AM", time(0)),
        ("12:15 p.m.", time(12, 15)),
        (" 00:00 ", time(0)),
    ],
)
def test_clock(text: str, expected: time) -> None:
    assert parse_clock(text) == expected


@pytest.mark.parametrize(
    "text", ["", "25:00", "9:60", "13 pm", "0 am", "nine", "9:3", "-1", "9:30:61", "09:30+01:00"]
)
def test_no_clock(text: str) -> None:
    with pytest.raises(MomentError, match="write it as 09:30"):
        parse_clock(text)


@given(st.times(timezones=st.none()).map(lambda found: found.replace(microsecond=0)))
def test_every_time_is_read_back(value: time) -> None:
    assert parse_clock(value.isoformat()) == value


@pytest.mark.parametrize(
    ("text", "edge", "expected"),
    [
        ("2026-07-01T09:00+02:00", "start", "2026-07-01T07:00+00:00"),
        ("2026-07-01T09:00Z", "end", "2026-07-01T09:00+00:00"),
        ("2026-07-01 09:00:00", "start", "2026-07-01T07:00+00:00"),
        ("2026-07-01", "start", "2026-06-30T22:00+00:00"),
        ("2026-07-01", "end", "2026-07-01T22:00+00:00"),
        ("01.07.2026", "start", "2026-06-30T22:00+00:00"),
        ("13/07/2026", "start", "2026-07-12T22:00+00:00"),
        ("07/13/2026", "start", "2026-07-12T22:00+00:00"),
        ("7/7/2026 9:30", "start", "2026-07-07T07:30+00:00"),
        ("46204", "start", "2026-06-30T22:00+00:00"),
        ("46204.0", "start", "2026-06-30T22:00+00:00"),
        ("46204.375", "start", "2026-07-01T07:00+00:00"),
    ],
)
def test_instants_in_paris(text: str, edge: Literal["start", "end"], expected: str) -> None:
    assert parse_instant(text, PARIS, edge) == datetime.fromisoformat(expected)


def test_several_candidate_zones_give_the_shorter_span() -> None:
    zones = ("America/New_York", "America/Los_Angeles")
    assert parse_instant("2026-07-01T09:00", zones, "start") == datetime(2026, 7, 1, 16, tzinfo=UTC)
    assert parse_instant("2026-07-01T09:00", zones, "end") == datetime(2026, 7, 1, 13, tzinfo=UTC)


def test_local_time_without_a_zone_is_refused() -> None:
    with pytest.raises(MomentError, match="time zone is not known"):
        parse_instant("2026-07-01T09:00", (), "start")
    assert parse_instant("2026-07-01T09:00Z", (), "start").tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("03/04/2026", r"may be 3\.4\. or 4\.3\.; write it as 2026-"),
        ("2026-02-30", "is no date"),
        ("31/02/2026", "is no date"),
        ("31.13.2026", "is no date"),
        ("tomorrow", "no date or instant"),
        ("1999-01-01", "is no date"),
        ("1999-01-01T00:00Z", "in the year 1999"),
        ("12345", "no date or instant"),
        ("2026", "no date or instant"),
        ("13/07/2026 25:00", "no time of day"),
        ("", "no date or instant"),
    ],
)
def test_no_instants(text: str, message: str) -> None:
    with pytest.raises(MomentError, match=message):
        parse_instant(text, PARIS, "start")


@given(st.dates(date(2000, 1, 2), date(2100, 12, 30)), st.times())
def test_every_instant_is_read_back(day: date, clock: time) -> None:
    value = datetime.combine(day, clock, UTC)
    assert parse_instant(value.isoformat(), (), "end") == value


@given(st.dates(date(2000, 1, 2), date(2100, 12, 30)))
def test_a_day_ends_when_the_next_begins(day: date) -> None:
    start, end = parse_instant(str(day), PARIS, "start"), parse_instant(str(day), PARIS, "end")
    assert timedelta(hours=23) <= end - start <= timedelta(hours=25)
