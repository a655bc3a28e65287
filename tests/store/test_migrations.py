"""A database that an older Volley filled: nothing of it is lost, and the engine goes on with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.store import recovery
from engine.store.database import migrate, migrations
from tests.store.conftest import NOW, Books

FILLED = """
INSERT INTO pbxs (id, name) VALUES (1, 'lab');
INSERT INTO trunks (id, name, pbx_id) VALUES (1, 'a', 1);
INSERT INTO flows (version, entries) VALUES ('flow', '{}');
INSERT INTO campaigns (id, name, title, priority, owner, purpose, state, manifest, flow_version, start_at, created_at, open_contacts)
 VALUES (1, 'spring', '', 50, 'Anna', 'informational', 'running', '{"id": "spring"}', 'flow', 1.0, 1.0, 2);
INSERT INTO numbers (id, e164, region, kind, zones) VALUES
 (1, '+33199001001', 'FR', 'fixed', 'Europe/Paris'), (2, '+33199001002', 'FR', 'fixed', 'Europe/Paris');
INSERT INTO contacts (id, campaign_id, job_id, row, due_at, number_id, attempts, tries, callback_id, disposition, goal, fields, state)
 VALUES (1, 1, 'job', 2, 100.0, 1, 1, '{"ANSWERED_HUMAN":1}', 1, 'ANSWERED_HUMAN', 'call_back', '{"NAME":"Zoe"}', 'pending'),
        (2, 1, 'job', 3, 100.0, 2, 0, '{}', NULL, '', '', '{}', 'in_call');
INSERT INTO contact_numbers (contact_id, position, number_id) VALUES (1, 0, 1), (2, 0, 2);
INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id, dialed, flow_version, rules,
 created_at, sent_at, answered_at, ended_at, disposition, counted, result) VALUES
 (65536, 1, 1, 1, 0, 'first', 1, 1, '+33162000001', '+33199001001', 'flow', 'v1', 1.0, 1.0, 5.0, 9.0, 'ANSWERED_HUMAN', 1, 'call_back'),
 (131072, 2, 1, 2, 0, 'first', 1, 1, '+33162000001', '+33199001002', 'flow', 'v1', 50.0, 50.0, NULL, NULL, NULL, 0, '');
INSERT INTO decisions (at, contact_id, number_id, campaign_id, attempt_id, reason, zones, rules) VALUES
 (1.0, 1, 1, 1, 65536, 'allowed', 'Europe/Paris', 'v1'), (50.0, 2, 2, 1, 131072, 'allowed', 'Europe/Paris', 'v1');
INSERT INTO call_events (attempt_id, seq, kind, value, at) VALUES (65536, 1, 'callback', '90', 6.0), (65536, 2, 'result', 'call_back', 6.0);
INSERT INTO callbacks (id, contact_id, attempt_id, asked_at, due_at) VALUES (1, 1, 65536, 6.0, 96.0);
"""
"""A promise that is due, and a call that lives."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of version 4, as the engine before flows of several nodes left it."""
    path = tmp_path / "volley.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for number, script in migrations():
        if number <= 4:
            connection.executescript(script)
    connection.execute("PRAGMA user_version = 4")
    connection.executescript(FILLED)
    connection.close()
    return path


def test_everything_is_there_as_it_was(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        ]
        columns = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in tables
        }

        def content() -> dict[str, list]:
            return {
                name: connection.execute(f"SELECT {', '.join(columns[name])} FROM {name}").fetchall()
                for name in tables
            }

        before = content()
        migrate(connection)
        assert content() == before
        assert connection.execute("PRAGMA user_version").fetchone() == (migrations()[-1][0],)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT start, caller_id FROM callbacks").fetchall() == [("", "")]
        assert connection.execute("SELECT DISTINCT heard FROM attempts").fetchall() == [(None,)]
        assert connection.execute("SELECT DISTINCT spoken FROM contacts").fetchall() == [("{}",)]
        assert connection.execute("SELECT count(*) FROM recordings").fetchone() == (0,)
    connection.close()


def test_an_interrupted_step_is_taken_again(old: Path) -> None:
    """What was done of it is not there: each step is one transaction."""
    with sqlite3.connect(old, isolation_level=None) as connection:
        version, script = migrations()[4]
        half = script.partition("ALTER TABLE attempts")[0]
        with pytest.raises(sqlite3.OperationalError):
            connection.executescript(f"BEGIN IMMEDIATE;\n{half}\nSELECT * FROM nowhere;")
        connection.execute("ROLLBACK")
        assert connection.execute("PRAGMA user_version").fetchone() == (version - 1,)
        migrate(connection)
        assert connection.execute("SELECT start FROM callbacks").fetchall() == [("",)]
    connection.close()


def test_the_engine_goes_on_with_it(old: Path) -> None:
    """The live call ends, and the promise is kept: with any number of ours, at the beginning of the flow."""
    books = Books(old)
    try:
        books.last = 131072
        rules = Books.campaign(books, "autumn")
        books.rules[1] = books.rules.pop(rules)
        [live] = books.unit(recovery.open_attempts, "lab")
        assert (live.attempt, live.spoken, live.start, live.zones) == (131072, "{}", "", ("Europe/Paris",))
        assert not books.finish(live, "BUSY", next_at=NOW + 60).missed
        [promised] = books.claim(1, slots="a").claims
        assert (promised.kind, promised.callback_id, promised.start) == ("callback", 1, "")
        assert (promised.caller_id, promised.fields) == ("+33162000001", '{"NAME":"Zoe"}')
        books.finish(promised, "ANSWERED_HUMAN", heard=0.5)
        assert books.rows("SELECT state FROM callbacks") == ["kept"]
        assert books.rows("SELECT heard FROM attempts WHERE id = ?", promised.attempt) == [0.5]
        books.check()
    finally:
        books.connection.close()
