"""However many rows there are, each is written and found once."""

from __future__ import annotations

import sqlite3

import pytest

from engine.store import rows


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 63, 64, 65, 96, 97, 150])
def test_every_row_once(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE marks (id INTEGER PRIMARY KEY, word)")
    given = [(at, f"word {at}") for at in range(count)]
    rows.write(connection, "INSERT INTO marks (id, word) VALUES %s", given)
    assert connection.execute("SELECT * FROM marks ORDER BY id").fetchall() == given
    found = rows.read(connection, "SELECT id, word FROM marks WHERE id IN (VALUES %s)", range(count))
    assert sorted(found) == given
    connection.close()


def test_a_few_rows_are_one_statement() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE marks (id INTEGER PRIMARY KEY)")
    said: list[str] = []
    connection.set_trace_callback(said.append)
    rows.write(connection, "INSERT INTO marks (id) VALUES %s", [(at,) for at in range(13)])
    assert len([one for one in said if one.startswith("INSERT")]) == 1
    connection.close()
