"""Pacing on a clock that the test moves: even, without bursts, and true to its rate."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.pacing import MARGIN, SLACK, Pace

rates = st.floats(0.1, 1_000.0)
instants = st.floats(0.0, 1e6)


@given(rates, instants, st.integers(2, 50))
def test_deadlines_are_evenly_spaced(cps: float, start: float, calls: int) -> None:
    pace = Pace(cps)
    deadlines = [pace.next(start) for _ in range(calls)]
    assert deadlines[0] == start
    for before, after in pairwise(deadlines):
        assert after - before == pytest.approx(1 / (cps * MARGIN), abs=1e-6)


@given(rates, st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60))
def test_deadlines_never_pile_up(cps: float, steps: list[float]) -> None:
    """Whatever the stalls, no deadline lies more than the slack in the past, and two never lie closer than the rate allows."""
    pace, now = Pace(cps), 50.0
    deadlines = []
    for step in steps:
        now += step
        at = pace.next(now)
        assert at >= now - SLACK
        deadlines.append(at)
    for before, after in pairwise(deadlines):
        assert after - before >= pace.interval - 1e-6


@pytest.mark.parametrize("stall", [0.5, 5.0, 3_600.0])
def test_no_burst_after_a_stall(stall: float) -> None:
    pace, now = Pace(100.0), 10.0
    for _ in range(20):
        now = max(now, pace.next(now))
    now += stall
    deadlines = [pace.next(now) for _ in range(20)]
    assert deadlines[0] == now
    assert deadlines[-1] - deadlines[0] == pytest.approx(19 / (100.0 * MARGIN))


@given(st.floats(1.0, 500.0), st.lists(st.floats(0.0, 0.009), min_size=200, max_size=200))
def test_late_wake_ups_cost_no_rate(cps: float, lateness: list[float]) -> None:
    """A sleep that ends up to nine milliseconds late is made up for at once: the average stays."""
    pace, now = Pace(cps), 100.0
    for late in lateness:
        at = pace.next(now)
        if at > now:  # who need not sleep is not late
            now = at + late
    assert now - 100.0 <= (len(lateness) - 1) / (cps * MARGIN) + 0.009 + 1e-6


@given(st.floats(1.0, 300.0), st.lists(st.floats(0.0, 2.0), min_size=1, max_size=300))
def test_no_second_carries_more_than_the_contract(cps: float, waits: list[float]) -> None:
    """Calls sent when their deadline comes, at once when it is past: whole seconds hold the rate, with the margin for lateness."""
    pace, now = Pace(cps), 0.0
    sent = []
    for wait in waits:
        now = max(now + wait, pace.next(now + wait))
        sent.append(now)
    for at in sent:
        within = sum(at <= other < at + 1.0 for other in sent)
        assert within <= (1.0 + SLACK) * cps * MARGIN + 1


@given(rates, st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 0.2)), min_size=1, max_size=30))
def test_room_agrees_with_what_next_hands_out(cps: float, moments: list[tuple[float, float]]) -> None:
    pace, now = Pace(cps), 20.0
    for step, horizon in moments:
        now += step
        room = pace.room(now, horizon)
        peeked = pace.peek(now)
        for taken in range(room):
            at = pace.next(now)
            assert at <= now + horizon + 1e-6
            assert taken > 0 or at == peeked
        assert pace.peek(now) >= now + horizon - 1e-6


def test_looking_takes_nothing() -> None:
    pace = Pace(10.0)
    assert [pace.peek(5.0), pace.peek(5.0), pace.next(5.0)] == [5.0, 5.0, 5.0]
    assert pace.room(5.0, 0.0) == 0
    assert pace.room(5.0, 1.0) == pace.room(5.0, 1.0) == 9
