"""Rows of a lane in their order, one at a time; lanes independent of each other."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as some

from engine.hooks.lanes import LONGEST_WAIT, Lanes
from engine.store.hooks import Row


def row(number: int, lane: int, due_at: float = 0.0) -> Row:
    return Row(number, "call.ended", number, 0, lane, 0.0, b"", 0, 0, due_at)


def test_a_lane_waits_for_its_head() -> None:
    lanes = Lanes()
    first, second, other = row(1, 7), row(2, 7), row(3, 8)
    lanes.add([first, second, other], 0.0)
    assert [lanes.take(0.0), lanes.take(0.0), lanes.take(0.0)] == [first, other, None]
    first.due_at = 5.0
    lanes.again(first, 0.0)
    assert lanes.take(4.9) is None
    assert lanes.next_due() == 5.0
    assert lanes.take(5.0) is first
    lanes.done(first, 5.0)
    assert lanes.take(5.0) is second
    lanes.done(second, 5.0)
    lanes.done(other, 5.0)
    assert len(lanes) == 0
    assert repr(lanes) == "<Lanes rows=0 lanes=0 ready=0>"


def test_a_clock_that_was_set_back_holds_nobody_up_for_long() -> None:
    lanes = Lanes()
    lanes.add([row(1, 1, due_at=86400.0)], 0.0)
    assert lanes.next_due() == LONGEST_WAIT
    assert lanes.take(LONGEST_WAIT) is not None


def test_what_is_gone_makes_way() -> None:
    lanes = Lanes()
    rows = [row(1, 1), row(2, 1), row(3, 1), row(4, 2, due_at=9.0), row(5, 2), row(6, 3)]
    lanes.add(rows, 0.0)
    assert lanes.take(0.0) is rows[0]
    lanes.discard({2, 4, 6}, 0.0)
    assert len(lanes) == 3
    assert [lanes.take(0.0), lanes.take(0.0)] == [rows[4], None]
    lanes.done(rows[0], 0.0)
    assert lanes.take(0.0) is rows[2]
    assert lanes.next_due() is None


@given(
    some.lists(some.integers(0, 4), min_size=1, max_size=60),
    some.integers(0, 2**32),
    some.integers(1, 5),
    some.floats(0.0, 0.6),
)
def test_whatever_happens_each_lane_is_told_in_order_and_one_at_a_time(
    of_lane: list[int], seed: int, parallel: int, failing: float
) -> None:
    dice = random.Random(seed)
    lanes, now, last = Lanes(), 0.0, 0
    rows = [row(number, lane) for number, lane in enumerate(of_lane, 1)]
    out: list[Row] = []
    told: list[Row] = []
    gone: set[int] = set()
    while len(told) + len(gone) < len(rows):
        if last < len(rows) and dice.random() < 0.5:
            step = dice.randint(1, 5)
            lanes.add(rows[last : last + step], now)
            last += step
        if dice.random() < 0.1:
            dropped = {
                one.id for one in rows[:last] if one not in out and one not in told and dice.random() < 0.2
            }
            lanes.discard(dropped, now)
            gone |= dropped
        while len(out) < parallel and (taken := lanes.take(now)) is not None:
            assert taken.due_at <= now
            out.append(taken)
            assert len({one.lane for one in out}) == len(out)
        if out:
            one = out.pop(dice.randrange(len(out)))
            if dice.random() < failing:
                one.due_at = now + dice.random()
                lanes.again(one, now)
            else:
                lanes.done(one, now)
                told.append(one)
        now += 0.1
    assert len(lanes) == 0
    for lane in range(5):
        mine = [one.id for one in told if one.lane == lane]
        assert mine == sorted(mine)
    assert {one.id for one in told} | gone == {one.id for one in rows}
