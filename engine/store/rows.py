"""Many rows by one statement.

Each step of a statement lets go of the interpreter's lock and has to get it back from the event loop, which costs more
than the row itself. So rows are bound together, as many as there are, in one statement where they are few, which stays
prepared for each number of rows, and in large ones of a fixed size where they are many.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

MANY = 64
"""Rows of a large statement. At most 32,766 values may be bound to one (SQLITE_MAX_VARIABLE_NUMBER)."""
FEW = 32
"""Up to so many rows are one statement: eight kinds of them, each for so many rows, fit among those that the writing connection
keeps."""
VALUES = "VALUES %s"
"""Where the rows stand in a statement."""

Row = Sequence[Any]


def write(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Run `statement`, which has `VALUES %s` once, for all rows. They are of one length."""
    for part in _parts(rows):
        connection.execute(
            _with_rows(statement, len(part), len(part[0])), [value for row in part for value in row]
        )


def read(
    connection: sqlite3.Connection, statement: str, keys: Sequence[Any], *more: Any
) -> Iterator[tuple[Any, ...]]:
    """What `statement`, which has `IN (VALUES %s)` once, finds for all keys; `more` is bound to what comes behind it."""
    for part in _parts([(key,) for key in keys]):
        yield from connection.execute(
            _with_rows(statement, len(part), 1), [*(row[0] for row in part), *more]
        ).fetchall()


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    for size in (MANY, FEW):
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
    if start < len(rows):
        yield rows[start:]


@lru_cache(maxsize=256)
def _with_rows(statement: str, count: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.replace(VALUES, f"VALUES {', '.join([row] * count)}")
