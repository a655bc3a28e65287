"""Trunks: free channels whose turn has come, and counts that come back to nothing."""

from __future__ import annotations

import pytest

from engine.config import Settings
from engine.dialing.pacing import MARGIN
from engine.dialing.trunks import Trunk, Trunks

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
