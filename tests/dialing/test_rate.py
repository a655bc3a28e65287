"""The part of its rate that a trunk is given: down on congestion, up again, and never above the contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.pacing import MARGIN, SLACK, Pace
from engine.dialing.rate import FLOOR, RAMP_FROM, RECOVERY, SLOW, SLOW_CUT, Rate


def test_it_begins_whole() -> None:
    assert Rate(0.0).part(5.0) == 1.0


@pytest.mark.parametrize(
    ("ends", "part"),
    [
        ("++++++++++", 1.0),
        ("----------", 0.5),
        ("+++++-----", 0.75),
        ("+++++++++-", 0.95),
        ("+++++++++++++++++++++++++++++++++++++++-", 1.0),  # 2.5 %: every trunk has that
        ("---", 1.0),  # too few to tell
    ],
)
def test_half_of_the_share_that_is_refused_is_taken_off(ends: str, part: float) -> None:
    rate = Rate(0.0)
    rate.ended(9.9, congested=False)
    for sign in ends[:-1]:
        rate.ended(10.0, congested=sign == "-")
    rate.ended(11.0, congested=ends[-1] == "-")
    assert rate.part(11.0) == pytest.approx(part, abs=0.06)


def test_it_sinks_to_the_floor_and_comes_back() -> None:
    rate, now = Rate(0.0), 100.0
    for _ in range(200):
        now += 0.1
        rate.ended(now, congested=True)
    assert FLOOR <= rate.part(now) <= FLOOR + 0.1
    sunk = rate.part(now)
    assert rate.part(now + 4.0) == pytest.approx(sunk + 4 * RECOVERY)
    assert rate.part(now + 60.0) == 1.0


def test_slow_acknowledgements_take_a_quarter_off_once_a_second() -> None:
    rate = Rate(0.0)
    rate.acknowledged(10.0, SLOW)
    assert rate.part(10.0) == 1.0
    for _ in range(5):
        rate.acknowledged(10.0, SLOW + 0.1)
    assert rate.part(10.0) == SLOW_CUT
    rate.acknowledged(11.0, SLOW + 0.1)
    assert rate.part(11.0) == pytest.approx((SLOW_CUT + RECOVERY) * SLOW_CUT)


def test_it_grows_from_a_tenth_at_the_first_call_and_after_it_was_away() -> None:
    rate = Rate(10.0)
    assert [rate.part(5.0), rate.part(50.0)] == [RAMP_FROM, RAMP_FROM]  # nothing was sent yet
    rate.called(50.0)
    rate.called(53.0)
    assert [rate.part(50.0), rate.part(55.0), rate.part(60.0), rate.part(99.0)] == pytest.approx(
        [0.1, 0.55, 1.0, 1.0]
    )
    rate.begin()
    assert rate.part(99.0) == RAMP_FROM


moments = st.lists(
    st.tuples(st.floats(0.0, 2.0), st.sampled_from(["send", "good", "bad", "slow", "away"])),
    min_size=1,
    max_size=200,
)


@given(st.floats(1.0, 300.0), st.sampled_from([0.0, 5.0, 30.0]), moments)
def test_whatever_happens_no_second_carries_more_than_the_contract(
    cps: float, ramp_up: float, story: list[tuple[float, str]]
) -> None:
    rate, pace, now = Rate(ramp_up), Pace(cps), 0.0
    sent = []
    for wait, what in story:
        now += wait
        assert FLOOR <= rate.part(now) <= 1.0
        if what == "send":
            rate.called(now)
            pace.slow_to(rate.part(now))
            now = max(now, pace.next(now))
            sent.append(now)
        elif what == "away":
            rate.begin()
        elif what == "slow":
            rate.acknowledged(now, 3.0)
        else:
            rate.ended(now, congested=what == "bad")
    for at in sent:
        within = sum(at <= other < at + 1.0 for other in sent)
        assert within <= (1.0 + SLACK) * cps * MARGIN + 1


@given(st.floats(5.0, 100.0))
def test_a_ramp_sends_less_at_first_and_all_of_it_later(cps: float) -> None:
    rate, pace, now = Rate(10.0), Pace(cps), 100.0
    sent = []
    while now < 120.0:
        rate.called(now)
        pace.slow_to(rate.part(now))
        now = max(now, pace.next(now))
        sent.append(now)
        now += 0.0001
    first = sum(at < 102.0 for at in sent)
    last = sum(114.0 <= at < 116.0 for at in sent)
    assert first <= 2 * cps * 0.3 + 2
    assert last == pytest.approx(2 * cps * MARGIN, abs=2)
