"""The books of a chaos run find what they are there to find, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chaos import books, plan
from chaos.heard import Heard
from chaos.waves import GAP
from engine.store.database import migrate

START = 1_795_491_000.0
BUSY, DECLINES, PERSON = (
    next(number for number in map(plan.number, range(plan.CODES)) if plan.behaviour(number).name == name)
    for name in ("busy", "declines", "hangs up")
)
ATTEMPT: dict[str, Any] = {
    "campaign_id": 1, "position": 0, "kind": "first", "pbx_id": 1, "trunk_id": 1, "caller_id": "", "dialed": "",
    "flow_version": "", "rules": "", "created_at": START,
}  # fmt: skip


class Run:
    """A database with one contact for each number, and what the callee heard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Heard] = []
        self.attempts = 0
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            migrate(connection)
            connection.execute("PRAGMA foreign_keys = OFF")
            for row, number in enumerate((BUSY, DECLINES, PERSON), start=1):
                connection.execute("INSERT INTO numbers (id, e164) VALUES (?, ?)", (row, number))
                connection.execute(
                    "INSERT INTO contacts (id, campaign_id, job_id, row, state, due_at, number_id, disposition)"
                    " VALUES (?, 1, 'j', ?, 'done', 0, ?, 'BUSY')",
                    (row, row, row),
                )

    def attempt(self, number: str, disposition: str, at: float, **more: Any) -> None:
        """An attempt that ended so."""
        self.attempts += 1
        row = (BUSY, DECLINES, PERSON).index(number) + 1
        values = ATTEMPT | {"id": self.attempts, "contact_id": row, "number_id": row, "sent_at": at,
                            "disposition": disposition} | more  # fmt: skip
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(
                f"INSERT INTO attempts ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            )

    def invite(self, number: str, at: float) -> None:
        self.heard.append(Heard(at, "invite", number, f"call-{len(self.heard)}", ""))

    def violations(self) -> list[str]:
        return books.check(self.path, self.heard, [], loaded=3, cps=100).violations


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "volley.db")


def test_what_both_sides_know_is_in_order(run: Run) -> None:
    run.attempt(BUSY, "BUSY", START, sip=486)
    run.attempt(BUSY, "BUSY", START + GAP, sip=486)
    run.attempt(PERSON, "ANSWERED_HUMAN", START, answered_at=START + 1)
    for number, at in ((BUSY, START), (BUSY, START + GAP), (PERSON, START)):
        run.invite(number, at)
    assert run.violations() == []


@pytest.mark.parametrize(
    "row",
    [
        {"number": BUSY, "disposition": "BUSY", "sip": 486},
        {"number": PERSON, "disposition": "ANSWERED_HUMAN", "answered_at": START + 1},
        {"number": PERSON, "disposition": "UNKNOWN", "rang": 1},
        {"number": DECLINES, "disposition": "CANCELLED", "sip": 603, "rang": 1},
    ],
)
def test_a_proven_call_that_the_callee_never_heard_of(run: Run, row: dict[str, Any]) -> None:
    run.attempt(at=START, **row)
    [told] = run.violations()
    assert f"{row['number']} was called 0 times, with 1 attempts proven" in told
    assert row["disposition"] in told


@pytest.mark.parametrize(
    "row",
    [
        {"number": PERSON, "disposition": "CANCELLED", "sip": 603},
        {"number": DECLINES, "disposition": "CANCELLED", "sip": 603},
        {"number": PERSON, "disposition": "FAILED", "sip": 480},
        {"number": BUSY, "disposition": "FAILED", "sip": 408},
        {"number": BUSY, "disposition": "UNKNOWN"},
        {"number": BUSY, "disposition": "NOT_SENT"},
    ],
)
def test_asterisks_own_word_proves_no_call(run: Run, row: dict[str, Any]) -> None:
    """Measured: a call that is hung up before its INVITE has left ends with 603, one whose time is up with 480 or 408."""
    run.attempt(at=START, **row)
    assert run.violations() == []


def test_a_call_too_many(run: Run) -> None:
    run.attempt(BUSY, "BUSY", START, sip=486)
    run.attempt(BUSY, "NOT_SENT", START + GAP)
    run.invite(BUSY, START)
    run.invite(BUSY, START + GAP)
    [told] = run.violations()
    assert f"{BUSY} was called 2 times, in 1 attempts" in told
    assert "NOT_SENT" in told


def test_calls_inside_the_gap(run: Run) -> None:
    for at in (START, START + GAP / 2):
        run.attempt(BUSY, "BUSY", at, sip=486)
        run.invite(BUSY, at)
    assert [told.partition(":")[0] for told in run.violations()] == [
        "1 attempts sent inside the gap",
        "1 INVITEs inside the gap",
    ]


def test_a_number_that_nobody_tried(run: Run) -> None:
    run.invite(BUSY, START)
    [told] = run.violations()
    assert "calls to numbers without an attempt" in told
