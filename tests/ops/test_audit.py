"""The walk along the audit log finds whatever was done to it, and says where. Tampering is done with SQLite itself, as
somebody would who has the file."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputError, StoreError
from engine.ops import audit as reader
from engine.ops.audit import Broken
from engine.store import audit
from engine.store.audit import GENESIS, Action, Head
from engine.store.database import migrate

ROWS = 40
NOW = 1_795_491_000.5


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A log of forty rows."""
    path = tmp_path / "volley.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection)
        connection.execute("BEGIN")
        fill(connection, ROWS)
        connection.execute("COMMIT")
    return path


def fill(connection: sqlite3.Connection, rows: int, actor: str = "anna") -> None:
    for at in range(rows):
        audit.append(
            connection,
            tuple(Action)[at % len(Action)],
            NOW + at,
            actor=actor,
            subject=f"campaign c{at % 7}",
            details={"at": at},
        )


def tamper(path: Path, *statements: str, **values: Any) -> None:
    """Somebody with the file, who knows about the triggers and puts them back afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement, values)
        for _, sql in triggers:
            connection.execute(sql)


def heads(path: Path) -> dict[int, bytes]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT id, hash FROM audit"))


def anew(path: Path, start: int) -> None:
    """Make the hashes anew from `start` on, as somebody would who knows how."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT id, at, actor, action, subject, details, previous FROM audit WHERE id >= ? ORDER BY id",
            (start,),
        ).fetchall()
    previous = rows[0][6]
    for row, at, *texts, _ in rows:
        own = audit.digest(previous, row, at, *(text.encode() for text in texts))
        tamper(
            path,
            "UPDATE audit SET previous = :previous, hash = :own WHERE id = :row",
            previous=previous,
            own=own,
            row=row,
        )
        previous = own


def test_a_whole_log_is_whole(database: Path) -> None:
    chain = reader.verify(database, heads(database).items())
    assert (chain.broken, chain.head) == (None, Head(ROWS, heads(database)[ROWS]))
    assert reader.head(database) == chain.head


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "volley.db")) as connection:
        migrate(connection)
    chain = reader.verify(tmp_path / "volley.db", [(0, GENESIS)])
    assert (chain.broken, chain.head) == (None, Head(0, GENESIS))


def test_a_row_that_follows_after_the_head_was_kept_is_no_fault(database: Path) -> None:
    kept = reader.head(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        fill(connection, 3)
    assert reader.verify(database, [(kept.id, kept.hash)]).broken is None
    assert reader.verify(database, [(None, kept.hash)]).broken is None


def copy(new: int, old: int) -> str:
    return f"INSERT INTO audit SELECT {new}, at, actor, action, subject, details, previous, hash FROM audit WHERE id = {old}"


TAMPERED: list[tuple[str, str, int | None, str]] = [
    ("an actor", "UPDATE audit SET actor = 'bob' WHERE id = 17", 17, "it was changed"),
    ("a letter", "UPDATE audit SET details = replace(details, '1', '2') WHERE id = 12", 12, "it was changed"),
    ("an instant by the least", "UPDATE audit SET at = at + 2.4e-7 WHERE id = 9", 9, "it was changed"),
    ("an action", "UPDATE audit SET action = 'campaign.resumed' WHERE id = 1", 1, "it was changed"),
    ("nothing but the kind", "UPDATE audit SET details = CAST(details AS BLOB) WHERE id = 5", 5, "never written"),
    ("a number for a text", "UPDATE audit SET actor = 5 WHERE id = 5", 5, "it was changed"),
    ("what is no UTF-8", "UPDATE audit SET actor = CAST(x'ff' AS TEXT) WHERE id = 5", 5, "it was changed"),
    ("a closing zero", "UPDATE audit SET subject = subject || char(0) WHERE id = 5", 5, "it was changed"),
    ("its hash", "UPDATE audit SET hash = zeroblob(32) WHERE id = 30", 30, "it was changed"),
    ("its previous hash", "UPDATE audit SET previous = zeroblob(32) WHERE id = 30", 30, "does not follow"),
    ("a hash of another kind", "UPDATE audit SET hash = 'x' WHERE id = 30", 30, "never written"),
    ("a row is gone", "DELETE FROM audit WHERE id = 20", 20, "row 20 is missing"),
    ("rows are gone", "DELETE FROM audit WHERE id BETWEEN 20 AND 29", 20, "rows 20 to 29 are missing"),
    ("the first row is gone", "DELETE FROM audit WHERE id = 1", 1, "row 1 is missing"),
    ("a row before the first", copy(0, 1), 0, "put in"),
    ("a row far before the first", copy(-(2**63), 1), -(2**63), "put in"),
    ("a row at the end", copy(41, 40), 41, "does not follow"),
    ("a row far after the end", copy(2**63 - 1, 40), 41, "are missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "row", "what"), [one[1:] for one in TAMPERED], ids=[one[0] for one in TAMPERED]
)
def test_what_was_done_to_it_is_found(database: Path, statement: str, row: int, what: str) -> None:
    tamper(database, statement)
    broken = reader.verify(database).broken
    assert broken is not None
    assert broken.row == row
    assert what in broken.what


def test_a_row_and_its_hash_made_anew_show_at_the_next_row(database: Path) -> None:
    tamper(database, "UPDATE audit SET actor = 'bob' WHERE id = 17")
    with closing(sqlite3.connect(database)) as connection:
        row, at, *texts, previous = connection.execute(
            "SELECT id, at, actor, action, subject, details, previous FROM audit WHERE id = 17"
        ).fetchone()
    own = audit.digest(previous, row, at, *(text.encode() for text in texts))
    tamper(database, "UPDATE audit SET hash = :own WHERE id = 17", own=own)
    broken = reader.verify(database).broken
    assert broken is not None
    assert (broken.row, "does not follow" in broken.what) == (18, True)


def test_two_rows_that_changed_places(database: Path) -> None:
    tamper(
        database,
        "UPDATE audit SET id = 1000 WHERE id = 8",
        "UPDATE audit SET id = 8 WHERE id = 9",
        "UPDATE audit SET id = 9 WHERE id = 1000",
    )
    broken = reader.verify(database).broken
    assert broken is not None
    assert broken.row == 8


def test_a_log_made_anew_shows_only_against_a_head(database: Path) -> None:
    before = heads(database)
    tamper(database, "UPDATE audit SET actor = 'bob' WHERE id = 17")
    anew(database, 17)
    assert reader.verify(database).broken is None
    for given in [(30, before[30]), (None, before[30]), (ROWS, before[ROWS])]:
        broken = reader.verify(database, [given]).broken
        assert broken is not None
        assert broken.row in (given[0], None)
        assert "anew" in broken.what
    assert reader.verify(database, [(16, before[16])]).broken is None


def test_an_end_that_was_cut_off_shows_only_against_a_head(database: Path) -> None:
    before = heads(database)
    tamper(database, "DELETE FROM audit WHERE id > 35")
    assert reader.verify(database).broken is None
    assert reader.verify(database, [(35, before[35])]).broken is None
    assert reader.verify(database, [(38, before[38])]).broken == Broken(
        36, "the log ends at row 35, and had a row 38 when its head was written down: its end was cut off"
    )
    bare = reader.verify(database, [(None, before[38])]).broken
    assert bare is not None
    assert bare.row is None
    assert "cut off" in bare.what
    tamper(database, "DELETE FROM audit")
    assert reader.verify(database).broken is None
    assert reader.verify(database, [(1, before[1])]).broken is not None


def test_a_head_under_another_id(database: Path) -> None:
    broken = reader.verify(database, [(7, heads(database)[9])]).broken
    assert broken is not None
    assert "another id" in broken.what


@pytest.mark.parametrize("name", sorted(reader.TRIGGERS))
def test_triggers_that_are_gone_are_missed(database: Path, name: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    broken = reader.verify(database).broken
    assert broken is not None
    assert name in broken.what


def test_any_byte_of_any_field_is_found(database: Path, dice: random.Random) -> None:
    """Random rows, random fields, one byte each."""
    with closing(sqlite3.connect(database)) as connection:
        connection.text_factory = bytes
        rows = connection.execute(
            "SELECT id, actor, action, subject, details, previous, hash FROM audit"
        ).fetchall()
    names = ("actor", "action", "subject", "details", "previous", "hash")
    for _ in range(60):
        row, *fields = dice.choice(rows)
        at = dice.randrange(len(fields))
        value = bytearray(fields[at])
        value[dice.randrange(len(value))] ^= 1 << dice.randrange(8)
        kind = "BLOB" if at >= 4 else "TEXT"
        change = f"UPDATE audit SET {names[at]} = CAST(:value AS {kind}) WHERE id = :row"
        tamper(database, change, value=bytes(value), row=row)
        broken = reader.verify(database).broken
        assert broken is not None
        assert broken.row == row
        tamper(database, change, value=fields[at], row=row)
    assert reader.verify(database).broken is None


@pytest.fixture
def dice() -> random.Random:
    return random.Random(4711)


@pytest.mark.parametrize("size", [1, 7, ROWS, 1000])
def test_pieces_of_any_size_are_one_walk(database: Path, size: int) -> None:
    chain = reader.Chain()
    for rows in reader.pieces(database, size=size):
        assert chain.feed(rows) is None
    assert chain.head.id == ROWS
    tamper(database, "UPDATE audit SET actor = 'bob' WHERE id = 17")
    chain = reader.Chain()
    for rows in reader.pieces(database, size=size):
        chain.feed(rows)
    assert chain.broken is not None
    assert chain.broken.row == 17
    assert chain.head.id == 16


def test_a_database_of_before_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "volley.db")) as connection:
        connection.execute("CREATE TABLE campaigns (id)")
    with pytest.raises(StoreError, match="audit"):
        reader.verify(tmp_path / "volley.db")


# -- heads -------------------------------------------------------------------------------------------------------------


def test_heads_as_they_are_printed(database: Path) -> None:
    head = reader.head(database)
    assert reader.head_of(f" {head}\n") == (head.id, head.hash)
    assert reader.head_of(head.hash.hex().upper()) == (None, head.hash)


@pytest.mark.parametrize(
    "text", ["", "x", "5:", "5:abc", "-1:" + "0" * 64, "0" * 63, "0" * 65, "²:" + "0" * 64]
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="audit head"):
        reader.head_of(text)


@pytest.mark.parametrize("ending", [".log", ".gz"])
def test_heads_in_a_log(tmp_path: Path, ending: str) -> None:
    lines = [
        {"event": "audit.head", "id": 5, "hash": "ab" * 32},
        {"event": "campaign.accepted", "campaign": "audit.head", "id": 6, "hash": "ab" * 32},
        {"event": "audit.head", "id": None, "hash": "ab" * 32},
        {"event": "audit.head", "id": 7, "hash": "cd" * 32},
    ]
    text = "\n".join(
        [*map(json.dumps, lines), '{"event":"audit.head","id":9,"ha', "[]", '["audit.head"]']
    ).encode()
    path = tmp_path / f"volley{ending}"
    path.write_bytes(gzip.compress(text) if ending == ".gz" else text)
    assert reader.heads_in(path) == [(5, bytes.fromhex("ab" * 32)), (7, bytes.fromhex("cd" * 32))]
    with pytest.raises(OSError, match="No such file"):
        reader.heads_in(tmp_path / "no.log")


# -- entries -----------------------------------------------------------------------------------------------------------


def ids(found: Iterator[reader.Entry]) -> list[int]:
    return [one.id for one in found]


def test_entries_by_what_is_asked(database: Path) -> None:
    everything = list(reader.entries(database))
    assert ids(iter(everything)) == list(range(1, ROWS + 1))
    assert everything[4] == reader.Entry(5, NOW + 4, "anna", tuple(Action)[4], "campaign c4", {"at": 4})
    chosen: list[tuple[dict[str, Any], Callable[[reader.Entry], bool]]] = [
        ({"since": NOW + 5, "until": NOW + 8}, lambda one: 5 <= one.id - 1 < 8),
        ({"action": "campaign.paused"}, lambda one: one.action == "campaign.paused"),
        ({"action": "campaign"}, lambda one: one.action.startswith("campaign.")),
        ({"action": "camp"}, lambda one: False),
        ({"action": "%"}, lambda one: False),
        ({"action": "campaign_paused"}, lambda one: False),
        ({"subject": "c3"}, lambda one: one.subject == "campaign c3"),
        ({"subject": "%"}, lambda one: False),
        ({"actor": "bob"}, lambda one: False),
        (
            {"actor": "anna", "action": "engine", "subject": "c1"},
            lambda one: one.action[:7] == "engine." and "c1" in one.subject,
        ),
    ]
    for given, wanted in chosen:
        assert ids(reader.entries(database, **given)) == [one.id for one in everything if wanted(one)], given


def test_more_entries_than_are_read_at_a_time(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        fill(connection, 4100, actor="bob")
        connection.execute("COMMIT")
    assert ids(reader.entries(database, actor="bob")) == list(range(ROWS + 1, ROWS + 4101))
