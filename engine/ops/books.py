"""Reading the engine's books while it writes them: read-only connections, whose errors are ours.

Nothing here waits for the engine or holds it up. A snapshot is one moment of the database; it is meant for
milliseconds, since the write-ahead log cannot be cut while it lasts. What is long is read in pieces, each
in a moment of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import StoreError
from engine.store.database import open_reader

SLICE = 2000
"""Rows read at a time by what reads long."""


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection. Raises StoreError when there is no database, or it cannot be read."""
    try:
        with closing(open_reader(database)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"{database}: cannot read the database: {error}") from error


@contextmanager
def snapshot(database: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection on which all reads see the same moment. Raises StoreError."""
    with reading(database) as connection:
        connection.execute("BEGIN")
        yield connection


def engine_pid(state: Path) -> int | None:
    """The pid of the engine that holds this state directory, None when none does.

    Looks into /proc/locks (proc(5)) instead of trying the lock, which an engine that starts at this moment
    would find taken. Where there is no /proc/locks, no engine is seen.
    """
    lock = state / "volley.lock"
    try:
        inode = lock.stat().st_ino
        held = Path("/proc/locks").read_text(encoding="ascii")
        pid = int(lock.read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        return None
    for line in held.splitlines():
        fields = line.split()
        if "FLOCK" in fields and fields[-3].rpartition(":")[2] == str(inode):
            return pid
    return None


def instant(at: float) -> str:
    """POSIX seconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
