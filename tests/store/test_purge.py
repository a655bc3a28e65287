"""Retention: contacts of old campaigns are blanked like somebody who was forgotten, nobody is suppressed by it, and the books add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.channel import Report
from engine.ops.audit import verify
from engine.retention_settings import LEAST
from engine.store import audited_lists, claims, forgotten, jobs, outcomes, purge
from tests.store.test_forgetting import TEXTS, figures, raw, told_of

KEEP = LEAST


def end(books: Any, campaign: int) -> None:
    """The campaign is over now: whoever still waits is closed with it."""
    for contact in books.rows(
        "SELECT id FROM contacts WHERE campaign_id = ? AND state = 'pending'", campaign
    ):
        books.unit(claims.close_contact, contact, campaign, "EXPIRED", "campaign_over")
    books.connection.execute(
        "UPDATE campaigns SET state = 'completed', closed_at = ? WHERE id = ?", (books.now, campaign)
    )


def purge_all(books: Any, keep: float = KEEP) -> tuple[list[str], int, int]:
    """As the housekeeping does it, with nothing between the units. Names of campaigns, contacts and numbers."""
    ids = [one.id for one in books.unit(purge.begin, keep=keep, now=books.now)]
    contacts = numbers = 0
    after: int | None = 0
    while ids and after is not None:
        step = books.unit(purge.blank_some, campaigns=ids, after=after)
        after, contacts = step.after, contacts + step.changed
    finished = books.unit(purge.finish, campaigns=ids, keep=keep, now=books.now)
    after = 0
    while after is not None:
        step = books.unit(purge.drop_some, after=after, now=books.now)
        after, numbers = step.after, numbers + step.changed
    return [one.name for one in finished], contacts, numbers


def entries(books: Any, action: str) -> list[Any]:
    return books.rows("SELECT subject, details FROM audit WHERE action = ? ORDER BY id", action)


def audit_holds(books: Any) -> bool:
    (file,) = books.rows("SELECT file FROM pragma_database_list WHERE name = 'main'")
    return verify(Path(file)).broken is None


def test_an_old_campaign_is_blanked_and_everything_adds_up(books, person, phone) -> None:
    campaign = books.campaign("spring", told_of(person, 1, phone(1), phone(2)), person(2, phone(3)))
    first, other = books.claim(campaign).claims
    reports = [
        Report(first.attempt, 1, "amd", "HUMAN/HUMAN-800-800", books.now),
        Report(first.attempt, 2, "key", "1@menu", books.now),
        Report(first.attempt, 3, "answer", f"account={TEXTS[7]}", books.now),
        Report(first.attempt, 4, "record", "story", books.now),
    ]
    books.finish(first, "ANSWERED_HUMAN", reports=reports, note="dialed " + phone(1).e164, result="confirmed")
    books.finish(other, "BUSY")
    books.connection.execute("UPDATE decisions SET consent = 'ref-4711' WHERE contact_id = 1")
    kept_until = books.rows("SELECT keep_until FROM recordings")
    end(books, campaign)
    before = figures(books)

    books.now += KEEP - 1
    assert purge_all(books) == ([], 0, 0)
    assert all(text.encode() in raw(books) for text in TEXTS)
    assert entries(books, "contacts.purged") == []
    books.now += 1
    assert purge_all(books) == (["spring"], 2, 3)

    assert figures(books) == before
    books.check()
    assert books.rows("PRAGMA integrity_check") == ["ok"]
    data = raw(books)
    for text in (*TEXTS[:6], TEXTS[7], phone(1).e164[1:], phone(2).e164[1:], phone(3).e164[1:]):
        assert text.encode() not in data, text
    assert books.rows("SELECT e164 FROM numbers ORDER BY id") == ["erased:1", "erased:2", "erased:3"]
    assert books.rows("SELECT value FROM call_events ORDER BY seq") == [
        "HUMAN/HUMAN-800-800",
        "1@menu",
        "",
        "story",
    ]
    assert books.rows("SELECT consent FROM decisions ORDER BY contact_id") == ["erased", ""]
    assert books.rows("SELECT number_id FROM suppression") == [], "nobody is suppressed by it"
    assert books.rows("SELECT keep_until FROM recordings") == kept_until, (
        "recordings have a period of their own"
    )
    [(subject, details)] = entries(books, "contacts.purged")
    assert (subject, '"contacts":2' in details, '"kept_seconds":5270400.0' in details) == (
        "campaign spring",
        True,
        True,
    )
    assert [subject for subject, _ in entries(books, "numbers.purged")] == ["numbers"]
    assert audit_holds(books)
    assert purge_all(books) == ([], 0, 0), "once is enough"
    assert len(entries(books, "contacts.purged")) == 1


def test_who_is_in_an_open_campaign_too_is_kept(books, person, phone) -> None:
    old = books.campaign("spring", told_of(person, 1, phone(1)), person(2, phone(2)))
    end(books, old)
    books.now += KEEP
    books.campaign("autumn", person(1, phone(1)), due_at=books.now)
    assert purge_all(books) == (["spring"], 2, 1)
    assert books.rows("SELECT e164 FROM numbers ORDER BY id") == [phone(1).e164, "erased:2"]
    found = books.claim(2)
    assert [claim.e164 for claim in found.claims] == [phone(1).e164], found
    assert books.rows("SELECT fields, row FROM contacts ORDER BY id") == [("{}", 0), ("{}", 0), ("{}", 1)]
    assert TEXTS[0].encode() not in raw(books)


def test_a_suppressed_number_stays_suppressed(books, person, phone) -> None:
    old = books.campaign("spring", told_of(person, 1, phone(1), phone(2)), person(2, phone(3)))
    [claim, _] = books.claim(old).claims
    books.opt_out(claim)
    books.finish(claim, "ANSWERED_HUMAN", result="opted_out")
    [claim] = books.rows("SELECT id FROM attempts WHERE disposition IS NULL")
    books.connection.execute("UPDATE attempts SET disposition = 'BUSY', counted = 1 WHERE id = ?", (claim,))
    books.connection.execute("UPDATE contacts SET state = 'done', attempts = 1 WHERE id = 2")
    books.connection.execute("UPDATE campaigns SET open_contacts = 0")
    end(books, old)
    suppressed = books.rows("SELECT * FROM suppression ORDER BY number_id")
    books.now += KEEP
    assert purge_all(books) == (["spring"], 2, 1)
    assert books.rows("SELECT * FROM suppression ORDER BY number_id") == suppressed
    assert books.rows("SELECT e164 FROM numbers ORDER BY id") == [phone(1).e164, phone(2).e164, "erased:3"]
    new = books.campaign(
        "autumn", person(1, phone(1)), person(2, phone(2)), person(3, phone(3)), due_at=books.now
    )
    found = books.claim(new)
    assert [claim.e164 for claim in found.claims] == [phone(3).e164], "known by nothing, it is a new number"
    assert {one.verdict.reason for one in found.refusals} == {"suppressed"}


def test_who_was_taken_off_the_list_later_is_not_kept_for_it(books, person, phone) -> None:
    old = books.campaign("spring", person(1))
    books.suppress(phone(1), phone(5))
    end(books, old)
    books.now += KEEP
    assert purge_all(books) == (["spring"], 1, 0)
    books.connection.execute("DELETE FROM suppression")
    assert purge_all(books) == ([], 0, 2)


def test_who_was_forgotten_stays_forgotten(books, person, phone, tmp_path) -> None:
    forgotten.make_key(tmp_path)
    old = books.campaign("spring", told_of(person, 1), person(2))
    end(books, old)
    books.unit(audited_lists.forget, phone(1).e164, "anna", "asked", books.now, recorded_as="anna")
    books.now += KEEP
    assert purge_all(books) == (["spring"], 2, 1)
    assert books.rows("SELECT number_id, reason FROM suppression") == [(1, "forgotten")]
    assert books.unit(forgotten.is_forgotten, e164=phone(1).e164)
    assert not books.unit(forgotten.is_forgotten, e164=phone(2).e164)
    assert audit_holds(books)


def loading(books: Any, person: Callable[..., Any], campaign: int) -> None:
    books.unit(
        jobs.begin_job, job_id="more", fingerprint="more", source="more", campaign=campaign, now=books.now
    )


def waits(books: Any, person: Callable[..., Any], campaign: int) -> None:
    books.connection.execute("UPDATE contacts SET state = 'pending' WHERE id = 1")
    books.connection.execute("UPDATE campaigns SET open_contacts = 1")


def in_a_call(books: Any, person: Callable[..., Any], campaign: int) -> None:
    """Its contact was closed, and the call goes on."""
    books.connection.execute(
        "UPDATE attempts SET disposition = NULL, ended_at = NULL, counted = 0 WHERE id = (SELECT max(id) FROM attempts)"
    )
    books.connection.execute("UPDATE contacts SET attempts = 0 WHERE id = 1")


@pytest.mark.parametrize("what", [loading, waits, in_a_call])
def test_what_is_not_quite_over_is_not_touched(books, person, phone, what: Callable[..., None]) -> None:
    campaign = books.campaign("spring", told_of(person, 1))
    books.finish(books.claim_one(campaign), "BUSY")
    end(books, campaign)
    what(books, person, campaign)
    books.now += 2 * KEEP
    assert purge_all(books) == ([], 0, 0)
    assert books.rows("SELECT e164 FROM numbers") == [phone(1).e164]
    assert all(text.encode() in raw(books) for text in TEXTS[:6])


def test_one_that_is_cut_off_goes_on_where_it_must(books, person) -> None:
    campaign = books.campaign("spring", *(person(at) for at in range(1, 9)))
    end(books, campaign)
    books.now += KEEP
    books.unit(purge.begin, keep=KEEP, now=books.now)
    step = books.unit(purge.blank_some, campaigns=[campaign], after=0, limit=3)
    assert (step.after, step.changed) == (3, 3)
    assert len(books.rows("SELECT id FROM contacts WHERE row = 0")) == 3
    books.check()
    assert purge_all(books) == (["spring"], 8, 8), "the engine was killed here, and begins again"
    assert len(entries(books, "contacts.purged")) == 1
    assert len(books.rows("SELECT id FROM contacts WHERE row = 0")) == 8


def test_contacts_that_come_in_later_have_their_own_time(books, person, phone) -> None:
    campaign = books.campaign("spring", person(1))
    end(books, campaign)
    books.now += KEEP
    assert purge_all(books) == (["spring"], 1, 1)
    loading(books, person, campaign)
    books.add("more", campaign, told_of(person, 2, phone(2)), due_at=books.now)
    books.unit(jobs.close_job, job_id="more", parsed=1, refused=0, now=books.now)
    assert purge_all(books) == ([], 0, 0)
    end(books, campaign)
    books.now += KEEP - 1
    assert purge_all(books) == ([], 0, 0)
    assert all(text.encode() in raw(books) for text in TEXTS[:6])
    books.now += 1
    assert purge_all(books) == (["spring"], 2, 1)
    assert len(entries(books, "contacts.purged")) == 2
    assert not any(text.encode() in raw(books) for text in TEXTS[:6])


def test_late_reports_of_a_purged_call_tell_nothing(books, person, phone) -> None:
    campaign = books.campaign("spring", person(1))
    claim = books.claim_one(campaign)
    books.finish(claim, "ANSWERED_HUMAN")
    end(books, campaign)
    books.now += KEEP
    purge_all(books)
    report = Report(claim.attempt, 9, "record", "story", books.now)
    books.unit(outcomes.late_report, report=report, now=books.now)
    assert books.rows("SELECT e164 FROM numbers") == ["erased:1"]
    assert books.rows("SELECT keep_until FROM recordings") == [0.0]


def test_a_hundred_thousand_ids_are_looked_at_in_parts(books, person, phone) -> None:
    """Contacts far apart, as those of many campaigns are: no unit looks at more than a window of them."""
    campaign = books.campaign("spring", person(1), person(2))
    end(books, campaign)
    books.connection.execute("UPDATE contact_numbers SET contact_id = 100000 WHERE contact_id = 2")
    books.connection.execute("UPDATE contacts SET id = 100000 WHERE id = 2")
    books.now += KEEP
    step = books.unit(purge.blank_some, campaigns=[campaign], after=0)
    assert (step.after, step.changed) == (purge.WINDOW, 1)
    assert purge_all(books) == (["spring"], 2, 2)
