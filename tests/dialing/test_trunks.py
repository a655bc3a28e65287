"""Trunks: free channels whose turn has come, and counts that come back to nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Settings
from engine.dialing.pacing import MARGIN
from engine.dialing.trunks import Trunk, Trunks
from tests.dialing.conftest import settings as SOME

IDS = {"a": (1, 1), "b": (2, 1)}


def usable(trunk: Trunk) -> bool:
    return True


def trunks(some_settings, **changes) -> Trunks:
    """Two trunks of 3 channels and 100 calls a second each; together 5 channels and 200 calls a second."""
    table = some_settings(max_channels=5, cps=200).model_dump()
    for name in ("a", "b"):
        table["trunk"][name] |= {"max_channels": 3, "cps": 100, **changes.get(name, {})}
    table["limits"] |= changes.get("limits", {})
    return Trunks(Settings.model_validate(table), IDS)


def names(found: Trunks, horizon: float = 1.0, most: int = 100, mono: float = 50.0, which=usable) -> str:
    return "".join(slot.trunk for slot in found.slots(mono, horizon, most, which))


def test_slots_are_spread_over_the_trunks(some_settings) -> None:
    assert sorted(names(trunks(some_settings))) == list("aaabb")
    assert sorted(names(trunks(some_settings, limits={"max_channels": 100}))) == list("aaabbb")
    assert sorted(names(trunks(some_settings), most=2)) == list("ab")


def test_slots_end_where_a_limit_does(some_settings) -> None:
    found = trunks(some_settings, limits={"max_channels": 100})
    assert names(found, which=lambda trunk: trunk.name == "b") == "bbb"
    assert names(found, which=lambda trunk: False) == ""
    for _ in range(2):
        found.take(found.by_name["a"])
    assert sorted(names(found)) == list("abbb")
    for _ in range(3):
        found.take(found.by_name["b"])
    assert names(found) == "a"
    assert repr(found.by_name["b"]) == "<Trunk b live=3/3 queued=3>"


def test_slots_are_those_whose_turn_comes_in_time(some_settings) -> None:
    found = trunks(
        some_settings, a={"max_channels": 100}, b={"max_channels": 100}, limits={"max_channels": 100}
    )
    interval = 1 / (100 * MARGIN)
    assert sorted(names(found, horizon=interval * 1.4)) == list("aab")
    found.take(found.by_name["a"])
    found.take(found.by_name["b"])
    assert len(names(found, horizon=interval * 1.4)) == 1  # what is queued has the next turns


def test_all_that_is_taken_is_given_back(some_settings) -> None:
    found = trunks(some_settings)
    a = found.by_name["a"]
    found.take(a)
    found.adopt(a)
    assert (found.live, found.queued, a.live, a.queued, a.free) == (2, 1, 2, 1, 1)
    found.left_queue(a)
    found.release(a)
    found.release(a)
    assert (found.live, found.queued, a.live, a.queued, a.free) == (0, 0, 0, 0, 3)


def test_the_next_turn(some_settings) -> None:
    found = trunks(some_settings, limits={"max_channels": 4})
    assert found.next_turn(50.0, usable) == 50.0
    found.by_name["a"].pace.next(50.0)
    found.pace.next(50.0)
    assert found.next_turn(50.0, usable) == pytest.approx(50.0 + 1 / (200 * MARGIN))
    found.by_name["b"].pace.next(50.0)
    assert found.next_turn(50.0, usable) == pytest.approx(50.0 + 1 / (100 * MARGIN))
    assert found.next_turn(50.0, lambda trunk: False) is None
    for _ in range(4):
        found.take(found.by_name["a"])
    assert found.next_turn(50.0, usable) is None


def test_a_trunk_that_left_the_settings_takes_no_new_calls(some_settings) -> None:
    found = trunks(some_settings)
    retired = found.find("gone", "lab")
    assert (retired.name, retired.pbx) == ("gone", "lab")
    found.adopt(retired)
    assert "gone" not in found.by_name
    found.release(retired)
    assert found.live == 0
    assert found.find("a", "lab") is found.by_name["a"]


def test_a_slot_dials_as_its_trunk_wants_it(some_settings) -> None:
    found = trunks(some_settings, a={"number_format": "E.164"}, b={"number_format": "prefix:9"})
    assert found.by_name["a"].slot.dial("+33199001001") == "33199001001"
    assert found.by_name["b"].slot.dial("+33199001001").startswith("9")


@pytest.mark.parametrize(
    ("trunk", "limit", "unheard"),
    [(1, 10, 2), (10, 10, 2), (120, 500, 6), (500, 120, 6), (500, 500, 25), (10_000, 10_000, 64)],
)
def test_what_is_unheard_fits_into_what_pacing_leaves(trunk: float, limit: float, unheard: int) -> None:
    table = {
        "limits": {"cps": limit},
        "pbx": {
            "lab": {"secret_env": "X", "sounds_dir": "/s"},
            "other": {"secret_env": "X", "sounds_dir": "/s"},
        },
        "trunk": {"a": {"pbx": "lab", "dial": "PJSIP/{number}@a", "cps": trunk}},
    }
    trunks = Trunks(Settings.model_validate(table), {"a": (1, 1)})
    assert trunks.unheard_limit("lab") == unheard
    assert trunks.unheard_limit("other") == 2


# -- who gets how much -------------------------------------------------------------------------------------------------


def shares(found: Trunks, calls: int, **usable_when: range) -> Counter[str]:
    """`calls` of the slots of one claim after another, each call over at once; a trunk is usable while the call's number is in
    its range."""
    counted: Counter[str] = Counter()
    for at in range(calls):
        here = {name for name, when in usable_when.items() if at not in when}
        slots = found.slots(float(at), 0.04, 100, lambda trunk, here=here: trunk.name not in here)
        trunk = found.by_name[slots[0].trunk]
        found.take(trunk)
        found.left_queue(trunk)
        found.release(trunk)
        counted[trunk.name] += 1
    return counted


@given(st.floats(0.1, 20.0), st.floats(0.1, 20.0))
def test_equals_share_by_weight(a: float, b: float) -> None:
    counted = shares(trunks(SOME, a={"weight": a}, b={"weight": b}), 400)
    assert counted["a"] / 400 == pytest.approx(a / (a + b), abs=0.01)


def test_who_was_away_does_not_get_everything_afterwards(some_settings) -> None:
    found = trunks(some_settings, a={"weight": 3.0})
    assert shares(found, 200, a=range(0), b=range(200)) == {"b": 200}
    counted = shares(found, 40)
    assert 28 <= counted["a"] <= 36, "a little of it is made up for"


def test_the_lower_tier_gets_what_the_upper_one_has_no_room_for(some_settings) -> None:
    found = trunks(some_settings, limits={"max_channels": 100}, a={"priority": 40}, b={"priority": 60})
    assert names(found) == "bbbaaa"
    for _ in range(2):
        found.take(found.by_name["b"])
    assert names(found) == "baaa"
    assert names(found, which=lambda trunk: trunk.name == "a") == "aaa"
    found.by_name["b"].drained = True
    assert names(found) == "aaa"


def test_an_open_breaker_and_a_probe(some_settings) -> None:
    found = trunks(some_settings, limits={"max_channels": 100}, a={"max_channels": 50}, b={"priority": 60})
    breaker = found.by_name["b"].breaker
    for number in range(5):
        breaker.failed(45.0 + number, number, "cause 34", False)
    assert set(names(found)) == {"a"}
    assert not found.ways(50.0, 1.0, 100, usable).by_trunk["b"].open
    breaker.turn(99.0)
    assert names(found, mono=99.0).count("b") == 1
    assert breaker.probe()
    assert set(names(found, mono=99.0)) == {"a"}
    assert found.next_turn(99.0, lambda trunk: trunk.name == "b") is None


@pytest.mark.parametrize(("cps", "share"), [(100.0, 1.0), (8.0, 0.8), (5.0, 0.5), (2.0, 0.2)])
def test_the_upper_tier_takes_all_that_its_rate_allows(some_settings, cps: float, share: float) -> None:
    """Ten calls a second in all: the turns of the one fall between those of all together, and it gets its part all the same."""
    found = trunks(
        some_settings, limits={"max_channels": 1000, "cps": 10}, a={"cps": cps, "max_channels": 1000, "priority": 90},
        b={"max_channels": 1000},
    )  # fmt: skip
    counted: Counter[str] = Counter()
    now = 100.0
    while counted.total() < 300:
        for slot in found.slots(now, 0.04, 100, usable):
            trunk = found.by_name[slot.trunk]
            found.take(trunk)
            at = max(trunk.pace.next(now), found.pace.next(now))
            found.left_queue(trunk)
            counted[trunk.name] += 1
            now = max(now, at - 0.001)
        now += 0.005
    assert counted["a"] / counted.total() == pytest.approx(share, abs=0.03)


def test_all_that_serve_are_offered_where_the_callee_decides(some_settings) -> None:
    found = trunks(some_settings, a={"areas": ["FR"], "price": 0.1}, b={"prices": {"+336": 0.01}})
    ways = found.ways(50.0, 1.0, 100, usable)
    assert (ways.routed, ways.room) == (True, 5)
    assert sorted(names(found)) == list("aaabbb"), "more than room, of which the claim takes five"
    assert ways.choice(["a", "b"], "+33612345678", "FR") == ["b", "a"]
    assert ways.choice(["a", "b"], "+33199001001", "FR") == ["a", "b"]
    assert ways.choice(["a", "b"], "+4930123456", "DE") == ["b"]


def test_a_range_has_room_for_so_many(some_settings) -> None:
    caps = {"+331": {"max_channels": 2}, "+336": {"cps": 10}}
    found = trunks(
        some_settings, limits={"prefix_caps": caps}, a={"prefix_caps": {"+33199": {"max_channels": 1}}}
    )
    assert [str(one) for one in found.ranges.of("a", "+33199001001")] == [
        "<Range all +331 live=0>", "<Range a +33199 live=0>",
    ]  # fmt: skip
    assert [one.prefix for one in found.ranges.of("b", "+33199001001")] == ["+331"]
    ways = found.ways(50.0, 0.04, 100, usable)
    both = ["a", "b"]
    assert ways.choice(both, "+33199001001", "FR") == both
    ways.take("a", "+33199001001")
    assert ways.choice(both, "+33199001002", "FR") == ["b"]
    ways.take("b", "+33199001002")
    assert ways.choice(both, "+33199001003", "FR") == []
    assert ways.choice(both, "+33612345678", "FR") == both
    ways.take("a", "+33612345678")
    assert ways.choice(both, "+33612345678", "FR") == [], "its next turn is a tenth of a second away"
