"""The whole gate against the law as `oracle` has it: random people, instants, campaigns, histories, consents and lists.

Never may the gate allow what the oracle forbids. Where it refuses what the oracle allows, it must be for one of the few
reasons for which it is stricter on purpose. `VOLLEY_SWEEP=1000000` asks so many questions, by `VOLLEY_SEED` others.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from engine.rules.gate import Reason, Verdict, decide
from tests.rules.book.test_oracle import rests_somewhere_in_spain
from tests.rules.oracle import HOUR, Scene, forbids, slow
from tests.rules.scenes import History, campaign, candidate, scene

SWEEP = int(os.environ.get("VOLLEY_SWEEP", "40000"))
SEED = os.environ.get("VOLLEY_SEED", "1")
PARTS = 4


CLOSED = (Reason.OUTSIDE_LAWFUL_HOURS, Reason.EXPIRED, Reason.CAMPAIGN_OVER)
"""What a closed hour leads to: a wait, or the end, where the next opening comes too late."""


def stricter(one: Scene, verdict: Verdict) -> str:
    """Why the gate refuses what the law of the place where this person truly is allows; empty when it has no business to."""
    place = verdict.ground.place
    if place is not None and forbids(one, place.zones, place.subdivisions or (one.person.lives_in,)):
        return "another place is possible"  # a state with two clocks, a number of one state and an address in another
    if (verdict.reason in CLOSED and one.person.region == "FR" and not one.person.lives_in) and forbids(
        replace(one, person=replace(one.person, lives_in="67"))
    ):
        return "a holiday of Alsace"
    if (
        verdict.reason in CLOSED
        and one.person.region == "ES"
        and rests_somewhere_in_spain(datetime.fromtimestamp(one.now, ZoneInfo(one.person.home)).date())
    ):
        return "a holiday of a community"
    if _clock_changes(one):
        return "the clock changes"
    return ""


def _clock_changes(one: Scene) -> bool:
    shown = {
        datetime.fromtimestamp(one.now + hours * HOUR, ZoneInfo(name)).utcoffset()
        for name in one.person.zones
        for hours in (-3, 0, 3)
    }
    return len(shown) > len(one.person.zones)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_allowed_that_the_law_forbids(part: int) -> None:
    dice = random.Random(f"sweep {SEED} {part}")
    agreed: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    reasons: Counter[Reason] = Counter()
    sentences: Counter[str] = Counter()
    for _ in range(SWEEP // PARTS):
        one = scene(dice)
        verdict = decide(campaign(one), candidate(one), History(one), one.now, (one.trunk,))
        sentence = forbids(one)
        reasons[verdict.reason] += 1
        sentences[sentence] += 1
        if verdict.allowed:
            assert not sentence, (sentence, one)
            assert verdict.caller_id in {own.number for own in one.shown}, one
            assert verdict.slow == slow(one), one
            agreed["allowed"] += 1
        elif sentence:
            agreed["forbidden"] += 1
        else:
            why = stricter(one, verdict)
            assert why, (verdict, one)
            beside[why] += 1
    total = agreed.total() + beside.total()
    print(f"{total:,} questions: {dict(agreed)}, stricter {dict(beside)}; {len(sentences)} sentences")
    assert total == SWEEP // PARTS
    # The sweep would say nothing if it asked for one answer only.
    assert agreed["allowed"] > total / 50
    assert beside.total() < total / 20
    if SWEEP >= 20_000:
        assert len(sentences) > 60, sorted(sentences)
        assert set(reasons) >= ASKED_FOR, ASKED_FOR - set(reasons)


ASKED_FOR = frozenset(Reason) - {
    Reason.PLACE_UNCLEAR,
    Reason.ZONE_UNKNOWN,
    Reason.DAY_CAP,
    Reason.OUTSIDE_HOURS,
    Reason.NEVER_OPEN,
}
"""What the scenes lead to; the others are what a row or a setting says, not the law (`test_gate_law`, `test_gate`)."""
