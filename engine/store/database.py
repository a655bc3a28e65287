"""Opens the database: the writing connection, read-only connections, the schema and the lock on the state
directory."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import NamedTuple, TypeVar

import aiosqlite

from engine.errors import StoreError, StoreInUse

T = TypeVar("T")


class WriterConnection(aiosqlite.Connection):
    """aiosqlite's connection with one more way in: a whole function run in its thread, so that a transaction is one
    hop.

    aiosqlite hands every statement to its thread on its own (about 17 µs a hop), and tasks that share a connection
    share its transaction. Here the caller owns the transaction from BEGIN to COMMIT.
    """

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work(connection)` in the connection's thread and return its result."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result


async def open_writer(path: Path, *, check: bool = False) -> WriterConnection:
    """The writing connection: WAL, synchronous=FULL, schema up to date. `check`: look for damage first (quick_check).

    Raises StoreError when the file cannot be opened, is damaged, or is of a newer version than this engine.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, cached_statements=512)

    connection = WriterConnection(connect, 64)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        await connection
        if check:
            await connection.run(_quick_check)
        await connection.run(_prepare)
    except (OSError, sqlite3.Error) as error:
        await connection.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise StoreError(_damaged(path, str(error))) from error
        raise StoreError(f"{path}: cannot open the database: {error}") from error
    except StoreError:
        await connection.close()
        raise
    return connection


async def look_over(path: Path) -> None:
    """Look for damage beside whatever else is done with the file, then wait until cancelled. Raises StoreError when there is some."""

    def look() -> None:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            _quick_check(connection)

    try:
        await asyncio.to_thread(look)
    except sqlite3.Error as error:
        raise StoreError(_damaged(path, str(error))) from error
    await asyncio.get_running_loop().create_future()


def _quick_check(connection: sqlite3.Connection) -> None:
    found = [" ".join(row[0].split()) for row in connection.execute("PRAGMA quick_check(5)")]
    if found != ["ok"]:
        (_, _, path) = connection.execute("PRAGMA database_list").fetchone()
        raise StoreError(_damaged(path, "; ".join(found)))


def _damaged(path: object, how: str) -> str:
    return f"{path}: the database is damaged ({how}): restore a backup, see docs/recovery.md (a damaged database)"


CONNECTION_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = OFF",
    "cache_size = -65536",
    "temp_store = MEMORY",
    "mmap_size = 268435456",
    "wal_autocheckpoint = 4000",
)
"""How the writing connection is set up."""


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in CONNECTION_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    migrate(connection)


def migrations() -> list[tuple[int, str]]:
    """Every migration as (version, script), in order; `0001.sql` is version 1."""
    folder = resources.files("engine.store") / "migrations"
    scripts = [
        (int(item.name.removesuffix(".sql")), item.read_text(encoding="utf-8"))
        for item in folder.iterdir()
        if item.name.endswith(".sql")
    ]
    return sorted(scripts)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each step in a transaction of its own. Raises StoreError for a database from the
    future."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    known = migrations()
    if version > known[-1][0]:
        raise StoreError(
            f"the database has schema {version}, this engine knows {known[-1][0]}: run the newer Volley that wrote it"
        )
    for number, script in known:
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, for the command line. Raises StoreError when there is no database, or none that we may read."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10.0)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT 1 FROM campaigns LIMIT 1")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot read the database: {error}; {_todo(path)}") from error
    connection.row_factory = sqlite3.Row
    return connection


def _todo(path: Path) -> str:
    """What to do about a database that cannot be opened to read."""
    try:
        path.open("rb").close()
    except PermissionError:
        with suppress(OSError, KeyError):  # we may not even look, or the owner has no name
            return f"only its owner may: run this as the user {pwd.getpwuid(path.stat().st_uid).pw_name}"
        return "only the engine's user may: run this as that user"
    except OSError:
        pass
    return "has `volley run` been started with these settings?"


async def open_reading(path: Path) -> WriterConnection:
    """A connection that only reads, with a thread of its own, for what reads beside the writer all the time. Raises
    StoreError."""

    def connect() -> sqlite3.Connection:
        found = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=10.0)
        found.execute("PRAGMA query_only = ON")
        return found

    connection = WriterConnection(connect, 64)
    try:
        await connection
    except sqlite3.Error as error:
        await connection.close()
        raise StoreError(f"{path}: cannot read the database: {error}") from error
    return connection


class Left(NamedTuple):
    """What an engine left that did not end in order."""

    pid: str
    """Its pid; the empty word when the last one ended in order, or there was none."""
    rebooted: bool
    """The machine may have gone down with it. A process that is killed leaves a whole file: what it wrote is the kernel's. A machine
    that loses power may not."""


@contextmanager
def state_lock(state: Path) -> Iterator[Left]:
    """Hold the state directory for one engine. The lock dies with the process, however it dies; the pid in it goes only
    with an orderly end. Yields what an engine left which did not end so.

    Raises StoreInUse when another engine holds it.
    """
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state / "volley.lock").open("a+", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            raise StoreInUse(
                f"{state}: another engine (pid {handle.read().strip() or '?'}) runs on this state directory"
            ) from None
        handle.seek(0)
        pid, boot = handle.read().strip(), _boot()
        noted = state / "volley.boot"
        last = noted.read_text(encoding="ascii", errors="replace") if noted.exists() else ""
        if boot != last:
            noted.write_text(boot, encoding="ascii")
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield Left(pid, bool(pid) and not (boot and boot == last))
        handle.truncate(0)


def _boot() -> str:
    """The id of this run of the machine (proc(5), random/boot_id); empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
