"""Callbacks in the books: what a promise keeps of the call in which it was asked for, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time

import pytest

from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.gate import Reason
from engine.rules.hours import Hours, Window
from engine.store import campaigns, claims, promising, recovery
from engine.store.claimed import ClaimResult

OURS = [CallerId(f"+3316200000{at}", date(2026, 1, 1)) for at in range(1, 9)]
DAY = 86_400.0


@pytest.fixture
def asked(books, person):
    """A contact who asked for a callback in ten minutes that begins at the node `agent`."""
    campaign = books.campaign("spring", person(1), caller_ids=CallerIds(OURS))
    claim = books.claim_one(campaign)
    books.finish(
        claim, "ANSWERED_HUMAN", next_at=books.now + 600, next_callback=True, callback_start="agent", result="call_back"
    )  # fmt: skip
    books.now += 600
    return campaign, claim


def show(books, campaign: int, ours: list[CallerId]) -> None:
    """From now on these are the campaign's numbers."""
    books.rules[campaign] = replace(books.rules[campaign], caller_ids=CallerIds(ours))


def states(books) -> list[str]:
    return books.rows("SELECT state FROM callbacks ORDER BY id")


# -- what is kept of it ------------------------------------------------------------------------------------------------


def test_a_promise_knows_where_it_begins_and_what_was_shown(books, asked) -> None:
    campaign, claim = asked
    assert books.rows("SELECT attempt_id, due_at, start, caller_id, state FROM callbacks") == [
        (claim.attempt, books.now, "agent", claim.caller_id, "due")
    ]
    kept = books.claim_one(campaign)
    assert (kept.kind, kept.start, kept.caller_id) == ("callback", "agent", claim.caller_id)
    assert books.unit(recovery.open_attempts, "lab") == [kept], "a restarted engine has the same claim"


@pytest.mark.parametrize("shown", [one.number for one in OURS])
def test_whatever_was_shown_is_shown_again(books, person, shown: str) -> None:
    """Also where another one of ours would be chosen today: the trunk's numbers were others then."""
    [then] = [one for one in OURS if one.number == shown]
    campaign = books.campaign("spring", person(1), caller_ids=CallerIds([then]))
    books.finish(books.claim_one(campaign), "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    show(books, campaign, OURS)
    assert books.claim_one(campaign).caller_id == shown


def test_but_not_a_number_that_may_not_be_shown_any_more(books, asked) -> None:
    campaign, claim = asked
    others = [one for one in OURS if one.number != claim.caller_id]
    old = CallerId(claim.caller_id, date(2020, 1, 1))
    for ours in ([old, *others], others):
        show(books, campaign, ours)
        kept = books.claim_one(campaign)
        assert kept.caller_id in {one.number for one in others}
        books.finish(kept, "NOT_SENT", next_at=books.now)


def test_only_a_promise_binds_the_number(books, person) -> None:
    """A retry shows what fits, as every call."""
    campaign = books.campaign("spring", person(1), caller_ids=CallerIds(OURS[:1]))
    books.finish(books.claim_one(campaign), "BUSY", next_at=books.now + 60)
    books.now += 60
    show(books, campaign, OURS[1:2])
    retry = books.claim_one(campaign)
    assert (retry.kind, retry.caller_id, retry.start) == ("retry", OURS[1].number, "")


def test_a_promise_without_a_node_begins_as_any_call(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.finish(books.claim_one(campaign), "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    assert books.claim_one(campaign).start == ""


def test_a_promise_made_in_a_callback_has_a_node_of_its_own(books, asked) -> None:
    campaign, _ = asked
    books.finish(
        books.claim_one(campaign),
        "ANSWERED_HUMAN",
        next_at=books.now,
        next_callback=True,
        callback_start="when",
    )
    again = books.claim_one(campaign)
    assert (again.start, again.callbacks) == ("when", 1)
    assert books.rows("SELECT start, state FROM callbacks ORDER BY id") == [
        ("agent", "kept"),
        ("when", "due"),
    ]


def test_a_promise_waits_for_somebody_to_be_free(books, person) -> None:
    """As many as find a place there are called; a first call beside them needs none."""
    people = [person(at) for at in (1, 2, 3, 4)]
    campaign = books.campaign("spring", *people)
    for claim in books.claim(campaign, slots="aaa").claims:
        books.finish(claim, "ANSWERED_HUMAN", next_at=books.now, next_callback=True, callback_start="agent")
    busy = replace(books.claimant(campaign), start_room={"agent": 1})

    def claimed() -> ClaimResult:
        found = books.unit(
            claims.claim,
            claimants=[busy],
            slots=[books.slots["a"]] * 5,
            last_attempt=books.last,
            now=books.now,
        )
        books.last = max([books.last, *(claim.attempt for claim in found.claims)])
        return found

    found = claimed()
    assert sorted(claim.start for claim in found.claims) == ["", "agent"]
    assert [(one.verdict.reason, one.verdict.at) for one in found.refusals] == [
        ("nobody_free", books.now + 5)
    ] * 2
    assert claimed().claims == ()
    books.now += 5
    assert [claim.start for claim in claimed().claims] == ["agent"]
    assert states(books).count("due") == 3, "none is missed for it"


def test_a_retry_of_a_callback_begins_where_it_was_promised(books, asked) -> None:
    campaign, claim = asked
    books.finish(books.claim_one(campaign), "BUSY", next_at=books.now + 60)
    books.now += 60
    again = books.claim_one(campaign)
    assert (again.start, again.caller_id) == ("agent", claim.caller_id)


# -- what goes with a claim --------------------------------------------------------------------------------------------


def test_spoken_fields_and_zones_go_with_the_claim(books, person, phone) -> None:
    spoken = {"DUE": "1798113600", "SUM": "12-50-eur"}
    contacts = [
        person(1, spoken=spoken, timezone="Asia/Tokyo"),
        person(2, phone(2, ("America/New_York", "America/Chicago"))),
        person(3, phone(3, ())),
    ]
    campaign = books.campaign("spring", *contacts)
    first, second = books.claim(campaign).claims
    assert (json.loads(first.spoken), first.zones) == (spoken, ("Asia/Tokyo",))
    assert (second.spoken, second.zones) == ("{}", ("America/New_York", "America/Chicago"))
    assert books.unit(recovery.open_attempts, "lab") == [first, second]
    assert books.rows("SELECT verdict FROM contacts WHERE row = 3") == ["zone_unknown"]


# -- when it will be ---------------------------------------------------------------------------------------------------


def told(books, campaign: int, contact: int, at: float) -> float | None:
    return books.unit(
        promising.promise, contact_id=contact, rules=books.rules[campaign], at=at, now=books.now
    )


def test_the_hours_are_the_contact_s_too(books, person) -> None:
    """NOW is 4:30 in Paris; a window from 9 to 17 there."""
    hours = Hours([Window(start=time(9), end=time(17))])
    campaign = books.campaign(
        "spring", person(1), person(2, call_from=time(11)), person(3, timezone="Europe/London"), hours=hours
    )
    nine = hours.next_open(books.now, ("Europe/Paris",))
    assert [told(books, campaign, contact, books.now) for contact in (1, 2, 3)] == [
        nine,
        nine + 2 * 3600,
        nine + 3600,
    ], "nine in London as well as in Paris, where the number is"
    assert told(books, campaign, 1, nine + 1800) == nine + 1800


def test_what_cannot_be_promised(books, person, phone) -> None:
    campaign = books.campaign(
        "spring", person(1), person(2, phone(2, ())), end=books.now + 60, callbacks_after_end=DAY
    )
    assert told(books, campaign, 1, books.now + DAY) == books.now + DAY
    assert told(books, campaign, 1, books.now + DAY + 60) is None
    assert told(books, campaign, 2, books.now) is None, "nobody knows how late it is there"
    assert told(books, campaign, 77, books.now) is None


# -- how it ends -------------------------------------------------------------------------------------------------------


def test_answered_it_is_kept_and_nothing_is_missed(books, asked) -> None:
    campaign, _ = asked
    assert not books.finish(books.claim_one(campaign), "ANSWERED_HUMAN").missed
    assert states(books) == ["kept"]


@pytest.mark.parametrize("disposition", ["BUSY", "NO_ANSWER", "INVALID_NUMBER", "UNKNOWN", "FAILED"])
def test_unanswered_for_the_last_time_it_is_missed(books, asked, disposition: str) -> None:
    campaign, _ = asked
    first = books.finish(books.claim_one(campaign), "BUSY", next_at=books.now)
    assert (first.missed, states(books)) == (False, ["due"])
    last = books.finish(books.claim_one(campaign), disposition)
    assert (last.contact_done, last.missed, states(books)) == (True, True, ["missed"])


def test_told_twice_it_is_missed_once(books, asked) -> None:
    campaign, _ = asked
    claim = books.claim_one(campaign)
    assert [books.finish(claim, "BUSY").missed for _ in range(2)] == [True, False]


def test_taken_back_while_it_rang_it_is_withdrawn(books, asked, phone) -> None:
    """The person said never again elsewhere: the ringing call is hung up."""
    campaign, _ = asked
    claim = books.claim_one(campaign)
    books.suppress(phone(1))
    stored = books.finish(claim, "CANCELLED")
    assert (stored.contact_done, stored.missed, states(books)) == (True, False, ["withdrawn"])


def test_in_a_cancelled_campaign_it_is_withdrawn(books, asked) -> None:
    campaign, _ = asked
    claim = books.claim_one(campaign)
    books.unit(campaigns.set_state, campaign, "cancelled", books.now)
    stored = books.finish(claim, "BUSY", next_at=books.now + 60)
    assert (stored.missed, states(books)) == (False, ["withdrawn"])


def test_who_said_never_again_misses_nothing(books, asked, phone) -> None:
    campaign, _ = asked
    books.suppress(phone(1))
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.missed, states(books)) == (
        Reason.SUPPRESSED,
        False,
        ["withdrawn"],
    )


def test_where_the_gate_says_never_it_is_missed(books, asked) -> None:
    campaign, _ = asked
    books.rules[campaign] = replace(
        books.rules[campaign], hours=Hours([Window(days=(), start=time(9), end=time(10))])
    )
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.missed, states(books)) == (Reason.NEVER_OPEN, True, ["missed"])


def test_a_refusal_without_a_promise_misses_nothing(books, person) -> None:
    campaign = books.campaign("spring", person(1), end=books.now)
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.missed) == (Reason.CAMPAIGN_OVER, False)


def test_a_refusal_for_now_leaves_the_promise_due(books, asked) -> None:
    campaign, _ = asked
    show(books, campaign, [])
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.missed, states(books)) == (Reason.NO_CALLER_ID, False, ["due"])


# -- after the campaign's end ------------------------------------------------------------------------------------------


def test_who_was_promised_nothing_is_closed_first(books, person) -> None:
    campaign = books.campaign("spring", *(person(row) for row in range(1, 7)))
    asking = books.claim(campaign, slots="aa").claims
    for claim in asking:
        books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + DAY, next_callback=True)
    assert books.unit(campaigns.open_promises, campaign_id=campaign) == 2

    def close(promises: bool) -> int:
        return books.unit(
            campaigns.close_pending, campaign_id=campaign, disposition="EXPIRED", reason="campaign_over",
            promises=promises, limit=3,
        )  # fmt: skip

    assert [close(promises=False) for _ in range(3)] == [3, 1, 0]
    assert (states(books), books.one("SELECT open_contacts FROM campaigns")) == (["due", "due"], 2)
    assert not books.unit(campaigns.complete, campaign, books.now)
    assert [close(promises=True) for _ in range(2)] == [2, 0]
    assert states(books) == ["missed", "missed"]
    assert books.unit(campaigns.open_promises, campaign_id=campaign) == 0
    assert books.unit(campaigns.complete, campaign, books.now)


def test_promises_of_one_campaign_are_not_another_s(books, asked, person) -> None:
    other = books.campaign("other", person(2))
    assert books.unit(campaigns.open_promises, campaign_id=other) == 0
    assert books.unit(campaigns.open_promises, campaign_id=asked[0]) == 1
