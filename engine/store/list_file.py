"""One version of a suppression list: an immutable SQLite file of numbers, and what the file says of itself.

A file is written once, whole and in ascending order, under a name of its own (`<name>.<version>.list`), and never
again. Its description is written last, so a file that was not finished has none. Numbers are the rowid of a table
without any other column: some 10 bytes each.

Knows one file. Refuses to know which version of a list counts: that is a row in the database (`engine.store.lists`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from engine.errors import ListUnusable

Kind = Literal["registry", "litigators", "campaign"]
How = Literal["full", "part", "change"]

APPLICATION_ID = 0x566F4C73
"""`VoLs` in the SQLite header (https://www.sqlite.org/fileformat.html, "application id"): no other database is taken for a list."""
FORMAT = 1
PAGE = 8192
"""Bytes of a page: with 8 KiB a list of 100 million has three levels, and two of them stay in the cache."""
READ = 100_000
"""Numbers read from a list at a time."""
E164_MAX = 10**15 - 1
"""ITU-T E.164: at most 15 digits."""


@dataclass(frozen=True, slots=True)
class Part:
    """An area that a list covers: the beginning of its E.164 numbers, without the plus (`1202`), and the date of its
    data, ISO 8601. An empty prefix is everything."""

    prefix: str
    date: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: `sha256` of it as handed in (packed, where it was), `rows` with anything in them."""

    name: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Description:
    """What a list version says of itself. `at` in POSIX seconds; counts are numbers."""

    name: str
    kind: Kind
    jurisdiction: str
    version: int
    how: How
    at: float
    actor: str
    reason: str
    parts: tuple[Part, ...]
    count: int
    added: int
    removed: int
    unreadable: int
    """Rows of the sources that could not be read, and were allowed to be."""
    sources: tuple[Source, ...]

    @property
    def date(self) -> str:
        """The date of the data: that of its oldest part."""
        return min(part.date for part in self.parts)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Description:
        """Raises KeyError, TypeError or ValueError for what is no description."""
        table: dict[str, Any] = json.loads(text)
        table["parts"] = tuple(Part(**one) for one in table["parts"])
        table["sources"] = tuple(Source(**one) for one in table["sources"])
        found = cls(**table)
        if not found.parts or type(found.count) is not int or type(found.version) is not int:
            raise ValueError("the description is incomplete")
        return found


def file_name(name: str, version: int) -> str:
    """What the file of this version of a list is called."""
    return f"{name}.{version}.list"


def write_list(
    path: Path, blocks: Iterable[list[int]], describe: Callable[[int], Description]
) -> Description:
    """Write a list file from blocks of ascending numbers; `describe` is told how many there were.

    The file is durable when this returns, its name is not (`engine.intake.durable`). Raises ListUnusable when the
    numbers are not in strictly ascending order, OSError and sqlite3.Error when the disk refuses.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Nobody reads it before it is whole: neither a journal nor syncs on the way.
        for pragma in (
            f"page_size = {PAGE}",
            "journal_mode = OFF",
            "synchronous = OFF",
            "locking_mode = EXCLUSIVE",
            "cache_size = -16384",
            f"application_id = {APPLICATION_ID}",
            f"user_version = {FORMAT}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE numbers (e164 INTEGER PRIMARY KEY)")
        connection.execute("CREATE TABLE about (description TEXT NOT NULL)")
        count, last = 0, 0
        for block in blocks:
            if not block:
                continue
            if block[0] <= last or block[-1] > E164_MAX:
                raise ListUnusable(
                    f"{path.name}: numbers are not in ascending order, or are no E.164 numbers"
                )
            connection.executemany("INSERT INTO numbers VALUES (?)", zip(block, strict=True))
            count, last = count + len(block), block[-1]
        description = describe(count)
        connection.execute("INSERT INTO about VALUES (?)", (description.to_json(),))
        connection.execute("COMMIT")
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
    return description


def open_list(path: Path) -> tuple[sqlite3.Connection, Description]:
    """A list file for reading, and its description. Close the connection when it is done with.

    Looks at what a half-written, cut or foreign file shows at once; whether every byte is as it was written tells
    `digest`. Raises ListUnusable.
    """
    try:
        size = path.stat().st_size
        # Opened as immutable: no locks, no journal, no look at the file between reads.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro&immutable=1",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
    except (OSError, sqlite3.Error) as error:
        raise ListUnusable(f"{path.name}: cannot be opened: {_why(error)}") from error
    try:
        seen = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "page_count", "page_size")
        ]
        if seen[:2] != [APPLICATION_ID, FORMAT]:
            raise ListUnusable(f"{path.name}: is no list file of this version of Volley")
        if seen[2] * seen[3] != size:
            raise ListUnusable(f"{path.name}: has {size} bytes instead of {seen[2] * seen[3]}: it was cut")
        rows = connection.execute("SELECT description FROM about").fetchall()
        if len(rows) != 1:
            raise ListUnusable(f"{path.name}: was not written to its end")
        connection.execute("PRAGMA cache_size = -8192")  # the inner pages of the largest list, and then some
        for edge in ("min", "max"):  # one query for both would read the whole table
            connection.execute(f"SELECT {edge}(e164) FROM numbers").fetchone()  # noqa: S608 -- a word of ours
        return connection, Description.from_json(rows[0][0])
    except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
        connection.close()
        raise ListUnusable(f"{path.name}: is damaged: {_why(error)}") from error
    except ListUnusable:
        connection.close()
        raise


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def read_blocks(connection: sqlite3.Connection, low: int = 0, high: int = E164_MAX) -> Iterator[list[int]]:
    """The numbers from `low` to `high`, ascending, in blocks. Raises ListUnusable when the file is damaged."""
    try:
        cursor = connection.execute(
            "SELECT e164 FROM numbers WHERE e164 BETWEEN ? AND ? ORDER BY e164", (low, high)
        )
        while rows := cursor.fetchmany(READ):
            yield [row[0] for row in rows]
    except sqlite3.Error as error:
        raise ListUnusable(f"a list cannot be read: {error}") from error


def digest(path: Path) -> str:
    """SHA-256 of the whole file, in hexadecimal; about a second a gigabyte. Raises OSError."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify(path: Path, size: int, sha256: str) -> None:
    """Raises ListUnusable unless every byte of the file is as it was written."""
    try:
        found = path.stat().st_size
        if found != size:
            raise ListUnusable(f"{path.name}: has {found} bytes instead of {size}")
        if digest(path) != sha256:
            raise ListUnusable(f"{path.name}: is not what was written: its SHA-256 is another")
    except OSError as error:
        raise ListUnusable(f"{path.name}: cannot be read: {_why(error)}") from error
