"""Backups of a database at work, and what is told of damaged ones."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store.backup import back_up, verify
from engine.store.database import open_writer
from engine.store.writer import Writer
from tests.patience import PATIENCE


def damage(path: Path) -> None:
    """Overwrite the middle of a database, as a bad disk does."""
    data = bytearray(path.read_bytes())
    half = len(data) // 2 // 4096 * 4096
    data[half : half + 8192] = b"\xa5" * 8192
    path.write_bytes(data)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def text(path: Path) -> str:
    return path.read_text()


def names(folder: Path) -> list[str]:
    """Copies, whole or begun."""
    return sorted(path.name for path in folder.iterdir() if "copy" in path.name)


async def filled(path: Path, rows: int = 3000) -> None:
    connection = await open_writer(path)
    await connection.run(
        lambda one: one.executemany(
            "INSERT INTO numbers (e164) VALUES (?)", [(f"+3319900{at:04d}",) for at in range(rows)]
        )
    )
    await connection.run(lambda one: one.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
    await connection.close()


async def test_a_backup_taken_while_the_writer_writes_is_one_moment_and_whole(tmp_path: Path) -> None:
    """Two rows are always written together: a copy that had one of a pair would be torn."""
    connection = await open_writer(tmp_path / "volley.db")
    writer = Writer(connection, 0.001)
    writing = asyncio.create_task(writer.run())

    def pair(one: sqlite3.Connection, at: int) -> None:
        one.execute("INSERT INTO pbxs (name) VALUES (?)", (f"left-{at}",))
        one.execute("INSERT INTO pbxs (name) VALUES (?)", (f"right-{at}",))

    written = 0

    async def keep_writing() -> None:
        nonlocal written
        while True:
            await writer.submit(partial(pair, at=written))
            written += 1

    busy = asyncio.create_task(keep_writing())
    counts = [0]
    for copy in range(5):
        async with asyncio.timeout(PATIENCE):
            while written <= counts[-1]:  # noqa: ASYNC110 -- the writer goes on, whatever is copied
                await asyncio.sleep(0.001)
        target = tmp_path / f"copy-{copy}.db"
        found = await asyncio.to_thread(back_up, tmp_path / "volley.db", target)
        assert found == verify(target)
        assert mode(target) == 0o600
        with closing(sqlite3.connect(f"file:{target}?mode=ro", uri=True)) as plain:
            sides = dict(plain.execute("SELECT substr(name, 1, 4), count(*) FROM pbxs GROUP BY 1").fetchall())
            assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert sides["left"] == sides["righ"] > 0
        counts.append(sides["left"])
    assert counts == sorted(set(counts))  # each one newer than the one before
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    writer.close()
    await writing
    await connection.close()
    assert names(tmp_path) == [f"copy-{copy}.db" for copy in range(5)]


async def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    await filled(tmp_path / "volley.db")
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        back_up(tmp_path / "volley.db", tmp_path / "copy.db")
    assert text(tmp_path / "copy.db") == "mine"
    with pytest.raises(StoreError, match="no database"):
        back_up(tmp_path / "other.db", tmp_path / "another.db")
    with pytest.raises(StoreError, match="cannot back up"):
        back_up(tmp_path / "volley.db", tmp_path / "missing" / "copy.db")


async def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    await filled(tmp_path / "volley.db")
    damage(tmp_path / "volley.db")
    with pytest.raises(StoreError):
        back_up(tmp_path / "volley.db", tmp_path / "copy.db")
    assert names(tmp_path) == []


async def test_a_damaged_backup_is_told(tmp_path: Path) -> None:
    await filled(tmp_path / "volley.db")
    back_up(tmp_path / "volley.db", tmp_path / "copy.db")
    damage(tmp_path / "copy.db")
    with pytest.raises(StoreError, match="copy"):
        verify(tmp_path / "copy.db")
    (tmp_path / "text.db").write_text("not a database at all, but long enough to be taken for one" * 40)
    with pytest.raises(StoreError, match="no usable backup"):
        verify(tmp_path / "text.db")


async def test_after_an_unclean_stop_a_damaged_database_is_not_dialed_from(tmp_path: Path) -> None:
    await filled(tmp_path / "volley.db")
    connection = await open_writer(tmp_path / "volley.db", check=True)  # a sound one is opened
    await connection.close()
    damage(tmp_path / "volley.db")
    with pytest.raises(StoreError, match=r"(?s)damaged .*restore a backup"):
        await open_writer(tmp_path / "volley.db", check=True)
