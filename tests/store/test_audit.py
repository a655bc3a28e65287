"""The audit log's rows: chained, in the caller's transaction, and never changed again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store import audit
from engine.store.audit import GENESIS, Action, Head
from engine.store.database import migrate

NOW = 1_795_491_000.25


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = sqlite3.connect(tmp_path / "volley.db", isolation_level=None)
    migrate(found)
    yield found
    found.close()


def add(connection: sqlite3.Connection, subject: str = "campaign spring", **more: object) -> Head:
    return audit.append(
        connection, Action.CAMPAIGN_PAUSED, NOW, actor="anna", subject=subject, details=dict(more)
    )


def test_rows_are_numbered_and_chained(connection: sqlite3.Connection) -> None:
    assert audit.head(connection) == Head(0, GENESIS)
    heads = [add(connection, reason="letter"), add(connection), add(connection)]
    rows = connection.execute(
        "SELECT id, at, actor, action, subject, details, previous, hash FROM audit"
    ).fetchall()
    assert [row[0] for row in rows] == [1, 2, 3]
    assert [Head(row[0], row[7]) for row in rows] == heads
    assert [row[6] for row in rows] == [GENESIS, heads[0].hash, heads[1].hash]
    assert rows[0][1:6] == (NOW, "anna", "campaign.paused", "campaign spring", '{"reason":"letter"}')
    assert audit.head(connection) == heads[2]
    assert str(heads[2]) == f"3:{heads[2].hash.hex()}"


def test_the_hash_is_what_the_documentation_says(connection: sqlite3.Connection) -> None:
    """Written a second time, from docs/audit.md: whoever has the database can check it without Volley."""
    add(connection, reason="é")
    add(connection)
    previous = bytes(32)
    for row, at, *texts, linked, own in connection.execute("SELECT * FROM audit ORDER BY id"):
        content = previous + struct.pack(">qd", row, at)
        for text in texts:
            content += struct.pack(">I", len(text.encode())) + text.encode()
        assert linked == previous
        assert own == hashlib.sha256(content).digest()
        previous = own


def test_an_entry_goes_with_its_transaction(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    add(connection)
    add(connection)
    connection.execute("ROLLBACK")
    assert audit.head(connection).id == 0
    assert add(connection).id == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'bob'",
        "UPDATE audit SET id = id + 10",
        "DELETE FROM audit WHERE id = 1",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT 1, at, 'bob', action, subject, details, previous, hash FROM audit WHERE id = 1",
        "INSERT INTO audit SELECT 5, at, actor, action, subject, details, hash, hash FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT 3, at, actor, action, subject, details, previous, hash FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT NULL, at, actor, action, subject, details, hash, hash FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT 0, at, actor, action, subject, details, previous, hash FROM audit WHERE id = 1",
        "INSERT INTO audit SELECT a.* FROM audit a WHERE id = 1 ON CONFLICT (id) DO UPDATE SET actor = 'x'",
    ],
)
def test_the_table_takes_nothing_but_its_next_row(connection: sqlite3.Connection, statement: str) -> None:
    add(connection)
    add(connection)
    before = connection.execute("SELECT * FROM audit").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="the audit log"):
        connection.execute(statement)
    assert connection.execute("SELECT * FROM audit").fetchall() == before


TEXT = st.text(max_size=30)
ROW = st.tuples(
    st.binary(min_size=32, max_size=32), st.integers(1, 2**62), st.floats(allow_nan=False),
    st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=20),
)  # fmt: skip


@given(ROW, ROW)
def test_different_rows_have_different_encodings(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    # 0.0 and -0.0 are equal and not the same instant on paper; nobody records either.
    same = one == other and str(one[2]) == str(other[2])
    assert (audit.digest(*one) == audit.digest(*other)) == same


def test_moving_a_letter_to_the_next_field_is_another_row() -> None:
    assert audit.digest(GENESIS, 1, 0.0, b"ab", b"c", b"", b"") != audit.digest(
        GENESIS, 1, 0.0, b"a", b"bc", b"", b""
    )


@given(
    TEXT,
    TEXT,
    st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.lists(st.integers()), st.none()), max_size=4),
)
def test_whatever_is_recorded_can_be_read_again(actor: str, subject: str, details: dict[str, object]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        migrate(memory)
        audit.append(memory, Action.LIST_IMPORTED, NOW, actor=actor, subject=subject, details=details)
        [row] = memory.execute("SELECT actor, subject, details, hash, at, action FROM audit").fetchall()
        assert json.loads(row[2]).keys() == {audit.clean(key) for key in details}
        texts = [text.encode() for text in (row[0], row[5], row[1], row[2])]
        assert row[3] == audit.digest(GENESIS, 1, row[4], *texts)


def test_half_characters_do_not_stop_a_change(connection: sqlite3.Connection) -> None:
    """A request's text may hold them; a pause must not fail for that."""
    audit.append(
        connection, Action.CAMPAIGN_PAUSED, NOW, actor="an\ud800na", subject="x", details={"reason": "\udfff"}
    )
    assert connection.execute("SELECT actor, details FROM audit").fetchone() == ("an?na", '{"reason":"?"}')


def test_details_are_the_same_text_for_the_same_content() -> None:
    assert (
        audit.canonical({"b": 1, "a": [1, 2]})
        == audit.canonical({"a": [1, 2], "b": 1})
        == '{"a":[1,2],"b":1}'
    )
    with pytest.raises(ValueError, match="JSON"):
        audit.canonical({"a": float("nan")})


# -- numbers -----------------------------------------------------------------------------------------------------------


@given(st.integers(10**7, 10**15 - 1), TEXT)
def test_no_number_in_clear(number: int, around: str) -> None:
    around = around.translate({ord(sign): None for sign in "+0123456789"})
    for text in (f"{around}+{number}", f"{around}+{number}{around}"):
        assert str(number) not in audit.clean(text)
        assert str(number) not in audit.canonical({"why": text, text: [text]})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("letter of +33199001042", "letter of +331••42"),
        ("01 99 00 10 42 asked", "019••42 asked"),
        ("(212) 555-0100, twice", "(212••00, twice"),
        ("0033-199-001042", "003••42"),
        ("on 2026-11-24", "on 2026-11-24"),
        ("ticket 4711", "ticket 4711"),
        ("anna", "anna"),
        ("", ""),
    ],
)
def test_what_a_person_wrote_is_masked(text: str, kept: str) -> None:
    assert audit.masked(text) == kept
    assert audit.masked(kept) == kept
