"""The wall clock jumps: what means a length of time moves with it, what means an hour of the day does not."""

from __future__ import annotations

import pytest

from engine.store import clock

GAP = 60.0


@pytest.fixture
def waiting(books, person):
    """A campaign of five: dialed lately and due in two minutes, due now, refused for the hour, refused for the gap, and held."""
    campaign = books.campaign("spring", *(person(row) for row in range(1, 6)))
    claim = books.claim_one(campaign)
    books.finish(claim, "BUSY", next_at=books.now + 120.0)
    others = [row for row in books.rows("SELECT id FROM contacts ORDER BY id") if row != claim.contact_id]
    for contact, verdict, due in zip(
        others, ("", "outside_hours", "gap", ""), (-5.0, 3600.0, 30.0, 1e12), strict=True
    ):
        books.connection.execute(
            "UPDATE contacts SET verdict = ?, due_at = ? WHERE id = ?",
            (verdict, due if due == 1e12 else books.now + due, contact),
        )
    return campaign, claim.contact_id, others


def due(books, contact: int) -> float:
    return books.contact(contact)["due_at"]


@pytest.mark.parametrize("jump", [7200.0, 30.0, -30.0, -7200.0])
def test_delays_and_gaps_move_with_the_clock_and_hours_of_the_day_stay(books, waiting, jump: float) -> None:
    campaign, dialed, (ready, hours, gap, held) = waiting
    before = {one: due(books, one) for one in (dialed, ready, hours, gap, held)}
    last = books.contact(dialed)["last_attempt_at"]
    now = books.now + jump
    books.unit(clock.shift, gaps=[(campaign, GAP)], jump=jump, now=now)
    assert due(books, dialed) == before[dialed] + jump
    assert due(books, gap) == before[gap] + jump
    assert books.contact(dialed)["last_attempt_at"] == last + jump
    assert due(books, hours) == before[hours]
    assert due(books, held) == before[held]
    assert due(books, ready) <= now  # what was due is due


def test_a_long_past_attempt_needs_no_moving(books, waiting) -> None:
    campaign, dialed, _ = waiting
    books.connection.execute(
        "UPDATE contacts SET last_attempt_at = ? WHERE id = ?", (books.now - 9999.0, dialed)
    )
    books.unit(clock.shift, gaps=[(campaign, GAP)], jump=500.0, now=books.now + 500.0)
    assert books.contact(dialed)["last_attempt_at"] == books.now - 9999.0


def test_promises_are_kept_after_the_same_time(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    claim = books.claim_one(campaign)
    books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + 600.0, next_callback=True)
    books.unit(clock.shift, gaps=[(campaign, GAP)], jump=-86400.0, now=books.now - 86400.0)
    assert books.one("SELECT due_at FROM callbacks") == books.now + 600.0 - 86400.0
    assert due(books, claim.contact_id) == books.now + 600.0 - 86400.0
