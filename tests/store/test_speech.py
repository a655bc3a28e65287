"""Contacts who wait for what is spoken to them alone: no claim sees them before it is there."""

from __future__ import annotations

from typing import Any

import pytest

from engine.store import campaigns, jobs, loading, speech
from engine.store.loading import HELD, WORDLESS
from engine.store.speech import Wordless

SOUND = "speech-0a1b2c3d-1/" + "f" * 32


@pytest.fixture
def waiting(books: Any, person: Any) -> int:
    """A campaign of three contacts who wait for their speech."""
    campaign = books.campaign("spring", person(1, language="fr"), person(2), person(3), spoken_to=True)
    found: int = campaign
    return found


def due_at(books: Any, row: int) -> float:
    found: float = books.one("SELECT due_at FROM contacts WHERE row = ?", row)
    return found


def test_nobody_is_due_before_the_words_are_there(books: Any, waiting: int) -> None:
    assert books.rows("SELECT DISTINCT due_at, speech FROM contacts") == [(WORDLESS, "wanted")]
    result = books.claim(waiting)
    assert (result.claims, result.exhausted) == ((), {waiting: WORDLESS})
    found = books.unit(speech.wanted, campaign_id=waiting, limit=2)
    assert found == [Wordless(1, "fr", {}), Wordless(2, "", {})]


def test_a_contact_that_waits_is_not_claimed_even_when_it_were_due(books: Any, waiting: int) -> None:
    books.connection.execute("UPDATE contacts SET due_at = 0")
    assert books.claim(waiting).claims == ()


def test_ready_contacts_are_due_at_once_and_their_sounds_go_with_the_call(books: Any, waiting: int) -> None:
    books.unit(speech.ready, names={1: [SOUND], 3: [SOUND, SOUND]}, now=books.now)
    assert [due_at(books, row) for row in (1, 2, 3)] == [books.now, WORDLESS, books.now]
    assert books.unit(speech.ahead, campaign_id=waiting) == 2
    claimed = {claim.contact_id: claim.speech for claim in books.claim(waiting).claims}
    assert claimed == {1: f'["{SOUND}"]', 3: f'["{SOUND}", "{SOUND}"]'}
    assert books.unit(speech.ahead, campaign_id=waiting) == 0, "those in a call are not ahead any more"
    assert books.unit(speech.in_use, campaign_id=waiting) == {1: [SOUND], 3: [SOUND, SOUND]}


def test_ready_twice_changes_nothing(books: Any, waiting: int) -> None:
    books.unit(speech.ready, names={1: [SOUND]}, now=books.now)
    books.connection.execute("UPDATE contacts SET due_at = 5 WHERE id = 1")
    books.unit(speech.ready, names={1: ["x"]}, now=books.now)
    assert books.one("SELECT due_at, speech FROM contacts WHERE id = 1") == (5.0, f'["{SOUND}"]')


def test_contacts_of_a_job_that_is_not_in_whole_wait_for_that_too(
    books: Any, waiting: int, person: Any
) -> None:
    books.unit(
        jobs.begin_job, job_id="more", fingerprint="more", source="more", campaign=waiting, now=books.now
    )
    books.unit(
        loading.add_contacts, job_id="more", campaign_id=waiting, contacts=[person(9)], through_row=9, due_at=HELD,
        reject_known_numbers=True, spoken_to=True,
    )  # fmt: skip
    books.unit(speech.ready, names={4: [SOUND]}, now=books.now)
    assert due_at(books, 9) == HELD
    books.unit(loading.release_held, campaign_id=waiting, now=books.now, limit=10)
    assert due_at(books, 9) == books.now

    books.unit(
        loading.add_contacts, job_id="more", campaign_id=waiting, contacts=[person(10)], through_row=10, due_at=HELD,
        reject_known_numbers=True, spoken_to=True,
    )  # fmt: skip
    books.unit(loading.release_held, campaign_id=waiting, now=books.now, limit=10)
    assert due_at(books, 10) == WORDLESS, "what releases the job does not release who has no words"
    books.unit(jobs.close_job, job_id="more", parsed=2, refused=0, now=books.now)
    books.unit(speech.ready, names={5: [SOUND]}, now=books.now)
    assert due_at(books, 10) == books.now


def test_a_failure_ends_the_contact(books: Any, waiting: int) -> None:
    books.unit(speech.ready, names={1: [SOUND]}, now=books.now)
    assert books.unit(speech.failed, contact_ids=[1, 2, 2, 77]) == [2]
    assert books.rows("SELECT state, disposition, verdict FROM contacts ORDER BY id") == [
        ("pending", "", ""), ("done", "FAILED", "speech_failed"), ("pending", "", "")
    ]  # fmt: skip
    assert books.one("SELECT open_contacts FROM campaigns") == 2
    assert [one.contact_id for one in books.unit(speech.wanted, campaign_id=waiting, limit=9)] == [3]


def test_lost_sounds_are_wanted_again(books: Any, waiting: int) -> None:
    books.unit(speech.ready, names={1: [SOUND], 2: [SOUND]}, now=books.now)
    books.claim(waiting, slots="a")
    assert books.unit(speech.lost, contact_ids=[1, 2]) == 1, "the one in a call goes on"
    assert [one.contact_id for one in books.unit(speech.wanted, campaign_id=waiting, limit=9)] == [2, 3]
    assert due_at(books, 2) == WORDLESS


def test_who_is_done_wants_nothing(books: Any, waiting: int) -> None:
    books.unit(campaigns.close_pending, waiting, "CANCELLED", "campaign_cancelled", 10)
    assert books.unit(speech.wanted, campaign_id=waiting, limit=9) == []
    assert books.unit(speech.in_use, campaign_id=waiting) == {}
