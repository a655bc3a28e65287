"""Campaigns and contacts on the way in; adding, removing, taking back, completing."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from engine.contacts import Consent
from engine.store import campaigns, jobs, loading
from engine.store.jobs import JobRow


def begin(books, name: str = "spring", **more) -> int:
    return books.unit(
        jobs.begin_job, job_id=f"job-{name}", fingerprint=f"print-{name}", source=name,
        campaign=books.new_campaign(name, **more), now=books.now,
    )  # fmt: skip


def close(books, name: str = "spring", parsed: int = 0, refused: int = 0) -> JobRow:
    return books.unit(jobs.close_job, job_id=f"job-{name}", parsed=parsed, refused=refused, now=books.now)


def state(books, campaign: int) -> str:
    return books.one("SELECT state FROM campaigns WHERE id = ?", campaign)


# -- on the way in -----------------------------------------------------------------------------------------------------


def test_a_campaign_is_not_dialed_before_its_job_is_taken_in(books, person) -> None:
    campaign = begin(books)
    books.add("job-spring", campaign, person(1), person(2))
    assert state(books, campaign) == "loading"
    assert books.unit(campaigns.open_campaigns) == []
    job = close(books, parsed=2)
    assert job == JobRow("job-spring", campaign, "spring", "accepted", 2, 2, 0)
    [row] = books.unit(campaigns.open_campaigns)
    assert (row.id, row.name, row.state, row.priority, row.open_contacts) == (
        campaign,
        "spring",
        "running",
        50,
        2,
    )
    assert row.manifest == {"id": "spring"}
    assert books.unit(campaigns.flow_entries, row.flow_version) == {"max": "60"}
    assert books.unit(campaigns.campaign, campaign) == row
    assert books.unit(campaigns.campaign_state, "spring") == (campaign, "running")
    assert books.unit(campaigns.campaign_state, "autumn") is None


def test_a_campaign_of_the_future_is_scheduled(books) -> None:
    campaign = begin(books, start_at=books.now + 60)
    close(books)
    assert state(books, campaign) == "scheduled"


def test_a_batch_and_how_far_it_got_are_one(books, person) -> None:
    """After a crash the job goes on behind `through_row`: what is stored is not stored again, what is not is not passed over."""
    campaign = begin(books)
    books.add("job-spring", campaign, person(2), person(3))

    def crash(connection: sqlite3.Connection) -> None:
        loading.add_contacts(
            connection,
            "job-spring",
            campaign,
            [person(4), person(5)],
            5,
            books.now,
            reject_known_numbers=False,
        )
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        books.unit(crash)
    job = books.unit(jobs.find_job, "job-spring", "")
    assert (job.through_row, job.accepted) == (3, 2)
    whole = [person(row) for row in range(2, 6)]
    books.add("job-spring", campaign, *(one for one in whole if one.row > job.through_row))
    assert books.rows("SELECT row FROM contacts ORDER BY row") == [2, 3, 4, 5]
    assert close(books, parsed=4, refused=3).rejected == 3


def test_the_same_content_is_known_by_name_and_by_fingerprint(books) -> None:
    campaign = begin(books)
    found = books.unit(jobs.find_job, "another-name", "print-spring")
    assert (found.id, found.campaign_id, found.campaign, found.state) == (
        "job-spring",
        campaign,
        "spring",
        "loading",
    )
    assert books.unit(jobs.find_job, "job-spring", "other-print") == found
    assert books.unit(jobs.find_job, "another-name", "other-print") is None
    with pytest.raises(sqlite3.IntegrityError):
        books.unit(
            jobs.begin_job,
            job_id="again",
            fingerprint="print-spring",
            source="x",
            campaign=books.new_campaign("b"),
            now=books.now,
        )
    assert books.unit(campaigns.campaign_state, "b") is None


def test_two_campaigns_may_share_a_flow(books) -> None:
    first, second = begin(books, "one"), begin(books, "two")
    third = replace(books.new_campaign("three"), flow_version="flow-one")
    books.unit(jobs.begin_job, job_id="j", fingerprint="p", source="x", campaign=third, now=books.now)
    assert first != second
    assert books.rows("SELECT version FROM flows ORDER BY version") == ["flow-one", "flow-two"]


def test_collisions_are_told_and_the_rest_is_taken(books, person, phone) -> None:
    campaign = begin(books)
    assert (
        books.add("job-spring", campaign, person(1, external_id="anna"), person(2, external_id="bob")) == []
    )
    found = books.add(
        "job-spring", campaign, person(3, external_id="anna"), person(4, external_id="carol"), person(5)
    )
    assert [(one.row, one.code) for one in found] == [(3, "duplicate_id")]
    found = books.add(
        "job-spring", campaign, person(6, phone(2)), person(7, phone(20), phone(1)), person(8), reject=True
    )
    assert [(one.row, one.code) for one in found] == [(6, "duplicate_number"), (7, "duplicate_number")]
    assert "anna" in books.add("job-spring", campaign, person(9, external_id="anna"))[0].reason
    job = close(books, parsed=9, refused=2)
    assert (job.accepted, job.rejected) == (5, 6)
    assert books.one("SELECT open_contacts FROM campaigns") == 5


@pytest.mark.parametrize("reject", [True, False])
def test_a_batch_is_stored_as_its_contacts_one_by_one(books, person, phone, reject) -> None:
    """Numbers that are known, new and repeated, ids that are taken and repeated, in batches that take several statements."""
    dice = random.Random(6)
    people = [
        person(
            row,
            *(phone(which) for which in dice.sample(range(99), dice.choice((1, 1, 2, 3)))),
            external_id=dice.choice((None, f"id-{dice.randrange(150)}")),
        )
        for row in range(1, 161)
    ]
    together, one_by_one = begin(books, "together"), begin(books, "one-by-one")
    known, batch = people[:20], people[20:]
    assert books.add("job-together", together, *known, reject=reject) == [
        collision
        for one in known
        for collision in books.add("job-one-by-one", one_by_one, one, reject=reject)
    ]
    found = books.add("job-together", together, *batch, reject=reject)
    assert found == [
        collision
        for one in batch
        for collision in books.add("job-one-by-one", one_by_one, one, reject=reject)
    ]
    assert {one.code for one in found} == (
        {"duplicate_number", "duplicate_id"} if reject else {"duplicate_id"}
    )

    def stored(campaign: int) -> list[object]:
        return books.rows(
            "SELECT c.row, c.external_id, c.number_id, c.numbers, n.position, n.number_id FROM contacts c"
            " JOIN contact_numbers n ON n.contact_id = c.id WHERE c.campaign_id = ? ORDER BY c.id, n.position",
            campaign,
        )

    assert stored(together) == stored(one_by_one)
    assert (
        books.rows("SELECT open_contacts FROM campaigns")
        == [books.one("SELECT count(*) FROM contacts WHERE campaign_id = ?", together)] * 2
    )


def test_another_campaign_has_ids_and_numbers_of_its_own(books, person) -> None:
    begin(books, "one")
    first = books.add("job-one", 1, person(1, external_id="anna"), reject=True)
    second = begin(books, "two")
    assert first == books.add("job-two", second, person(1, external_id="anna"), reject=True) == []
    assert books.one("SELECT count(*) FROM numbers") == 1


def test_a_contact_is_stored_whole(books, person, phone) -> None:
    campaign = begin(books)
    expires = datetime(2026, 12, 1, 12, tzinfo=UTC)
    consent = Consent(
        "marketing", datetime(2026, 1, 2, tzinfo=UTC), "web form", "ref-1", "I agree, à bientôt"
    )
    whole = person(
        7, phone(1), phone(2), external_id="anna", timezone="Asia/Tokyo", language="ja", consent=consent,
        call_from=time(9, 30), call_to=time(17), not_before=expires, expires=expires,
    )  # fmt: skip
    whole.fields.update({"NAME": "Zoë", "CITY": "東京"})
    books.add("job-spring", campaign, whole)
    row = books.contact(1)
    assert (row["row"], row["external_id"], row["timezone"], row["language"]) == (
        7,
        "anna",
        "Asia/Tokyo",
        "ja",
    )
    assert (row["call_from"], row["call_to"]) == ("09:30:00", "17:00:00")
    assert row["not_before"] == row["expires"] == expires.timestamp()
    assert "Zoë" in row["fields"]
    assert "à bientôt" in row["consent"]
    assert books.rows(
        "SELECT e164 FROM contact_numbers JOIN numbers ON id = number_id ORDER BY position"
    ) == [phone(1).e164, phone(2).e164]


def test_a_number_s_zones_follow_what_is_known_of_it_now(books, person, phone) -> None:
    campaign = begin(books)
    books.add("job-spring", campaign, person(1, phone(1, ())))
    books.add("job-spring", campaign, person(2, phone(1, ("Europe/Paris", "Europe/Monaco"))))
    assert books.rows("SELECT zones FROM numbers") == ["Europe/Paris,Europe/Monaco"]


# -- adding, and taking back -------------------------------------------------------------------------------------------


def add_job(books, campaign: int, name: str, *contacts) -> JobRow:
    books.unit(
        jobs.begin_job,
        job_id=f"job-{name}",
        fingerprint=f"print-{name}",
        source=name,
        campaign=campaign,
        now=books.now,
    )
    books.add(f"job-{name}", campaign, *contacts)
    return close(books, name, len(contacts))


def test_adding_to_a_completed_campaign_opens_it_again(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.finish(books.claim_one(campaign), "ANSWERED_HUMAN")
    assert books.unit(campaigns.complete, campaign, books.now)
    assert state(books, campaign) == "completed"
    assert add_job(books, campaign, "nothing-new").accepted == 0
    assert state(books, campaign) == "completed"
    assert add_job(books, campaign, "more", person(2)).accepted == 1
    assert state(books, campaign) == "running"
    assert books.one("SELECT closed_at FROM campaigns") is None
    assert len(books.claim(campaign).claims) == 1


def test_adding_leaves_a_paused_campaign_paused(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.unit(campaigns.set_state, campaign, "paused", books.now)
    add_job(books, campaign, "more", person(2))
    assert state(books, campaign) == "paused"


def test_a_job_is_closed_once(books, person) -> None:
    campaign = begin(books)
    books.add("job-spring", campaign, person(1))
    assert close(books, parsed=3, refused=1).rejected == 3
    books.unit(campaigns.set_state, campaign, "paused", books.now)
    assert close(books, parsed=9, refused=9).rejected == 3
    assert state(books, campaign) == "paused"


def test_a_broken_job_leaves_nothing(books, person) -> None:
    campaign = begin(books)
    books.add("job-spring", campaign, *(person(row) for row in range(1, 8)))
    dropped = []
    while count := books.unit(jobs.drop_job, "job-spring", 3):
        dropped.append(count)
        books.check()
    assert dropped == [3, 3, 1]
    for table in ("campaigns", "jobs", "contacts", "contact_numbers", "decisions", "attempts"):
        assert books.one(f"SELECT count(*) FROM {table}") == 0, table
    assert books.unit(jobs.drop_job, "job-spring", 3) == 0
    begin(books)  # the same name and content again


def test_a_broken_addition_takes_back_only_its_own(books, person) -> None:
    campaign = books.campaign("spring", person(1), person(2))
    books.unit(
        jobs.begin_job,
        job_id="job-more",
        fingerprint="more",
        source="x",
        campaign=campaign,
        now=books.now,
    )
    books.add("job-more", campaign, *(person(row) for row in range(3, 7)), due_at=books.now - 1)
    called = books.claim(campaign, slots="aa").claims  # two of the new ones: they are due first
    assert len(called) == 2
    books.finish(called[0], "BUSY", next_at=books.now + 60)
    while books.unit(jobs.drop_job, "job-more", 1):
        books.check()
    # What was dialed keeps its story: one waits no more, one is still in its call.
    assert books.rows("SELECT row, state, disposition FROM contacts ORDER BY row") == [
        (1, "pending", ""), (2, "pending", ""), (3, "done", "CANCELLED"), (4, "in_call", "")
    ]  # fmt: skip
    assert books.unit(jobs.find_job, "job-more", "more") is None
    assert len(books.opt_out(called[0])) == 1
    books.finish(called[1], "ANSWERED_HUMAN")
    assert books.one("SELECT open_contacts FROM campaigns") == 2


def test_a_job_that_was_taken_in_is_not_taken_back(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    assert books.unit(jobs.drop_job, "job-spring", 10) == 0
    assert books.unit(jobs.drop_job, "no-such-job", 10) == 0
    assert state(books, campaign) == "running"
    assert books.one("SELECT count(*) FROM contacts") == 1


# -- states ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["running", "paused", "scheduled", "cancelled", "failed"])
def test_only_an_open_campaign_changes(books, person, wanted: str) -> None:
    campaign = books.campaign("spring", person(1))
    assert books.unit(campaigns.set_state, campaign, wanted, books.now) == wanted
    books.unit(campaigns.set_state, campaign, "cancelled", books.now)
    assert books.unit(campaigns.set_state, campaign, wanted, books.now) in ("cancelled", "failed")
    loading = begin(books, "loading")
    assert books.unit(campaigns.set_state, loading, wanted, books.now) == "loading"


def test_instants_of_a_campaign(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.unit(campaigns.set_state, campaign, "running", books.now + 1)
    books.unit(campaigns.set_state, campaign, "paused", books.now + 2)
    books.unit(campaigns.set_state, campaign, "running", books.now + 3)
    assert books.rows("SELECT first_dial_at, closed_at FROM campaigns") == [(books.now + 1, None)]
    books.unit(campaigns.set_state, campaign, "cancelled", books.now + 4)
    assert books.rows("SELECT first_dial_at, closed_at FROM campaigns") == [(books.now + 1, books.now + 4)]


def test_a_campaign_is_completed_when_nothing_is_left_and_nothing_comes(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    assert not books.unit(campaigns.complete, campaign, books.now)
    claim = books.claim_one(campaign)
    assert not books.unit(campaigns.complete, campaign, books.now)
    books.unit(
        jobs.begin_job,
        job_id="job-more",
        fingerprint="more",
        source="x",
        campaign=campaign,
        now=books.now,
    )
    books.finish(claim, "ANSWERED_HUMAN")
    assert not books.unit(campaigns.complete, campaign, books.now)  # a job is adding to it
    close(books, "more")
    assert books.unit(campaigns.complete, campaign, books.now)
    assert not books.unit(campaigns.complete, campaign, books.now)
    assert books.unit(campaigns.open_campaigns) == []


def test_ending_what_waits_in_slices(books, person) -> None:
    campaign = books.campaign("spring", *(person(row) for row in range(1, 8)))
    live = books.claim(campaign, slots="aa").claims
    counts = []
    while count := books.unit(campaigns.close_pending, campaign, "EXPIRED", "campaign_over", 2):
        counts.append(count)
        books.check()
    assert counts == [2, 2, 1]
    assert books.rows("SELECT state, disposition, verdict, count(*) FROM contacts GROUP BY 1 ORDER BY 1") == [
        ("done", "EXPIRED", "campaign_over", 5), ("in_call", "", "allowed", 2)
    ]  # fmt: skip
    for claim in live:
        books.finish(claim, "BUSY", next_at=books.now + 60)
    assert books.one("SELECT open_contacts FROM campaigns") == 2


def test_removing_by_external_id(books, person) -> None:
    campaign = books.campaign(
        "spring", person(1, external_id="anna"), person(2, external_id="bob"), person(3, external_id="carol")
    )
    books.finish(books.claim_one(campaign), "ANSWERED_HUMAN")  # anna is done
    assert books.unit(campaigns.remove_contacts, campaign, ["anna", "bob", "bob", "zoe"]) == (1, ["zoe"])
    assert books.rows("SELECT external_id, state, disposition FROM contacts ORDER BY row") == [
        ("anna", "done", "ANSWERED_HUMAN"), ("bob", "done", "CANCELLED"), ("carol", "pending", "")
    ]  # fmt: skip
    assert [claim.e164[-2:] for claim in books.claim(campaign).claims] == ["03"]


def test_held_contacts_are_released_in_slices(books, person) -> None:
    campaign = books.campaign("spring")
    books.add("job-spring", campaign, *(person(row) for row in range(1, 6)), due_at=loading.HELD)
    assert [books.unit(loading.release_held, campaign, books.now, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert len(books.claim(campaign).claims) == 5


def test_what_has_changed_is_told_without_reading_everything_again(books, person) -> None:
    one, two = books.campaign("one", person(1)), books.campaign("two", person(2))
    found = books.unit(campaigns.changes, known=frozenset({one}), since=books.now + 5)
    assert sorted(found.states) == [(one, "running"), (two, "running")]
    assert [row.id for row in found.new] == [two]
    assert (found.grown, found.empty) == ([], [])
    found = books.unit(campaigns.changes, known=frozenset({one, two}), since=books.now - 5)
    assert (found.new, sorted(found.grown)) == ([], [one, two])
    books.finish(books.claim_one(one), "ANSWERED_HUMAN")
    assert books.unit(campaigns.changes, known=frozenset(), since=books.now).empty == [one]
