"""The whole gate against the law as `oracle` has it: random people, instants, campaigns, histories, consents and lists.

Never may the gate allow what the oracle forbids. Where it refuses what the oracle allows, it must be for one of the few
reasons for which it is stricter on purpose; and where it says when to ask again, the oracle forbids the call until then.
`VOLLEY_SWEEP=1000000` asks so many questions, by `VOLLEY_SEED` others.
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
from tests.rules.oracle import HOUR, forbids, slow
from tests.rules.scene import Scene
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
    zones = {*one.person.zones, *(opening.place for opening in one.openings)} - {"callee"}
    return any(
        datetime.fromtimestamp(one.now - 3 * HOUR, ZoneInfo(name)).utcoffset()
        != datetime.fromtimestamp(one.now + 3 * HOUR, ZoneInfo(name)).utcoffset()
        for name in zones
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_allowed_that_the_law_forbids(part: int) -> None:
    dice = random.Random(f"sweep {SEED} {part}")
    agreed: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    reasons: Counter[Reason] = Counter()
    sentences: Counter[str] = Counter()
    waited = 0
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
        dated_ahead = (
            one.consent is not None and (one.consent.at or 0.0) > one.now
        )  # it begins to hold meanwhile
        if verdict.reason in WAITS and verdict.at is not None and not dated_ahead:
            later = replace(one, now=dice.uniform(one.now, verdict.at))
            assert forbids(later) or stricter(later, verdict), (verdict, later)
            waited += 1
    total = agreed.total() + beside.total()
    print(
        f"{total:,} questions: {dict(agreed)}, stricter {dict(beside)}; {len(sentences)} sentences; {waited:,} waits"
    )
    assert total == SWEEP // PARTS
    # The sweep would say nothing if it asked for one answer only.
    assert agreed["allowed"] > total / 50
    assert beside.total() < total / 20
    if SWEEP >= 20_000:
        assert len(sentences) > 60, sorted(sentences)
        assert set(sentences) >= RARE, RARE - set(sentences)
        assert set(reasons) >= ASKED_FOR, ASKED_FOR - set(reasons)


WAITS = frozenset(
    {
        Reason.CAMPAIGN_NOT_STARTED, Reason.NOT_BEFORE, Reason.GAP, Reason.TOO_OFTEN, Reason.TOO_SOON,
        Reason.OUTSIDE_HOURS, Reason.OUTSIDE_LAWFUL_HOURS,
    }
)  # fmt: skip
"""Refusals that end by themselves, at the instant that they name."""
RARE = frozenset(
    {
        "64.1200(a)(3)(v): one a day", "64.1200(a)(3)(v): three a week", "1-3-8: holiday", "asked for too often",
        "outside the campaign's windows", "not when they want to be called", "not yet", "it is of no use any more",
    }
)  # fmt: skip
"""Sentences that must have forbidden something, however seldom they are the first to."""
ASKED_FOR = frozenset(Reason) - {
    Reason.PLACE_UNCLEAR,
    Reason.ZONE_UNKNOWN,
    Reason.NO_TRUNK,
    Reason.NOBODY_FREE,
    Reason.QUIET_HOURS,
}
"""What the scenes lead to; the others are what a row or a setting says, not the law (`test_gate_law`, `test_gate`)."""
