"""Figures of the benchmark: what counts as a call, what makes a leg worthless, how pairs are compared."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.callee import Arrivals, read
from bench.leg import Leg, order, problems, summary


def leg(caller: str, pair: int, rate: float, pbx: float | None = 2.0) -> Leg:
    return Leg(caller, pair, 10, 10, rate, 10, 1.0, 0.1, pbx, 0.2)


def test_the_log_of_the_callee() -> None:
    found = read(["1000 +33199000001\n", "", "1500 +33199000002", "2000 +33199000003"])
    assert found == Arrivals((1000, 1500, 2000), ("+33199000001", "+33199000002", "+33199000003"))
    assert found.rate == 2.0
    assert found.busiest_second == 2


@pytest.mark.parametrize("moments", [(), (5,), (5, 5)])
def test_no_rate_without_a_span(moments: tuple[int, ...]) -> None:
    assert Arrivals(moments, tuple("n" for _ in moments)).rate == 0.0


@given(st.lists(st.integers(0, 5000), max_size=60))
def test_busiest_second_is_that_of_a_plain_count(moments: list[int]) -> None:
    found = Arrivals(tuple(moments), tuple("n" for _ in moments)).busiest_second
    assert found == max((sum(start <= at < start + 1000 for at in moments) for start in moments), default=0)


def test_every_number_once_is_no_problem() -> None:
    assert problems(["a", "b"], Arrivals((1, 2), ("b", "a"))) == ()


def test_what_makes_a_leg_worthless() -> None:
    assert problems(["a", "b", "c"], Arrivals((1, 2, 3, 4), ("a", "a", "c", "x"))) == (
        "1 numbers not called, the first b",
        "1 numbers called more than once, the first a",
        "1 numbers called and not wanted, the first x",
    )


def test_ratio_is_the_median_of_the_ratios_within_pairs() -> None:
    legs = [leg("bare", 0, 100), leg("volley", 0, 90), leg("bare", 1, 1000), leg("volley", 1, 1000)]
    legs += [leg("volley", 2, 50), leg("bare", 2, 100)]
    one = summary(legs, "volley")
    assert one.ratio == 0.9
    assert (one.legs, one.rate, one.lowest, one.highest) == (3, 90, 50, 1000)
    assert summary(legs, "bare").ratio == 1.0


def test_what_is_not_known_stays_so() -> None:
    one = summary([leg("volley", 0, 90, pbx=None)], "volley")
    assert one.ratio is None
    assert one.pbx is None
    with pytest.raises(ValueError, match="no leg of bare"):
        summary([leg("volley", 0, 90)], "bare")


def test_each_caller_has_each_place_equally_often() -> None:
    callers = ["volley", "bare", "plainest"]
    turns = [order(callers, pair) for pair in range(6)]
    for place in range(3):
        assert Counter(turn[place] for turn in turns) == dict.fromkeys(callers, 2)
