"""Callbacks that people asked for, and what became of them."""

from __future__ import annotations

import pytest
from rich.console import Console

from engine.errors import InputError
from engine.ops.promises import look
from engine.ops.promises_view import view
from tests.ops.filled import NOON, Books, person


def promised(books: Books) -> int:
    """Four promises: kept, withdrawn, and two due."""
    campaign = books.campaign(
        "shots", [person(at + 2, f"+331990010{at:02d}", external_id=f"p{at}") for at in range(4)]
    )
    for at, claim in enumerate(books.claim(campaign)):
        books.finish(claim, "ANSWERED_HUMAN", talk=5, next_at=books.now + 100 * (at + 1), next_callback=True)
    books.now += 150
    (claim,) = books.claim(campaign)
    books.finish(claim, "ANSWERED_HUMAN", talk=5)
    books.suppress("+33199001001")
    books.now += 100
    assert books.claim(campaign) == []
    return campaign


def test_those_due_come_first_the_next_at_the_top(books: Books) -> None:
    promised(books)
    found = look(books.settings.database, None, None, 100)
    assert found.counts == {"due": 2, "kept": 1, "withdrawn": 1}
    assert [(one.external_id, one.state) for one in found.listed] == [
        ("p2", "due"),
        ("p3", "due"),
        ("p1", "withdrawn"),
        ("p0", "kept"),
    ]
    assert (found.listed[0].due_at, found.listed[0].next_look_at) == (NOON + 300, NOON + 300)
    assert found.listed[3].kept_at == NOON + 150
    assert found.listed[0].asked_in.startswith("v")


def test_by_campaign_state_and_number_of_rows(books: Books) -> None:
    promised(books)
    books.campaign("idle", [person(2, "+33199001009")])
    assert look(books.settings.database, "idle", None, 10).counts == {}
    assert [one.state for one in look(books.settings.database, "shots", "kept", 10).listed] == ["kept"]
    assert len(look(books.settings.database, "shots", None, 1).listed) == 1
    with pytest.raises(InputError, match="'nope'"):
        look(books.settings.database, "nope", None, 10)


def test_where_a_callback_begins_is_told(books: Books) -> None:
    campaign = books.campaign("shots", [person(at, f"+331990010{at:02d}") for at in (2, 3, 4)])
    for at, (claim, start) in enumerate(zip(books.claim(campaign), ("agent", "", "when"), strict=True)):
        books.finish(
            claim,
            "ANSWERED_HUMAN",
            talk=5,
            next_at=books.now + 100 * (at + 1),
            next_callback=True,
            callback_start=start,
        )
    books.now += 100
    (claim,) = books.claim(campaign)
    books.finish(claim, "ANSWERED_HUMAN", talk=5)
    found = look(books.settings.database, None, None, 100)
    assert [(one.state, one.start) for one in found.listed] == [
        ("due", ""),
        ("due", "when"),
        ("kept", "agent"),
    ]
    console = Console(width=140, color_system=None)
    with console.capture() as capture:
        console.print(view(found, NOON + 150))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert lines[-3].endswith("in 50s")
    assert lines[-2].endswith("in 2m30s; begins with when")
    assert lines[-1].endswith("called 0s after; begins with agent")


def test_as_a_person_reads_it(books: Books) -> None:
    promised(books)
    console = Console(width=110, color_system=None)
    with console.capture() as capture:
        console.print(view(look(books.settings.database, None, None, 100), NOON + 250))
    text = capture.get()
    assert "Callbacks: 2 due, 1 kept, 0 missed, 1 withdrawn" in text
    assert "2026-11-24 11:05:00Z" in text
    assert "in 50s" in text
    assert "called 50s after" in text
