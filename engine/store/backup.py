"""Backups: a whole and checked copy of the database, made while the engine runs.

SQLite's online backup copies from one snapshot in one step: the writer goes on meanwhile, and what it commits after the
snapshot is not in the copy. What comes out is a plain file (no WAL beside it), checked from end to end, that appears
under its name when it is good.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import StoreError


@dataclass(frozen=True, slots=True)
class Backup:
    """What is in a backup."""

    path: Path
    size: int
    """Bytes."""
    campaigns: int
    contacts: int
    attempts: int
    suppressed: int
    newest: float | None
    """POSIX seconds of the last attempt: what was dialed since then is not in it."""


def back_up(database: Path, target: Path) -> Backup:
    """Copy `database` to `target`, which must not exist. Raises StoreError; then there is no `target`."""
    if target.exists():
        raise StoreError(f"{target} exists already: name a file that does not")
    if not database.exists():
        raise StoreError(
            f"{database}: there is no database to back up; has `volley run` been started with these settings?"
        )
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with (
            closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30.0)) as source,
            closing(sqlite3.connect(draft)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        found = verify(draft)
        with draft.open("rb") as handle:
            os.fsync(handle.fileno())
        os.link(draft, target)  # fails when somebody else has made one meanwhile
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise StoreError(f"{error.filename2 or error.filename} exists already") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"cannot back up {database} to {target}: {error}") from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return replace(found, path=target)


def verify(path: Path) -> Backup:
    """Check a backup from end to end (integrity_check). Raises StoreError with what is wrong with it."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise StoreError(f"{path} is damaged: {'; '.join(found)}")
            campaigns, contacts, attempts, suppressed = connection.execute(
                "SELECT (SELECT count(*) FROM campaigns), (SELECT count(*) FROM contacts),"
                " (SELECT count(*) FROM attempts), (SELECT count(*) FROM suppression)"
            ).fetchone()
            (newest,) = connection.execute("SELECT max(created_at) FROM attempts").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{path} is no usable backup: {error}") from error
    return Backup(path, path.stat().st_size, campaigns, contacts, attempts, suppressed, newest)
