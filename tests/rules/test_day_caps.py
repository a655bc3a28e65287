"""What a campaign may call and spend on a day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.rules.day_caps import day_cap
from engine.rules.gate import Used, decide
from tests.rules.past import Blank
from tests.rules.test_gate_law import FRENCH, RULES, TUESDAY, at

MIDNIGHT = at("2026-11-25T00:00+00:00")
BOTH = {"a": 0.5, "b": 0.2}

# What the campaign has, what it has used, the trunk, when it may go on.
TABLE: list[tuple[dict[str, Any], Used, str, float | None]] = [
    ({}, Used(10**6, 1e9, 1e9), "a", None),
    ({"calls_a_day": 5}, Used(4, 1e9, 1e9), "a", None),
    ({"calls_a_day": 5}, Used(5), "a", MIDNIGHT),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(), "a", None),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(9, 0.5), "a", None),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(9, 0.2, 0.3), "a", None),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(9, 0.2, 0.4), "a", TUESDAY + 5),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(9, 0.2, 0.4), "b", None),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(9, 0.6), "a", TUESDAY + 5),  # the other trunk could do it
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(9, 0.81), "b", MIDNIGHT),
    ({"cost_a_day": 0.3, "most_per_call": {"a": 0.1}}, Used(2, 0.1 + 0.1), "a", None),  # to the cent, whatever floats make of it
    ({"cost_a_day": 1.0, "most_per_call": {"a": 0.0}}, Used(9, 0.0), "a", None),
    ({"cost_a_day": 1.0, "most_per_call": BOTH}, Used(), "c", TUESDAY + 5),  # no price is known
    ({"cost_a_day": 1.0}, Used(), "", MIDNIGHT),
]  # fmt: skip


@pytest.mark.parametrize(("campaign", "used", "trunk", "again"), TABLE)
def test_table(campaign: dict[str, Any], used: Used, trunk: str, again: float | None) -> None:
    found = day_cap(replace(RULES, **campaign), used, trunk, TUESDAY)
    assert (None if found is None else found[0]) == again
    assert found is None or len(found[1]) > 20


def test_the_cheapest_trunk_is_taken_where_costs_are_capped() -> None:
    capped = replace(RULES, cost_a_day=1.0, most_per_call=BOTH)
    assert decide(capped, FRENCH, Blank(), TUESDAY, ("a", "b")).trunk == "b"
    assert decide(replace(capped, cost_a_day=None), FRENCH, Blank(), TUESDAY, ("a", "b")).trunk == "a"
