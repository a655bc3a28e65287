"""Opening the database, its schema, and the lock on the state directory: real files and real processes."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.errors import StoreError, StoreInUse
from engine.store.database import look_over, migrate, migrations, open_reader, open_writer, state_lock
from tests.intake.privilege import modes_hold

ROOT = Path(engine.__file__).parents[1]
NEWEST = migrations()[-1][0]


# -- the writing connection --------------------------------------------------------------------------------------------


async def test_a_new_database_is_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    connection = await open_writer(path)
    try:
        asked = ("journal_mode", "synchronous", "user_version")
        seen = await connection.run(
            lambda one: [one.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
        )
    finally:
        await connection.close()
    assert seen == ["wal", 2, NEWEST]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    for _ in range(3):
        connection = await open_writer(path)
        await connection.run(
            lambda one: one.execute("INSERT INTO pbxs (name) VALUES ('p' || (SELECT count(*) FROM pbxs))")
        )
        schema = await connection.run(
            lambda one: one.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        )
        await connection.close()
    with sqlite3.connect(path) as plain:
        assert plain.execute("SELECT name FROM pbxs").fetchall() == [("p0",), ("p1",), ("p2",)]
        migrate(plain)
        migrate(plain)
        assert plain.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall() == schema
    plain.close()


async def test_a_database_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE tomorrow (x)")
    plain.execute(f"PRAGMA user_version = {NEWEST + 1}")
    plain.close()
    with pytest.raises(StoreError, match=f"schema {NEWEST + 1}, this engine knows {NEWEST}"):
        await open_writer(path)
    plain = sqlite3.connect(path)
    assert plain.execute("SELECT name FROM sqlite_master").fetchall() == [("tomorrow",)]
    plain.close()


def test_migrations_are_numbered_without_holes() -> None:
    assert [version for version, _ in migrations()] == list(range(1, NEWEST + 1))


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    path.write_bytes(b"This is no database, and was none. " * 100)
    with pytest.raises(StoreError, match=r"is damaged .*restore a backup"):
        await open_writer(path)


@pytest.mark.parametrize("where", ["missing/volley.db", "."])
async def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(StoreError, match="cannot open the database"):
        await open_writer(tmp_path / where)


# -- reading -----------------------------------------------------------------------------------------------------------


async def test_a_reader_sees_commits_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    connection = await open_writer(path)
    reader = open_reader(path)
    await connection.run(lambda one: one.execute("INSERT INTO pbxs (name) VALUES ('lab')"))
    assert [row["name"] for row in reader.execute("SELECT name FROM pbxs")] == ["lab"]
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("INSERT INTO pbxs (name) VALUES ('office')")
    reader.close()
    await connection.close()


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_reader_of_nothing_is_told_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "volley.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="volley run"):
        open_reader(path)
    assert path.exists() == (content is not None)


def test_a_reader_who_may_not_read_is_told_who_may(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    path.touch(0)
    owner = pwd.getpwuid(path.stat().st_uid).pw_name
    with modes_hold(), pytest.raises(StoreError, match=f"run this as the user {owner}$"):
        open_reader(path)


# -- the lock ----------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from engine.store.database import state_lock
with state_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(state: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_second_engine_is_refused_until_the_first_is_gone_however_it_went(
    tmp_path: Path, how: signal.Signals
) -> None:
    state = tmp_path / "state"
    with holder(state) as process:
        try:
            with pytest.raises(StoreInUse, match=rf"pid {process.pid}\)"), state_lock(state):
                pass
        finally:
            process.send_signal(how)
            process.wait()
    with state_lock(state):
        assert (state / "volley.lock").read_text() == str(os.getpid())
    with state_lock(state), pytest.raises(StoreInUse), state_lock(state):
        pass
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_only_a_machine_that_went_down_leaves_a_file_to_be_checked(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with state_lock(state) as left:
        assert left == ("", False)
    with holder(state) as process:
        process.kill()
        process.wait()
    with state_lock(state) as left:
        assert left == (str(process.pid), False)
    with holder(state) as process:
        process.kill()
        process.wait()
    (state / "volley.boot").write_text("another run of the machine")
    with state_lock(state) as left:
        assert left == (str(process.pid), True)
    with state_lock(state) as left:
        assert left == ("", False)


async def test_the_look_beside_everything_else_ends_only_where_there_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "volley.db"
    connection = await open_writer(path)
    await connection.close()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await look_over(path)
    path.write_bytes(path.read_bytes()[:8192] + b"\x5a" * 40_000)
    with pytest.raises(StoreError, match=r"damaged .*restore a backup"):
        await look_over(path)
