"""What a starting or reconnecting engine asks of the database."""

from __future__ import annotations

from dataclasses import replace

from engine.channel import attempt_id
from engine.store import recovery


def test_an_open_attempt_is_the_claim_that_it_was(books, person, phone) -> None:
    contacts = [person(1, phone(1), phone(11), language="fr"), person(2)]
    contacts[0].fields["NAME"] = "Zoë"
    campaign = books.campaign("spring", *contacts)
    claims = list(books.claim(campaign).claims)
    assert books.unit(recovery.open_attempts, "lab") == claims
    books.finish(claims[1], "BUSY")
    assert books.unit(recovery.open_attempts, "lab") == claims[:1]
    # A second attempt, with a history and a promise behind it.
    books.finish(claims[0], "INVALID_NUMBER", next_at=books.now, next_position=1)
    second = books.claim_one(campaign)
    books.finish(second, "ANSWERED_HUMAN", next_at=books.now, next_callback=True, next_position=1)
    third = books.claim_one(campaign)
    assert (third.kind, third.position, third.invalid) == ("callback", 1, frozenset({0}))
    assert books.unit(recovery.open_attempts, "lab") == [third]


def test_attempts_are_those_of_one_pbx(books, person) -> None:
    ids = books.unit(recovery.register, pbxs=["lab", "office"], trunks={"a": "lab", "c": "office"})
    claim = books.claim_one(books.campaign("spring", person(1)))
    assert books.unit(recovery.open_attempts, "office") == []
    assert books.unit(recovery.still_open, "office") == {}
    assert books.unit(recovery.still_open, "lab") == {claim.attempt: claim.flow_version}
    assert ids["c"][1] != ids["a"][1]
    assert books.unit(recovery.lost_attempts, ["lab", "office"]) == []
    assert books.unit(recovery.lost_attempts, ["office"]) == ["lab"]
    books.finish(claim, "BUSY")
    assert books.unit(recovery.lost_attempts, []) == []


def test_trunks_and_pbxs_keep_their_rows(books) -> None:
    first = books.unit(recovery.register, pbxs=["lab"], trunks={"a": "lab", "b": "lab"})
    assert books.unit(recovery.register, pbxs=["lab"], trunks={"b": "lab", "a": "lab"}) == first
    moved = books.unit(recovery.register, pbxs=["lab", "office"], trunks={"a": "office"})
    assert moved["a"][0] == first["a"][0]
    assert moved["a"][1] != first["a"][1]


def test_a_restart_of_asterisk_is_forgotten_only_when_all_is_settled(books) -> None:
    assert books.unit(recovery.pbx_started, "lab") == ""
    books.unit(recovery.note_started, "lab", "2026-11-24 03:29:12")
    assert books.unit(recovery.pbx_started, "lab") == "2026-11-24 03:29:12"


def test_the_newest_attempt(books, person) -> None:
    assert books.unit(recovery.last_attempt) == 0
    claim = books.claim_one(books.campaign("spring", person(1)))
    assert books.unit(recovery.last_attempt) == claim.attempt
    assert attempt_id(books.now - 1000, claim.attempt) == claim.attempt + 1


def test_the_clock_of_the_last_dial_is_not_its_id(books, person) -> None:
    """After a clock that went back ids stay where they were, and the next start must not see another jump."""
    assert books.unit(recovery.last_dialed) == 0.0
    campaign = books.campaign("spring", person(1), person(2))
    first = books.claim(campaign, slots="a").claims[0]
    assert books.unit(recovery.last_dialed) == books.now
    books.now -= 20.0
    books.connection.execute("UPDATE contacts SET due_at = 0")
    [second] = books.claim(campaign, slots="a").claims
    assert second.attempt == first.attempt + 1
    assert books.unit(recovery.last_dialed) == books.now


def test_what_is_still_open_says_what_the_pbx_must_keep(books, person) -> None:
    campaign = books.campaign("spring", person(1), person(2))
    first, second = books.claim(campaign).claims
    books.finish(replace(first), "BUSY")
    assert books.unit(recovery.still_open, "lab") == {second.attempt: second.flow_version}
    books.finish(second, "BUSY")
    assert books.unit(recovery.still_open, "lab") == {}


def test_calls_that_are_newer_than_the_database_betray_an_old_copy(books, person) -> None:
    assert (
        books.unit(recovery.unknown_newer, [5, 1 << 60]) == []
    )  # a database that never dialed knows nothing either
    claim = books.claim_one(books.campaign("spring", person(1)))
    old, new = claim.attempt - 7, claim.attempt + 7
    assert books.unit(recovery.unknown_newer, [old, claim.attempt]) == []
    assert books.unit(recovery.unknown_newer, [new + 1, old, new]) == [new, new + 1]
    assert books.unit(recovery.pause_all) == ["spring"]
    assert books.unit(recovery.pause_all) == []
