"""The list of numbers never to be called again."""

from __future__ import annotations

from engine.store import suppression


def test_who_is_on_the_list_keeps_the_first_entry(books, phone) -> None:
    first = books.suppress(phone(1), phone(2))
    books.now += 100
    again = books.unit(
        suppression.suppress,
        numbers=[phone(2), phone(3)],
        reason="later",
        source="file",
        actor="bob",
        now=books.now,
    )
    assert again[0] == first[1]
    assert books.rows(
        "SELECT number_id, since, reason, source, actor FROM suppression ORDER BY number_id"
    ) == [
        (first[0], books.now - 100, "asked", "command", "anna"),
        (first[1], books.now - 100, "asked", "command", "anna"),
        (again[1], books.now, "later", "file", "bob"),
    ]


def test_a_number_that_is_known_keeps_what_is_known_of_it(books, person, phone) -> None:
    books.campaign("spring", person(1))
    books.suppress(phone(1, ()))
    assert books.rows("SELECT e164, zones FROM numbers") == [(phone(1).e164, "Europe/Paris")]


def test_a_number_that_nobody_has_can_be_suppressed_beforehand(books, person, phone) -> None:
    books.suppress(phone(5))
    campaign = books.campaign("spring", person(5))
    found = books.claim(campaign)
    assert found.claims == ()
    assert [one.verdict.reason for one in found.refusals] == ["suppressed"]


def test_taking_a_number_off_the_list(books, person, phone) -> None:
    ids = books.suppress(phone(1), phone(2))
    assert books.unit(suppression.unsuppress, [phone(1).e164, phone(1).e164, phone(9).e164]) == ids[:1]
    campaign = books.campaign("spring", person(1), person(2))
    assert [claim.e164 for claim in books.claim(campaign).claims] == [phone(1).e164]
