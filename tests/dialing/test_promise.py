"""What somebody asked for by a key, and when that is: around midnight, and on days that have 23 or 25 hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.promise import UNREADABLE, Asked, asked
from engine.flow.actions import KeyAction

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"
"""Lord Howe turns its clocks by half an hour."""


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


NOON = at("2026-11-24T12:00+01:00")


# -- as the dialplan says it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0", Asked(NOON, 0.0)),
        ("3600", Asked(NOON, 3600.0)),
        ("3600>", Asked(NOON, 3600.0)),
        ("3600>agent", Asked(NOON, 3600.0, start="agent")),
        ("at1430", Asked(NOON, None, 14, 30)),
        ("at0000>agent", Asked(NOON, None, 0, 0, start="agent")),
        ("at1000+1", Asked(NOON, None, 10, 0, tomorrow=True)),
        ("at2359+1>agent", Asked(NOON, None, 23, 59, tomorrow=True, start="agent")),
    ],
)
def test_the_dialplan_s_words(value: str, found: Asked) -> None:
    assert asked(value, NOON) == found


@pytest.mark.parametrize(
    "value",
    ["", ">", "soon", "-5", "1.5", "at2400", "at1260", "at930", "at1430+2", "1h", "٣", "9" * 9, "9" * 400],
)
def test_a_wish_that_cannot_be_read_was_one_all_the_same(value: str) -> None:
    assert asked(f"{value}>agent", NOON) == Asked(NOON, UNREADABLE, start=asked(f"{value}>agent", NOON).start)
    assert asked(value, NOON).instant((PARIS,)) == NOON + UNREADABLE


@given(
    st.one_of(
        st.fixed_dictionaries({}),
        st.fixed_dictionaries({"after": st.integers(0, 400 * 86400)}),
        st.fixed_dictionaries({"at": st.times().map(lambda one: f"{one:%H:%M}")}),
        st.fixed_dictionaries({"at": st.times().map(lambda one: f"tomorrow {one:%H:%M}")}),
    ),
    st.sampled_from([{}, {"start": "agent"}]),
)
def test_what_a_manifest_says_is_what_is_asked_for(when: dict[str, object], start: dict[str, str]) -> None:
    """As in volley-do of the dialplan: `callback` reports its second word, a `>`, and its third."""
    action = KeyAction.model_validate({"action": "call_back", **when, **start})
    _, second, third = [*action.dialplan.split(":"), ""][:3]
    found = asked(f"{second}>{third}", NOON)
    assert found.start == start.get("start", "")
    if "at" not in when:
        assert found == Asked(NOON, float(when.get("after", 3600)), start=found.start)  # type: ignore[arg-type]
        return
    assert found.after is None
    day, _, clock = str(when["at"]).rpartition(" ")
    assert (f"{found.hour:02d}:{found.minute:02d}", found.tomorrow) == (clock, bool(day))


def test_the_dialplan_says_it_so() -> None:
    text = (Path(__file__).parents[2] / "dialplans" / "volley.conf").read_text(encoding="utf-8")
    assert "volley-report,s,1(callback,${CUT(VOLLEY_ACTION,:,2)}>${CUT(VOLLEY_ACTION,:,3)})" in text
    assert "Set(VOLLEY_ACTION=callback:at${VOLLEY_TYPED}:" in text


# -- when that is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said_at", "value", "zone", "found"),
    [
        ("2026-11-24T12:00+01:00", "3600", PARIS, "2026-11-24T13:00+01:00"),
        ("2026-11-24T12:00+01:00", "at1430", PARIS, "2026-11-24T14:30+01:00"),
        ("2026-11-24T12:00+01:00", "at1430", NEW_YORK, "2026-11-24T14:30-05:00"),
        ("2026-11-24T14:29:59+01:00", "at1430", PARIS, "2026-11-24T14:30+01:00"),
        ("2026-11-24T14:30+01:00", "at1430", PARIS, "2026-11-25T14:30+01:00"),
        ("2026-11-24T14:31+01:00", "at1430", PARIS, "2026-11-25T14:30+01:00"),
        ("2026-11-24T12:00+01:00", "at1430+1", PARIS, "2026-11-25T14:30+01:00"),
        ("2026-11-24T12:00+01:00", "at0900+1", PARIS, "2026-11-25T09:00+01:00"),
        # midnight is the next one, and tomorrow begins with it
        ("2026-11-24T12:00+01:00", "at0000", PARIS, "2026-11-25T00:00+01:00"),
        ("2026-11-24T00:00+01:00", "at0000", PARIS, "2026-11-25T00:00+01:00"),
        ("2026-11-24T12:00+01:00", "at0000+1", PARIS, "2026-11-25T00:00+01:00"),
        ("2026-12-31T23:59+01:00", "at0001", PARIS, "2027-01-01T00:01+01:00"),
        # the callee's day counts: it is the 24th in New York, the 25th in Paris
        ("2026-11-25T03:00+01:00", "at0900+1", NEW_YORK, "2026-11-25T09:00-05:00"),
        ("2026-11-25T03:00+01:00", "at0900+1", PARIS, "2026-11-26T09:00+01:00"),
        # 29 March 2026, 2:00 to 3:00 does not happen in Paris
        ("2026-03-28T12:00+01:00", "at0230+1", PARIS, "2026-03-29T03:30+02:00"),
        ("2026-03-29T01:59+01:00", "at0230", PARIS, "2026-03-29T03:30+02:00"),
        ("2026-03-29T03:00+02:00", "at0230", PARIS, "2026-03-29T03:30+02:00"),
        ("2026-03-29T03:45+02:00", "at0230", PARIS, "2026-03-30T02:30+02:00"),
        ("2026-03-28T12:00+01:00", "at1000+1", PARIS, "2026-03-29T10:00+02:00"),
        ("2026-03-28T12:00+01:00", "86400", PARIS, "2026-03-29T13:00+02:00"),
        # 25 October 2026, 2:00 to 3:00 happens twice there
        ("2026-10-25T01:00+02:00", "at0230", PARIS, "2026-10-25T02:30+02:00"),
        ("2026-10-25T02:45+02:00", "at0230", PARIS, "2026-10-25T02:30+01:00"),
        ("2026-10-25T02:15+01:00", "at0230", PARIS, "2026-10-25T02:30+01:00"),
        ("2026-10-25T02:45+01:00", "at0230", PARIS, "2026-10-26T02:30+01:00"),
        ("2026-10-24T12:00+02:00", "at0230+1", PARIS, "2026-10-25T02:30+02:00"),
        ("2026-10-24T12:00+02:00", "at1000+1", PARIS, "2026-10-25T10:00+01:00"),
        # half an hour is gone, and comes twice
        ("2026-10-04T01:45+10:30", "at0215", LORD_HOWE, "2026-10-04T02:45+11:00"),
        ("2026-04-05T01:45+11:00", "at0145", LORD_HOWE, "2026-04-05T01:45+10:30"),
    ],
)  # fmt: skip
def test_when(said_at: str, value: str, zone: str, found: str) -> None:
    then = asked(value, at(said_at)).instant((zone, "Asia/Tokyo"))
    assert datetime.fromtimestamp(then, UTC) == datetime.fromisoformat(found)


@pytest.mark.parametrize("zones", [(), ("Mars/Phobos",), ("",), ("../etc/passwd", PARIS)])
def test_where_the_zone_is_not_known_it_is_utc(zones: tuple[str, ...]) -> None:
    """No call is made for it: the gate does not dial where the zone is not known."""
    assert asked("at1430", NOON).instant(zones) == at("2026-11-24T14:30+00:00")


ZONES = st.sampled_from(
    [PARIS, NEW_YORK, LORD_HOWE, "Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo"]
)


@given(
    st.floats(at("2000-01-01T00:00+00:00"), at("2037-01-01T00:00+00:00")),
    st.integers(0, 23),
    st.integers(0, 59),
    ZONES,
)
def test_it_is_the_next_time_that_it_is_so_late_there(now: float, hour: int, minute: int, name: str) -> None:
    then = asked(f"at{hour:02d}{minute:02d}", now).instant((name,))
    assert now < then <= now + 50 * 3600
    here = datetime.fromtimestamp(then, ZoneInfo(name))
    if (here.hour, here.minute) != (
        hour,
        minute,
    ):  # that time does not happen on that day: as much later as is left out
        before = datetime.fromtimestamp(then - 3 * 3600, ZoneInfo(name)).utcoffset()
        assert here.utcoffset() != before
        return
    assert here.second == here.microsecond == 0
    step = timedelta(minutes=1).total_seconds()
    looked = (now // step + 1) * step
    while looked < then:  # no such minute before
        passed = datetime.fromtimestamp(looked, ZoneInfo(name))
        assert (passed.hour, passed.minute) != (hour, minute), passed
        looked += step


@given(
    st.floats(at("2000-01-01T00:00+00:00"), at("2037-01-01T00:00+00:00")),
    st.integers(0, 23),
    st.integers(0, 59),
    ZONES,
)
def test_tomorrow_is_the_callee_s_next_day(now: float, hour: int, minute: int, name: str) -> None:
    then = asked(f"at{hour:02d}{minute:02d}+1", now).instant((name,))
    today = datetime.fromtimestamp(now, ZoneInfo(name)).date()
    day = datetime.fromtimestamp(then, ZoneInfo(name)).date()
    assert day - today >= timedelta(days=1)
    assert day - today <= timedelta(days=2)
    assert then > now
