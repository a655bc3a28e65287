"""Outcomes: an attempt ends exactly once, its contact moves on, and a never-again holds for every campaign."""

from __future__ import annotations

import json

import pytest

from engine.channel import Report
from engine.store import campaigns, outcomes, suppression


@pytest.fixture
def called(books, person, phone):
    """A contact with three numbers, in a call to the first."""
    campaign = books.campaign("spring", person(1, phone(1), phone(2), phone(3), external_id="anna"))
    return campaign, books.claim_one(campaign)


def test_an_attempt_ends_once_with_all_that_is_known(books, called) -> None:
    _, claim = called
    reports = (
        Report(claim.attempt, 1, "amd", "HUMAN/HUMAN-1-1", 5.0),
        Report(claim.attempt, 2, "result", "heard", 6.0),
    )
    facts = {"cause": 16, "sip": 0, "amd": "HUMAN/HUMAN-1-1", "result": "heard", "note": "", "rang": True}
    stored = books.finish(claim, "ANSWERED_HUMAN", reports=reports, **facts)
    assert (stored.fresh, stored.contact_done, stored.campaign_open) == (True, True, 0)
    assert books.rows(
        "SELECT disposition, counted, cause, sip, amd, result, rang, sent_at, answered_at, ended_at FROM attempts"
    ) == [("ANSWERED_HUMAN", 1, 16, 0, "HUMAN/HUMAN-1-1", "heard", 1, books.now, books.now, books.now)]  # fmt: skip
    assert books.rows("SELECT seq, kind, value, at FROM call_events") == [
        (1, "amd", "HUMAN/HUMAN-1-1", 5.0),
        (2, "result", "heard", 6.0),
    ]
    row = books.contact(claim.contact_id)
    assert (row["state"], row["disposition"], row["goal"], row["attempts"]) == (
        "done",
        "ANSWERED_HUMAN",
        "heard",
        1,
    )
    assert json.loads(row["tries"]) == {"ANSWERED_HUMAN": 1}


def test_a_second_end_changes_nothing_but_keeps_its_reports(books, called) -> None:
    _, claim = called
    books.finish(claim, "BUSY", next_at=books.now + 60)
    before = dict(books.contact(claim.contact_id))
    late = Report(claim.attempt, 1, "result", "heard", 6.0)
    stored = books.finish(claim, "ANSWERED_HUMAN", reports=(late, late), next_at=None)
    assert not stored.fresh
    assert dict(books.contact(claim.contact_id)) == before
    assert books.one("SELECT disposition FROM attempts") == "BUSY"
    assert books.one("SELECT count(*) FROM call_events") == 1


@pytest.mark.parametrize(
    ("disposition", "counts"),
    [
        ("BUSY", 1),
        ("UNKNOWN", 1),
        ("INVALID_NUMBER", 1),
        ("CONGESTION", 0),
        ("CANCELLED", 0),
        ("NOT_SENT", 0),
    ],
)
def test_the_budget(books, called, disposition: str, counts: int) -> None:
    _, claim = called
    books.finish(claim, disposition, next_at=books.now + 60)
    row = books.contact(claim.contact_id)
    assert row["attempts"] == counts
    assert row["callbacks"] == 0
    assert json.loads(row["tries"]) == ({} if disposition == "NOT_SENT" else {disposition: 1})
    assert row["last_attempt_at"] == (
        claim.created_at if counts and disposition != "INVALID_NUMBER" else None
    )


def test_what_was_not_sent_is_as_if_it_had_not_been(books, called) -> None:
    campaign, claim = called
    books.finish(claim, "BUSY", next_at=books.now + 60)
    books.now += 60
    before = dict(books.contact(claim.contact_id))
    again = books.claim_one(campaign)
    assert again.kind == "retry"
    books.finish(again, "NOT_SENT", next_at=books.now, next_position=again.position)
    after = dict(books.contact(claim.contact_id))
    assert {name: after[name] for name in after if name not in ("verdict", "due_at")} == {
        name: before[name] for name in before if name not in ("verdict", "due_at")
    }
    third = books.claim_one(campaign)
    assert (third.kind, third.attempts, third.tries) == ("retry", 1, {"BUSY": 1})


def test_an_attempt_that_was_never_sent_does_not_erase_when_the_last_one_was(books, called) -> None:
    campaign, claim = called
    books.finish(claim, "BUSY", next_at=books.now + 60)
    books.now += 60
    again = books.claim_one(campaign)
    books.finish(again, "FAILED", sent_at=None, next_at=books.now + 60)
    assert books.contact(claim.contact_id)["last_attempt_at"] == claim.created_at


def test_the_next_number(books, called, phone) -> None:
    campaign, claim = called
    books.finish(claim, "INVALID_NUMBER", next_at=books.now, next_position=1)
    second = books.claim_one(campaign)
    assert (second.e164, second.position, second.invalid) == (phone(2).e164, 1, frozenset({0}))
    books.finish(second, "INVALID_NUMBER", next_at=books.now, next_position=2)
    third = books.claim_one(campaign)
    assert (third.e164, third.position, third.invalid) == (phone(3).e164, 2, frozenset({0, 1}))


def test_a_promise_is_made_and_kept(books, called) -> None:
    campaign, claim = called
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + 600, next_callback=True)
    [promise] = books.rows(
        "SELECT id, contact_id, attempt_id, asked_at, due_at, state, kept_by FROM callbacks"
    )
    assert promise[1:] == (claim.contact_id, claim.attempt, books.now, books.now + 600, "due", None)
    assert books.claim(campaign).claims == ()
    books.now += 600
    kept = books.claim_one(campaign)
    assert (kept.kind, kept.callback_id, kept.callbacks) == ("callback", promise[0], 0)
    books.finish(kept, "ANSWERED_HUMAN")
    assert books.rows("SELECT state, kept_by FROM callbacks") == [("kept", kept.attempt)]
    row = books.contact(claim.contact_id)
    assert (row["attempts"], row["callbacks"], row["callback_id"], row["state"]) == (1, 1, None, "done")


def test_a_promise_is_tried_again_until_it_is_missed(books, called) -> None:
    campaign, claim = called
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    busy = books.claim_one(campaign)
    books.finish(busy, "BUSY", next_at=books.now + 60)
    assert books.one("SELECT state FROM callbacks") == "due"
    books.now += 60
    last = books.claim_one(campaign)
    assert (last.kind, last.callback_id, last.callbacks) == ("callback", busy.callback_id, 1)
    books.finish(last, "NO_ANSWER")
    assert books.one("SELECT state FROM callbacks") == "missed"
    assert books.contact(claim.contact_id)["attempts"] == 1


def test_a_kept_promise_may_lead_to_another(books, called) -> None:
    campaign, claim = called
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    first = books.claim_one(campaign)
    books.finish(first, "ANSWERED_HUMAN", next_at=books.now + 60, next_callback=True)
    assert books.rows("SELECT state FROM callbacks ORDER BY id") == ["kept", "due"]
    books.now += 60
    second = books.claim_one(campaign)
    assert second.callback_id != first.callback_id
    assert second.callbacks == 1


def test_congestion_on_a_callback_burns_nothing(books, called) -> None:
    campaign, claim = called
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    books.finish(books.claim_one(campaign), "CONGESTION", next_at=books.now)
    row = books.contact(claim.contact_id)
    assert (row["attempts"], row["callbacks"]) == (1, 0)
    assert row["callback_id"] is not None


@pytest.mark.parametrize("disposition", ["BUSY", "NOT_SENT", "CANCELLED"])
def test_nothing_follows_in_a_cancelled_campaign(books, called, disposition: str) -> None:
    campaign, claim = called
    books.unit(campaigns.set_state, campaign, "cancelled", books.now)
    stored = books.finish(claim, disposition, next_at=books.now + 60)
    assert (stored.contact_done, stored.campaign_open) == (True, 0)
    row = books.contact(claim.contact_id)
    assert (row["state"], row["disposition"]) == ("done", "CANCELLED")


def test_a_callback_asked_of_a_cancelled_campaign_is_no_promise(books, called) -> None:
    campaign, claim = called
    books.unit(campaigns.set_state, campaign, "cancelled", books.now)
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + 60, next_callback=True)
    assert books.rows("SELECT state FROM callbacks") in ([], ["withdrawn"])


def test_a_contact_removed_during_its_call_is_done_and_stays_so(books, called) -> None:
    campaign, claim = called
    assert books.unit(campaigns.remove_contacts, campaign, ["anna"]) == (1, [])
    stored = books.finish(
        claim, "ANSWERED_HUMAN", next_at=books.now + 60, next_callback=True, result="call_back"
    )
    assert (stored.fresh, stored.contact_done, stored.campaign_open) == (True, True, 0)
    row = books.contact(claim.contact_id)
    assert (row["state"], row["disposition"], row["goal"]) == ("done", "ANSWERED_HUMAN", "call_back")
    assert books.rows("SELECT state FROM callbacks") in ([], ["withdrawn"])
    assert books.claim(campaign).claims == ()


# -- never again -------------------------------------------------------------------------------------------------------


def test_an_opt_out_covers_every_number_of_the_person_in_every_campaign(books, called, person, phone) -> None:
    campaign, claim = called
    other = books.campaign("other", person(1, phone(2)), person(2, phone(9)))
    assert len(books.opt_out(claim)) == 3
    assert (
        books.rows("SELECT reason, source, attempt_id FROM suppression")
        == [("opt-out", "key", claim.attempt)] * 3
    )
    found = books.claim(other, slots="aaa")
    assert [one.e164 for one in found.claims] == [phone(9).e164]
    assert [one.verdict.reason for one in found.refusals] == ["suppressed"]
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now, next_callback=True)
    books.now += 10
    assert [one.verdict.reason for one in books.claim(campaign).refusals] == ["suppressed"]


def test_an_opt_out_told_twice_counts_once(books, called, phone) -> None:
    _, claim = called
    assert books.opt_out(claim)
    books.now += 100
    assert books.opt_out(claim) == []
    assert books.rows("SELECT DISTINCT since FROM suppression") == [books.now - 100]
    # Taken off the list by hand since: the old report, read again from the outbox, does not put it back.
    books.unit(suppression.unsuppress, [phone(1).e164])
    assert books.opt_out(claim) == []
    assert books.one("SELECT count(*) FROM suppression") == 2


def test_an_end_does_not_take_the_opt_out_for_stored(books, called) -> None:
    """The suppression has a unit of its own; should that come second, it must still find its report new."""
    _, claim = called
    report = Report(claim.attempt, 4, "optout", "message", books.now)
    books.finish(
        claim, "ANSWERED_HUMAN", reports=(Report(claim.attempt, 3, "key", "9@message", books.now), report)
    )
    assert len(books.unit(outcomes.opt_out, report=report, now=books.now)) == 3


def test_a_report_that_comes_late_is_kept_and_an_opt_out_still_counts(books, called) -> None:
    _, claim = called
    books.finish(claim, "ANSWERED_HUMAN")
    key = Report(claim.attempt, 3, "key", "9@message", books.now)
    assert books.unit(outcomes.late_report, report=key, now=books.now) == []
    never = Report(claim.attempt, 4, "optout", "message", books.now)
    assert len(books.unit(outcomes.late_report, report=never, now=books.now)) == 3
    assert books.rows("SELECT kind FROM call_events ORDER BY seq") == ["key", "optout"]


def test_an_opt_out_of_a_call_that_nobody_knows_suppresses_nobody(books) -> None:
    report = Report(12345, 1, "optout", "message", books.now)
    assert books.unit(outcomes.late_report, report=report, now=books.now) == []
    assert books.one("SELECT count(*) FROM suppression") == 0


def test_reports_are_stored_once(books, called) -> None:
    _, claim = called
    lines = [Report(claim.attempt, at, "play", "message", 1.0) for at in (1, 2, 2, 1)]
    assert books.unit(outcomes.keep_reports, lines) == 2
    assert books.unit(outcomes.keep_reports, lines) == 0
    assert books.unit(outcomes.keep_reports, []) == 0
