"""Reading while an engine writes, and seeing whether one runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.ops.books import engine_pid, instant, reading, snapshot
from engine.store.database import state_lock
from tests.ops.filled import Books, person


def test_no_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="volley run"), reading(tmp_path / "volley.db"):
        pass


def test_a_damaged_database_is_told(books: Books) -> None:
    books.campaign("one", [person(2, "+33199001001")])
    books.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with books.settings.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200_000)
    with pytest.raises(StoreError, match=r"volley\.db"), reading(books.settings.database) as connection:
        connection.execute("SELECT * FROM contacts").fetchall()


def test_nothing_can_be_written(books: Books) -> None:
    with pytest.raises(StoreError), reading(books.settings.database) as connection:
        connection.execute("DELETE FROM contacts")


def test_a_snapshot_is_one_moment(books: Books) -> None:
    with snapshot(books.settings.database) as connection:
        assert connection.execute("SELECT count(*) FROM campaigns").fetchone()[0] == 0
        books.campaign("one", [person(2, "+33199001001")])
        assert connection.execute("SELECT count(*) FROM campaigns").fetchone()[0] == 0
    with snapshot(books.settings.database) as connection:
        assert connection.execute("SELECT count(*) FROM campaigns").fetchone()[0] == 1


def test_an_engine_is_seen_by_its_lock(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert engine_pid(state) is None
    with state_lock(state):
        assert engine_pid(state) == os.getpid()
    assert engine_pid(state) is None, "the file stays, the lock does not"


def test_looking_never_takes_the_lock(tmp_path: Path) -> None:
    """An engine that starts while somebody looks must get its lock."""
    look = "from engine.ops.books import engine_pid; from pathlib import Path; import sys\n"
    look += "for _ in range(300): engine_pid(Path(sys.argv[1]))"
    with state_lock(tmp_path):
        pass
    watcher = subprocess.Popen([sys.executable, "-c", look, str(tmp_path)])
    try:
        for _ in range(300):
            with state_lock(tmp_path):
                pass
    finally:
        assert watcher.wait(30) == 0


def test_instants() -> None:
    assert instant(1_795_518_000.4) == "2026-11-24T11:00:00Z"


def test_errors_of_sqlite_are_ours(books: Books) -> None:
    with pytest.raises(StoreError) as caught, reading(books.settings.database) as connection:
        connection.execute("SELECT nonsense")
    assert isinstance(caught.value.__cause__, sqlite3.Error)
