"""What somebody who asks for a callback is told: when it will really be, by all hours that hold for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given, settings

from engine.rules.gate import CampaignRules, Candidate, Reason, Verdict, place_and_rules, promise
from engine.rules.hours import Hours, Window
from tests.rules import test_gate_law as law
from tests.rules.test_gate import (
    CONTACT,
    DAY,
    HOUR,
    NEVER_HOURS,
    NOON,
    RULES,
    campaigns,
    candidates,
    decide,
    instants,
)


def told(campaign: CampaignRules, contact: Candidate, at: float) -> float | None:
    found = place_and_rules(campaign, contact, NOON)
    assert not isinstance(found, Verdict)
    return promise(campaign, contact, *found, at)


# what is otherwise than in `test_gate` (an office, Monday to Friday from 9 to 17, asked on a Wednesday at noon)
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], float, float | None]] = [
    ("within the hours", {}, {}, NOON + HOUR, NOON + HOUR),
    ("after the hours", {}, {}, NOON + 6 * HOUR, NOON + 21 * HOUR),
    ("at their end", {}, {}, NOON + 5 * HOUR, NOON + 21 * HOUR),
    ("at the weekend", {"end": None}, {}, NOON + 3 * DAY, NOON + 5 * DAY - 3 * HOUR),
    ("the contact's own hours", {}, {"call_from": time(15)}, NOON + HOUR, NOON + 3 * HOUR),
    ("the contact's hours and ours never meet", {}, {"call_from": time(20), "call_to": time(22)}, NOON + HOUR, None),
    ("asleep where they may be too", {}, {"zones": ("Europe/Paris", "Asia/Tokyo")}, NOON, NOON + 21 * HOUR),
    ("nothing is ever open", {"hours": NEVER_HOURS}, {}, NOON, None),
    ("after the end", {"end": NOON + HOUR, "callbacks_after_end": DAY}, {}, NOON + 2 * HOUR, NOON + 2 * HOUR),
    ("after the end, and nothing outlasts it", {"end": NOON + HOUR}, {}, NOON + 2 * HOUR, None),
    ("when promises are over", {"end": NOON, "callbacks_after_end": 21 * HOUR}, {}, NOON + 6 * HOUR, None),
    ("a second before", {"end": NOON, "callbacks_after_end": 21 * HOUR + 1}, {}, NOON + 6 * HOUR, NOON + 21 * HOUR),
    ("the contact expires before", {}, {"expires": NOON + HOUR}, NOON + HOUR, None),
    ("and after", {}, {"expires": NOON + HOUR + 1}, NOON + HOUR, NOON + HOUR),
]  # fmt: skip


@pytest.mark.parametrize(
    ("campaign", "contact", "at", "then"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_table(campaign: dict[str, Any], contact: dict[str, Any], at: float, then: float | None) -> None:
    assert told(replace(RULES, **campaign), replace(CONTACT, callback=True, **contact), at) == then


def test_the_hours_of_the_law_are_among_them() -> None:
    """Advertising in France: no lunch, no evening, no weekend, no holiday."""
    rules = replace(law.RULES, **law.MARKETING)

    def then(asked: str) -> str | None:
        found = place_and_rules(rules, law.FRENCH, law.TUESDAY)
        assert not isinstance(found, Verdict)
        at = promise(rules, law.FRENCH, *found, datetime.fromisoformat(asked).timestamp())
        return (
            None
            if at is None
            else datetime.fromtimestamp(at, datetime.fromisoformat(asked).tzinfo).isoformat()
        )

    assert then("2026-11-24T11:00+01:00") == "2026-11-24T11:00:00+01:00"
    assert then("2026-11-24T13:10+01:00") == "2026-11-24T14:00:00+01:00"
    assert then("2026-11-24T20:10+01:00") == "2026-11-25T10:00:00+01:00"
    assert then("2026-12-25T11:00+01:00") == "2026-12-28T10:00:00+01:00"


IN_TIME = (Reason.ALLOWED, Reason.LINE_IN_USE, Reason.BUDGET_SPENT)
"""What the gate may say at an instant that was promised: the line may be busy, and the callbacks used up."""


@settings(max_examples=200)
@given(campaigns, candidates, instants)
def test_what_is_promised_can_be_kept(campaign: CampaignRules, contact: Candidate, at: float) -> None:
    """Nothing that has to do with time speaks against it then, and nothing earlier was possible."""
    campaign = replace(campaign, running=True, caller_ids=RULES.caller_ids, start=NOON - 2 * DAY)
    contact = replace(contact, suppressed=False, callback=True, not_before=None)
    if isinstance(place_and_rules(campaign, contact, at), Verdict):
        return
    then = told(campaign, contact, at)
    if then is not None:
        assert then >= at
        assert decide(campaign, contact, then).reason in IN_TIME
    moment, last = at, at + 9 * DAY if then is None else then
    while moment < last:
        assert decide(campaign, contact, moment).reason not in (Reason.ALLOWED, Reason.LINE_IN_USE)
        moment = (moment // 900 + 1) * 900


def test_a_window_of_another_zone() -> None:
    tokyo = Hours([Window(start=time(9), end=time(10), timezone="Asia/Tokyo")])
    assert told(replace(RULES, hours=tokyo), replace(CONTACT, callback=True), NOON) == NOON + 14 * HOUR
