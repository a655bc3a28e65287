"""Every change has its entry in the same unit, and what changed nothing has none."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

import pytest

from engine.store import audit, audited, jobs, outcomes, suppression


def log(books) -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        (actor, action, subject, json.loads(details))
        for actor, action, subject, details in books.rows(
            "SELECT actor, action, subject, details FROM audit ORDER BY id"
        )
    ]


def test_a_campaign_that_is_taken_in(books, person) -> None:
    campaign = books.campaign("spring", person(1), person(2), taken_in=False)
    close = {"job_id": "job-spring", "parsed": 3, "refused": 4, "now": books.now, "actor": "anna"}
    row = books.unit(audited.close_job, **close)
    assert (row.accepted, row.rejected) == (2, 5)
    manifest = books.one("SELECT manifest FROM campaigns WHERE id = ?", campaign)
    expected = {
        "job": "job-spring", "source": "spring", "fingerprint": "print-spring", "owner": "anna@example.org",
        "purpose": "informational", "manifest_sha256": hashlib.sha256(manifest.encode()).hexdigest(), "flow": "flow-spring",
        "contacts": 2, "rejected": 5,
    }  # fmt: skip
    assert log(books) == [("anna", "campaign.accepted", "campaign spring", expected)]
    assert (
        books.unit(audited.close_job, **close) == row
    )  # killed before the move to accepted/: it comes again
    assert len(log(books)) == 1


def test_contacts_that_are_added(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.unit(
        jobs.begin_job,
        job_id="more",
        fingerprint="print-more",
        source="more",
        campaign=campaign,
        now=books.now,
    )
    books.add("more", campaign, person(2))
    books.unit(audited.close_job, job_id="more", parsed=1, refused=0, now=books.now, actor="bob")
    [(actor, action, subject, details)] = log(books)
    assert (actor, action, subject) == ("bob", "contacts.added", "campaign spring")
    assert (details["job"], details["contacts"]) == ("more", 1)


def test_a_campaign_that_is_steered(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    for state in ("paused", "paused", "scheduled", "running", "cancelled", "cancelled", "paused"):
        books.unit(audited.set_state, campaign_id=campaign, state=state, now=books.now, actor="anna")
    assert [(action, details) for _, action, _, details in log(books)] == [
        ("campaign.paused", {"from": "running", "to": "paused"}),
        ("campaign.resumed", {"from": "paused", "to": "scheduled"}),
        ("campaign.started", {"from": "scheduled", "to": "running"}),
        ("campaign.cancelled", {"from": "running", "to": "cancelled"}),
    ]


def test_a_reason_is_kept_without_its_number(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.unit(
        audited.set_state,
        campaign_id=campaign,
        state="failed",
        now=books.now,
        reason="complaint of 01 99 00 10 42",
    )
    assert log(books) == [
        (
            "engine",
            "campaign.stopped",
            "campaign spring",
            {"from": "running", "to": "failed", "reason": "complaint of 019••42"},
        )
    ]


def test_all_campaigns_paused_at_once(books, person) -> None:
    books.campaign("spring", person(1))
    books.unit(
        audited.set_state, campaign_id=books.campaign("autumn", person(2)), state="paused", now=books.now
    )
    assert books.unit(audited.pause_all, reason="an old copy", now=books.now) == ["spring"]
    assert log(books)[-1] == (
        "engine", "campaign.paused", "campaign spring", {"to": "paused", "reason": "an old copy"},
    )  # fmt: skip


def test_a_completion_is_recorded_once(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    assert not books.unit(audited.complete, campaign_id=campaign, now=books.now)
    books.finish(books.claim_one(campaign), "ANSWERED_HUMAN")
    assert [books.unit(audited.complete, campaign_id=campaign, now=books.now) for _ in range(2)] == [
        True,
        False,
    ]
    assert log(books) == [("engine", "campaign.completed", "campaign spring", {"end_reached": False})]


def test_contacts_that_are_removed_stand_by_their_ids(books, person) -> None:
    campaign = books.campaign("spring", *(person(row, external_id=f"e{row}") for row in (1, 2, 3)))
    remove = {"campaign_id": campaign, "now": books.now, "actor": "anna"}
    assert books.unit(audited.remove_contacts, external_ids=["e1", "e3", "x"], **remove) == (2, ["x"])
    assert books.unit(audited.remove_contacts, external_ids=["e1"], **remove) == (0, [])
    ids = books.rows("SELECT id FROM contacts WHERE disposition = 'CANCELLED' ORDER BY id")
    assert log(books) == [
        ("anna", "contacts.removed", "campaign spring", {"contacts": ids, "unknown": 1}),
    ]


def test_the_list_of_numbers_never_to_be_called(books, phone) -> None:
    put = {"reason": "letter", "source": "command", "actor": "anna", "now": books.now}
    first = books.unit(audited.suppress, numbers=[phone(1), phone(2)], **put)
    second = books.unit(audited.suppress, numbers=[phone(2), phone(3)], **put)
    books.unit(audited.suppress, numbers=[phone(3)], **put)
    off = books.unit(
        audited.unsuppress, e164=[phone(1).e164, phone(9).e164], reason="consent", actor="bob", now=books.now
    )
    assert off == first[:1]
    books.unit(audited.unsuppress, e164=[phone(9).e164], reason="consent", actor="bob", now=books.now)
    assert log(books) == [
        ("anna", "suppression.added", "suppression", {"reason": "letter", "source": "command", "numbers": first}),
        (
            "anna", "suppression.added", "suppression",
            {"reason": "letter", "source": "command", "numbers": [second[1]], "on_it_before": 1},
        ),
        ("bob", "suppression.removed", "suppression", {"reason": "consent", "numbers": [first[0]]}),
    ]  # fmt: skip


def test_a_long_list_has_a_thousand_numbers_an_entry(books, phone) -> None:
    many = [phone(at) for at in range(2300)]  # `phone` writes at least two digits
    ids = books.unit(
        audited.suppress, numbers=many, reason="file", source="file", actor="anna", now=books.now
    )
    parts = [details for _, _, _, details in log(books)]
    assert [len(part["numbers"]) for part in parts] == [1000, 1000, 300]
    assert {part["of"] for part in parts} == {2300}
    assert [number for part in parts for number in part["numbers"]] == sorted(ids)


def test_an_opt_out_in_a_call(books, person, phone) -> None:
    claim = books.claim_one(books.campaign("spring", person(1, phone(1), phone(2))))
    numbers = books.opt_out(claim)
    assert books.opt_out(claim) == []
    [(actor, action, subject, details)] = log(books)
    assert (actor, action, subject) == ("callee", "suppression.added", "suppression")
    assert details == {
        "reason": "opt-out",
        "source": "key",
        "attempt": f"v{claim.attempt:016x}",
        "numbers": numbers,
    }


def test_a_report_of_nobody_leaves_no_entry(books) -> None:
    books.unit(outcomes.opt_out, report=outcomes.Report(4711, 1, "optout", "message", 5.0), now=5.0)
    assert log(books) == []


def test_no_change_without_its_entry(books, phone) -> None:
    """A unit that fails after the entry takes the entry with it, and one whose entry fails takes its change with it."""

    def fails(connection: sqlite3.Connection) -> None:
        audited.suppress(connection, [phone(1)], "letter", "command", "anna", books.now)
        raise ValueError("later in the same unit")

    with pytest.raises(ValueError, match="later"):
        books.unit(fails)
    assert log(books) == books.rows("SELECT * FROM suppression") == []

    def nan(connection: sqlite3.Connection) -> None:
        suppression.suppress(connection, [phone(1)], "letter", "command", "anna", books.now)
        audit.append(
            connection,
            audit.Action.SUPPRESSION_ADDED,
            0.0,
            actor="a",
            subject="s",
            details={"x": float("nan")},
        )

    with pytest.raises(ValueError, match="JSON"):
        books.unit(nan)
    assert books.rows("SELECT * FROM suppression") == []


# -- starts and ends ---------------------------------------------------------------------------------------------------


def start(books, settings: dict[str, str]) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = books.unit(
        audited.engine_started, settings=settings, fingerprint="f" * 64, version="1", rules="r", now=books.now
    )
    return found


def test_the_first_start_records_all_settings_and_later_ones_what_changed(books) -> None:
    first = {"limits.cps": "10.0", "log.file": "null"}
    assert start(books, first) == {"limits.cps": [None, "10.0"], "log.file": [None, "null"]}
    books.unit(audited.engine_stopped, live=3, now=books.now)
    assert start(books, first) == {}
    books.unit(audited.engine_stopped, live=0, now=books.now)
    assert start(books, {"limits.cps": "20.0", "trunk.b.cps": "5.0"}) == {
        "limits.cps": ["10.0", "20.0"],
        "log.file": ["null", None],
        "trunk.b.cps": [None, "5.0"],
    }
    assert books.unit(audited.settings_before) == {"limits.cps": "20.0", "trunk.b.cps": "5.0"}
    assert [action for _, action, _, _ in log(books)] == [
        "settings.changed", "engine.started", "engine.stopped", "engine.started", "engine.stopped", "settings.changed",
        "engine.started",
    ]  # fmt: skip
    assert log(books)[2][3] == {"live": 3}


def test_a_setting_that_is_masked_does_not_change_at_every_start(books) -> None:
    settings = {"caller_id.1.owner": "Anna, +33199001042"}
    assert start(books, settings) == {"caller_id.1.owner": [None, "Anna, +331••42"]}
    assert start(books, settings) == {}


def test_a_run_that_was_killed_is_found_at_the_next_start(books) -> None:
    for stopped in (True, False, False, True):
        start(books, {"a": "1"})
        if stopped:
            books.unit(audited.engine_stopped, live=0, now=books.now)
    actions = [action.partition(".")[2] for _, action, _, _ in log(books) if action.startswith("engine")]
    assert actions == ["started", "stopped", "started", "unclean", "started", "unclean", "started", "stopped"]
