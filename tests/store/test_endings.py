"""Ends that share a commit come to the same as each in a transaction of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.channel import Report
from engine.store import endings, rows
from engine.store.outcomes import Outcome
from tests.store.conftest import NOW, Books, contact, number

TABLES = (
    "attempts",
    "contacts",
    "campaigns",
    "call_events",
    "callbacks",
    "abandonment",
    "usage",
    "recordings",
    "decisions",
)
CONTACTS = 9
PLAY = ("play", "message")

ends = st.fixed_dictionaries(
    {
        "disposition": st.sampled_from(
            ["ANSWERED_HUMAN", "ANSWERED_MACHINE", "BUSY", "NO_ANSWER", "INVALID_NUMBER", "CONGESTION", "NOT_SENT", "CANCELLED",
             "UNKNOWN"]
        ),
        "next_at": st.sampled_from([None, NOW + 60.5]),
        "next_position": st.sampled_from([0, 1]),
        "next_callback": st.booleans(),
        "result": st.sampled_from(["", "heard"]),
        "cost": st.sampled_from([0.0, 0.25]),
        "sip": st.sampled_from([0, 486]),
        "heard": st.sampled_from([None, 0.5]),
        "answered": st.booleans(),
        "reports": st.lists(
            st.sampled_from([PLAY, ("amd", "HUMAN/HUMAN-700-306"), ("key", "1@message"), ("optout", "message"), ("record", "message")]),
            max_size=3,
        ),
    }
)  # fmt: skip


def world(folder: Path, cancelled: bool) -> tuple[Books, list[Any]]:
    """Two campaigns of contacts with two numbers each, all of them in a call; the last one of those holds money."""
    books = Books(folder / "volley.db")
    one = books.campaign("one", *(contact(at, number(2 * at), number(2 * at + 1)) for at in range(1, 7)))
    two = books.campaign("two", *(contact(at, number(2 * at), number(2 * at + 1)) for at in range(7, 10)))
    claims = [*books.claim(one, slots="a" * 6).claims, *books.claim(two, slots="a" * 3).claims]
    books.unit(lambda db: db.execute("UPDATE attempts SET held = 0.5 WHERE id = ?", (claims[2].attempt,)))
    if cancelled:
        books.unit(lambda db: db.execute("UPDATE campaigns SET state = 'cancelled' WHERE id = ?", (two,)))
        books.unit(
            lambda db: db.execute("UPDATE contacts SET state = 'done' WHERE id = ?", (claims[1].contact_id,))
        )
        books.unit(
            lambda db: db.execute(
                "UPDATE campaigns SET open_contacts = open_contacts - 1 WHERE id = ?", (one,)
            )
        )
    assert len(claims) == CONTACTS
    return books, claims


def outcome(claim: Any, end: dict[str, Any]) -> Outcome:
    followed = end["next_at"] is not None
    return Outcome(
        attempt=claim.attempt, contact_id=claim.contact_id, campaign_id=claim.campaign_id, number_id=claim.number_id,
        ended_at=NOW + 20.25, sent_at=NOW + 0.125, dialed_at=NOW + 0.25, answered_at=NOW + 5.5 if end["answered"] else None,
        rang=end["answered"], rang_at=NOW + 1 if end["answered"] else None, disposition=end["disposition"],
        counted=end["disposition"] not in ("CONGESTION", "NOT_SENT", "CANCELLED"), cause=16, sip=end["sip"], amd="", note="n",
        result=end["result"], heard=end["heard"], cost=end["cost"], position=claim.position, next_at=end["next_at"],
        next_position=end["next_position"], next_callback=end["next_callback"] and followed,
        reports=[Report(claim.attempt, seq, kind, value, NOW + 6 + seq) for seq, (kind, value) in enumerate(end["reports"], 1)],
    )  # fmt: skip


def dump(books: Books) -> dict[str, list[Any]]:
    return {
        table: books.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ends, min_size=2, max_size=CONTACTS), st.booleans(), st.booleans())
def test_the_same_books_as_one_by_one(drawn: list[dict[str, Any]], cancelled: bool, again: bool) -> None:
    with tempfile.TemporaryDirectory() as made:
        folders = [Path(made) / name for name in ("alone", "together")]
        for folder in folders:
            folder.mkdir()
        alone, claims = world(folders[0], cancelled)
        together, same = world(folders[1], cancelled)
        assert claims == same
        wanted = [outcome(claim, end) for claim, end in zip(claims, drawn, strict=False)]
        if again:
            wanted.append(wanted[0])  # the same attempt ends a second time
        expected = [alone.unit(lambda db, one=one: endings.finish_all(db, [one])[0]) for one in wanted]
        stored = together.unit(endings.finish_all, wanted)
        assert dump(together) == dump(alone)
        assert [(one.fresh, one.missed) for one in stored] == [(one.fresh, one.missed) for one in expected]
        assert [one.contact_done for one in stored] == [one.contact_done for one in expected]
        assert min(one.campaign_open for one in stored) == min(one.campaign_open for one in expected)
        for books in (alone, together):
            books.connection.close()


def test_a_promise_that_is_missed_is_told(books: Books) -> None:
    """A contact that is over while a promise to it is due: not plain, so the one way for it."""
    campaign = books.campaign("one", contact(1), contact(2))
    first, second = books.claim(campaign, slots="aa").claims
    books.unit(
        lambda db: db.execute(
            "INSERT INTO callbacks (contact_id, attempt_id, asked_at, due_at) VALUES (?, ?, ?, ?)",
            (first.contact_id, first.attempt, NOW, NOW),
        )
    )
    end = {"disposition": "BUSY", "next_at": None, "next_position": 0, "next_callback": False, "result": "", "cost": 0.0, "sip": 486,
           "heard": None, "answered": False, "reports": []}  # fmt: skip
    stored = books.unit(endings.finish_all, [outcome(first, end), outcome(second, end)])
    assert [one.missed for one in stored] == [True, False]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 21, 64, 150])
def test_rows_of_any_number(books: Books, count: int) -> None:
    wanted = [(at, f"+3319900{at:04d}") for at in range(1, count + 1)]
    books.unit(rows.write, "INSERT INTO numbers (id, e164) VALUES %s", wanted)
    assert books.rows("SELECT id, e164 FROM numbers ORDER BY id") == wanted
    found = books.unit(
        lambda db: list(
            rows.read(db, "SELECT id FROM numbers WHERE id IN (VALUES %s)", range(0, 2 * count, 2))
        )
    )
    assert sorted(found) == [(at,) for at in range(2, count + 1, 2)]
