"""Claims: the gate within the transaction, the order, one live call a number, and what a refusal leaves behind."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from engine.channel import channel_id, created_at
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.hours import Hours, Window
from engine.store import campaigns, claims, closing, loading
from engine.store.claims import SCAN_LIMIT

HOUR = 3600.0


def test_a_due_contact_becomes_a_durable_attempt(books, person, phone) -> None:
    campaign = books.campaign(
        "spring", person(1, external_id="anna", language="fr", timezone="Europe/London")
    )
    found = books.claim(campaign)
    [claim] = found.claims
    assert found.refusals == ()
    assert found.exhausted == {campaign: None}
    assert claim.e164 == claim.dialed == phone(1).e164
    assert (claim.kind, claim.position, claim.numbers, claim.attempts, claim.tries) == ("first", 0, 1, 0, {})
    assert (claim.caller_id, claim.trunk, claim.language, claim.fields) == ("+33162000001", "a", "fr", "{}")
    assert claim.created_at == books.now == pytest.approx(created_at(claim.attempt))
    assert books.rows(
        "SELECT id, contact_id, kind, dialed, caller_id, created_at, disposition FROM attempts"
    ) == [(claim.attempt, claim.contact_id, "first", claim.dialed, "+33162000001", books.now, None)]
    assert books.rows("SELECT reason, attempt_id, zones, not_before FROM decisions") == [
        ("allowed", claim.attempt, "Europe/Paris,Europe/London", None)
    ]
    assert books.contact(claim.contact_id)["state"] == "in_call"
    assert books.claim(campaign).claims == ()


def test_ids_grow_whatever_the_clock_does(books, person) -> None:
    campaign = books.campaign("spring", *(person(row) for row in range(1, 9)), due_at=0.0)
    ids = [claim.attempt for claim in books.claim(campaign, slots="aaa").claims]
    books.now -= 100 * HOUR
    books.rules[campaign] = replace(books.rules[campaign], start=0.0)
    ids += [claim.attempt for claim in books.claim(campaign, slots="aaa").claims]
    assert ids == sorted(set(ids))
    assert len({channel_id(one) for one in ids}) == 6


def test_campaigns_in_the_order_given_and_contacts_by_when_they_are_due(books, person) -> None:
    late = person(1, external_id="late")
    early = person(2, external_id="early")
    first = books.campaign("first", late, due_at=books.now - 5)
    books.add("job-first", first, early, due_at=books.now - 10)
    second = books.campaign("second", person(3), person(4), due_at=books.now - 100)
    found = books.claim(second, first, slots="aaa")
    assert [(claim.campaign_id, claim.e164[-2:]) for claim in found.claims] == [
        (second, "03"),
        (second, "04"),
        (first, "02"),
    ]
    assert books.claim(first, slots="a").claims[0].e164.endswith("01")


def test_open_campaigns_come_by_priority(books, person) -> None:
    low = books.campaign("low", person(1), priority=10)
    high = books.campaign("high", person(2), priority=90)
    assert [row.id for row in books.unit(campaigns.open_campaigns)] == [high, low]


def test_room_trunks_and_slots_bound_a_claim(books, person) -> None:
    campaign = books.campaign("spring", *(person(row) for row in range(1, 21)))
    assert len(books.claim(campaign, slots="aaaa", room=3).claims) == 3
    assert len(books.claim(campaign, slots="aa", room=10).claims) == 2
    only_b = books.unit(
        claims.claim,
        [books.claimant(campaign, trunks="b")],
        [books.slots[name] for name in "aab"],
        books.last,
        books.now,
    )
    assert [claim.trunk for claim in only_b.claims] == ["b"]
    assert only_b.exhausted == {}
    none = books.unit(
        claims.claim, [books.claimant(campaign, trunks="b")], [books.slots["a"]], books.last, books.now
    )
    assert none.claims == ()
    assert none.exhausted == {}


def test_one_call_to_a_number_across_contacts_and_campaigns(books, person, phone) -> None:
    one = books.campaign("one", person(1, phone(7)), person(2, phone(7)), person(3, phone(8)))
    two = books.campaign("two", person(1, phone(7)))
    found = books.claim(one, two, slots="aaaaaa")
    assert sorted(claim.e164[-2:] for claim in found.claims) == ["07", "08"]
    assert [(refusal.verdict.reason, refusal.verdict.at) for refusal in found.refusals] == [
        ("line_in_use", books.now + 20)
    ] * 2
    seven = next(claim for claim in found.claims if claim.e164.endswith("07"))
    books.finish(seven)
    books.now += 20
    again = books.claim(one, two, slots="aaaaaa")
    assert [claim.e164[-2:] for claim in again.claims] == ["07"]
    assert len(again.refusals) == 1


def test_the_database_itself_keeps_a_number_to_one_live_call(books, person) -> None:
    claim = books.claim_one(books.campaign("spring", person(1)))
    with pytest.raises(sqlite3.IntegrityError):
        books.connection.execute(
            "INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id, dialed,"
            " flow_version, rules, created_at) SELECT id + 1, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id,"
            " caller_id, dialed, flow_version, rules, created_at FROM attempts WHERE id = ?", (claim.attempt,)
        )  # fmt: skip


def test_the_gate_stands_in_the_transaction(books, person, phone) -> None:
    """A number suppressed a moment ago, by whatever unit before in the same commit, is not dialed."""
    campaign = books.campaign("spring", person(1), person(2))

    def both(connection: sqlite3.Connection) -> claims.ClaimResult:
        connection.execute(
            "INSERT INTO suppression SELECT id, ?, 'x', 'key', '', NULL FROM numbers WHERE e164 = ?",
            (books.now, phone(1).e164),
        )
        return claims.claim(
            connection, [books.claimant(campaign)], [books.slots["a"]] * 3, books.last, books.now
        )

    found = books.unit(both)
    assert [claim.e164 for claim in found.claims] == [phone(2).e164]
    [refusal] = found.refusals
    assert refusal.verdict.never
    assert refusal.changed
    row = books.contact(refusal.contact_id)
    assert (row["state"], row["disposition"], row["verdict"]) == ("done", "SUPPRESSED", "suppressed")
    assert books.one("SELECT open_contacts FROM campaigns") == 1


def test_a_refusal_for_now_gets_an_instant_and_is_not_looked_at_before(books, person) -> None:
    office = Hours([Window(start=time(9), end=time(17))])
    campaign = books.campaign("spring", person(1), hours=office)
    books.now = datetime(2026, 11, 25, 3, tzinfo=UTC).timestamp()
    opens = datetime(2026, 11, 25, 8, tzinfo=UTC).timestamp()  # nine in Paris
    found = books.claim(campaign)
    assert found.claims == ()
    assert [(one.verdict.reason, one.verdict.at, one.changed) for one in found.refusals] == [
        ("outside_hours", opens, True)
    ]
    assert found.exhausted == {campaign: opens}
    assert books.rows("SELECT reason, not_before, attempt_id FROM decisions") == [
        ("outside_hours", opens, None)
    ]
    books.now += HOUR
    assert books.claim(campaign).refusals == ()
    books.now = opens
    assert len(books.claim(campaign).claims) == 1


def test_the_same_verdict_again_writes_no_decision(books, person) -> None:
    campaign = books.campaign("spring", person(1), person(2, person(1).numbers[0]))
    books.claim(campaign)
    for _ in range(4):
        books.now += 20
        [refusal] = books.claim(campaign).refusals
        assert not refusal.changed
    assert books.rows("SELECT reason FROM decisions ORDER BY id") == ["allowed", "line_in_use"]


@pytest.mark.parametrize(
    ("rules", "more", "reason", "disposition"),
    [
        ({"end": 1_795_491_000.0}, {}, "campaign_over", "EXPIRED"),
        ({}, {"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "expired", "EXPIRED"),
        ({"hours": Hours([Window(days=(), start=time(9), end=time(17))])}, {}, "never_open", "SUPPRESSED"),
        ({}, {"timezone": "Mars/Phobos"}, "place_unclear", "SUPPRESSED"),
    ],
)
def test_a_refusal_for_ever_ends_the_contact(books, person, rules, more, reason, disposition) -> None:
    campaign = books.campaign("spring", person(1, **more), **rules)
    found = books.claim(campaign)
    [refusal] = found.refusals
    assert refusal.verdict.never
    row = books.contact(refusal.contact_id)
    assert (row["state"], row["verdict"], row["disposition"]) == ("done", reason, disposition)
    assert found.exhausted == {campaign: None}
    assert books.one("SELECT open_contacts FROM campaigns") == 0


def test_what_the_settings_lack_gives_nobody_up(books, person) -> None:
    """A proof that ran out, a caller ID that was taken out: put right, everybody is called."""
    campaign = books.campaign("spring", person(1), caller_ids=CallerIds([]))
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.verdict.at) == ("no_caller_id", books.now + 3600.0)
    assert books.one("SELECT state FROM contacts") == "pending"


def test_our_number_may_be_for_one_trunk_only(books, person) -> None:
    """The first free channel is of another trunk: the call waits for none of it."""
    ours = CallerIds([CallerId("+33162000001", date(2026, 1, 1), trunks=frozenset({"b"}))])
    campaign = books.campaign("spring", person(1), person(2), caller_ids=ours)
    found = books.claim(campaign, slots="aab")
    assert [claim.trunk for claim in found.claims] == ["b"]
    assert {one.verdict.reason for one in found.refusals} <= {"no_caller_id"}


def test_a_number_without_a_zone_is_not_dialed(books, person, phone) -> None:
    campaign = books.campaign("spring", person(1, phone(1, ())))
    assert [one.verdict.reason for one in books.claim(campaign).refusals] == ["zone_unknown"]


def test_a_spent_budget_keeps_the_last_disposition(books, person) -> None:
    campaign = books.campaign("spring", person(1), max_attempts=1)
    claim = books.claim_one(campaign)
    books.finish(claim, "BUSY", next_at=books.now + 60)
    books.now += 60
    [refusal] = books.claim(campaign).refusals
    assert refusal.verdict.reason == "budget_spent"
    row = books.contact(claim.contact_id)
    assert (row["state"], row["disposition"]) == ("done", "BUSY")


def test_a_paused_campaign_is_looked_at_again_later(books, person) -> None:
    campaign = books.campaign("spring", person(1), running=False)
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.verdict.never) == ("campaign_not_running", False)


def test_a_retry_is_told_what_went_before(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    first = books.claim_one(campaign)
    books.finish(first, "BUSY", next_at=books.now + 60)
    books.now += 60
    second = books.claim_one(campaign)
    assert (second.kind, second.attempts, second.tries) == ("retry", 1, {"BUSY": 1})
    assert second.contact_id == first.contact_id
    assert second.attempt > first.attempt


def test_the_gap_is_counted_from_the_real_attempt(books, person) -> None:
    campaign = books.campaign("spring", person(1), min_gap=600.0)
    claim = books.claim_one(campaign)
    books.finish(claim, "BUSY", next_at=books.now + 60, sent_at=books.now + 5)
    books.now += 60
    [refusal] = books.claim(campaign).refusals
    assert (refusal.verdict.reason, refusal.verdict.at) == ("gap", claim.created_at + 605)


def test_a_claim_of_many_refusals_is_bounded(books, person, phone) -> None:
    """However many are refused in a row, the writer is not held for long; what is left comes in the next claim."""
    one = phone(1)
    campaign = books.campaign("spring", *(person(row, one) for row in range(1, SCAN_LIMIT + 101)))
    other = books.campaign("other", person(1, phone(2)))
    found = books.claim(campaign, other, slots="aaaaa")
    assert len(found.claims) == 1
    assert SCAN_LIMIT <= len(found.claims) + len(found.refusals) < SCAN_LIMIT + 5
    assert found.exhausted == {}  # neither campaign is known to have nothing due
    rest = books.claim(campaign, other, slots="aaaa")
    assert len(found.refusals) + len(rest.refusals) == SCAN_LIMIT + 99
    assert [claim.campaign_id for claim in rest.claims] == [other]
    assert campaign in rest.exhausted


def test_contacts_that_a_job_holds_back_are_not_seen(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.claim_one(campaign)
    books.add("job-spring", campaign, person(2), due_at=loading.HELD)
    found = books.claim(campaign)
    assert found.claims == found.refusals == ()
    assert books.unit(loading.release_held, campaign, books.now, 10) == 1
    assert len(books.claim(campaign).claims) == 1


def test_closing_marks_an_open_promise(books, person) -> None:
    for name, disposition, reason, state in [
        ("one", "SUPPRESSED", "suppressed", "withdrawn"),
        ("two", "SUPPRESSED", "listed", "withdrawn"),
        ("three", "CANCELLED", "removed", "withdrawn"),
        ("four", "EXPIRED", "campaign_over", "missed"),
        ("five", "SUPPRESSED", "never_open", "missed"),
    ]:
        campaign = books.campaign(name, person(1))
        claim = books.claim_one(campaign)
        books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + 60, next_callback=True)
        missed = books.unit(closing.close_contact, claim.contact_id, campaign, disposition, reason)
        assert missed == (state == "missed")
        assert books.one("SELECT state FROM callbacks WHERE contact_id = ?", claim.contact_id) == state
        assert books.contact(claim.contact_id)["disposition"] == disposition


def test_callbacks_have_a_budget_of_their_own(books, person) -> None:
    campaign = books.campaign("spring", person(1), max_callbacks=1)
    claim = books.claim_one(campaign)
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    books.finish(books.claim_one(campaign), "BUSY", next_at=books.now)
    [refusal] = books.claim(campaign).refusals
    assert refusal.verdict.reason == "budget_spent"
    assert refusal.verdict.never
    assert books.rows("SELECT state FROM callbacks") == ["missed"]


def test_a_pause_in_the_database_holds_whatever_the_agenda_still_says(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.unit(campaigns.set_state, campaign_id=campaign, state="paused", now=books.now)
    found = books.claim(campaign)
    assert (found.claims, found.refusals, found.exhausted) == ((), (), {campaign: None})


def test_what_an_interrupted_cancel_left_is_ended(books, person) -> None:
    campaign = books.campaign("spring", person(1), person(2), person(3))
    books.unit(campaigns.set_state, campaign_id=campaign, state="cancelled", now=books.now)
    assert [books.unit(campaigns.close_cancelled, limit=2) for _ in range(3)] == [2, 1, 0]
    assert books.rows("SELECT DISTINCT state, disposition FROM contacts") == [("done", "CANCELLED")]
