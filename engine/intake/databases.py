"""Contacts from a database by URL and query, read only and a few rows at a time.

SQLite needs nothing beside Python; everything else goes through SQLAlchemy, the optional extra `database`,
with the driver of that database. A database file of SQLite in the job folder is opened as the job's other
files are: never through a link.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

from engine.errors import InputError, Problem
from engine.intake.cells import as_text
from engine.intake.job_files import open_inside
from engine.intake.refused import Refused
from engine.intake.rows import RawRow
from engine.intake.source import SQLITE, DatabaseSource

_WHERE = "contacts.database"
_SLICE = 1000

_READ_ONLY = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


def query_rows(source: DatabaseSource, job_dir: Path, stack: ExitStack) -> tuple[list[str], Iterator[RawRow]]:
    """Headings and rows of the query; rows are numbered from 1. Raises InputError."""
    url = source.url
    if source.url_env is not None:
        url = os.environ.get(source.url_env)
        if not url:
            raise Refused(
                f"{_WHERE}.url_env",
                f"the engine's environment has no {source.url_env}",
                "set it to the database's URL where the engine is started",
            )
    assert url is not None
    if url.startswith(SQLITE):
        return _sqlite(url.removeprefix(SQLITE), source.query, job_dir, stack)
    return _sqlalchemy(url, source.query, stack)


def _sqlite(name: str, query: str, job_dir: Path, stack: ExitStack) -> tuple[list[str], Iterator[RawRow]]:
    if not name or name.startswith(":memory:") or "?" in name:
        raise Refused(
            f"{_WHERE}.url",
            "name a file: sqlite:///people.db in the job folder, or sqlite:////var/lib/crm/people.db",
        )
    try:
        connection = sqlite3.connect(
            _sqlite_uri(name, job_dir, stack), uri=True, isolation_level=None, timeout=10.0
        )
        stack.callback(connection.close)
        connection.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in _READ_ONLY else sqlite3.SQLITE_DENY
        )
        cursor = connection.execute(query)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise InputError([_query_problem(str(error))]) from error
    if cursor.description is None:
        raise Refused(f"{_WHERE}.query", "the query returns no rows", "write a SELECT")
    return [column[0] for column in cursor.description], _sqlite_rows(cursor)


def _sqlite_uri(name: str, job_dir: Path, stack: ExitStack) -> str:
    if name.startswith("/"):
        # Somebody else's live database: its write-ahead log is read too, so it is opened by its name.
        return f"file:{quote(name)}?mode=ro"
    stream = stack.enter_context(open_inside(job_dir, name, f"{_WHERE}.url"))
    for log in ("-wal", "-journal"):
        if (job_dir / (name + log)).exists():
            raise Refused(
                f"{_WHERE}.url",
                f"{name} has unfinished writes beside it ({name}{log})",
                "close the program that writes it, or copy it with the sqlite3 command .backup",
            )
    # By its descriptor, so that it is the file that was checked; nobody writes it any more: no locks, no log.
    return f"file:/proc/self/fd/{stream.fileno()}?mode=ro&immutable=1"


def _sqlite_rows(cursor: sqlite3.Cursor) -> Iterator[RawRow]:
    number = 0
    try:
        while rows := cursor.fetchmany(_SLICE):
            for row in rows:
                number += 1
                yield _raw(number, row)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise InputError([_query_problem(f"row {number + 1}: {error}")]) from error


def _query_problem(what: str) -> Problem:
    return Problem(
        f"{_WHERE}.query",
        f"the database answers: {what}",
        "try the query in the database's own client, read only",
    )


def _raw(number: int, row: tuple[object, ...]) -> RawRow:
    cells = [as_text(value) for value in row]
    if None in cells:
        return RawRow(
            number,
            [cell or "" for cell in cells],
            "a column holds binary data or another type that is no text; convert it in the query",
        )
    return RawRow(number, [cell for cell in cells if cell is not None])


def _sqlalchemy(url: str, query: str, stack: ExitStack) -> tuple[list[str], Iterator[RawRow]]:
    try:
        import sqlalchemy
    except ImportError as error:
        raise Refused(
            f"{_WHERE}.url",
            "databases other than SQLite need SQLAlchemy, which is not installed",
            "install Volley with its extra: volley-dialer[database], and the database's driver",
        ) from error
    try:
        engine = sqlalchemy.create_engine(url)
        stack.callback(engine.dispose)
        connection = stack.enter_context(
            engine.connect().execution_options(stream_results=True, max_row_buffer=_SLICE)
        )
        # Never committed: whatever the query did beside reading is rolled back when the connection closes.
        result = connection.execute(sqlalchemy.text(query.replace(":", r"\:")))
    except ImportError as error:
        raise Refused(
            f"{_WHERE}.url",
            f"the driver of this database is not installed ({error.name})",
            f"install it into the engine's environment; the URL begins with {urlsplit(url).scheme}",
        ) from error
    except (sqlalchemy.exc.SQLAlchemyError, ValueError) as error:
        raise InputError([_query_problem(_without_secrets(error))]) from error
    if not result.returns_rows:
        raise Refused(f"{_WHERE}.query", "the query returns no rows", "write a SELECT")
    return list(result.keys()), _sqlalchemy_rows(result)


def _sqlalchemy_rows(result: object) -> Iterator[RawRow]:
    import sqlalchemy

    assert isinstance(result, sqlalchemy.CursorResult)
    number = 0
    try:
        for part in result.partitions(_SLICE):
            for row in part:
                number += 1
                yield _raw(number, tuple(row))
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise InputError([_query_problem(f"row {number + 1}: {_without_secrets(error)}")]) from error


def _without_secrets(error: Exception) -> str:
    """The driver's own words; SQLAlchemy's wrapper repeats the whole statement, and a bad URL with its
    password."""
    original = getattr(error, "orig", None)
    if original is not None:
        return str(original).strip()
    return type(error).__name__ if "://" in str(error) else str(error).split("\n", 1)[0]
