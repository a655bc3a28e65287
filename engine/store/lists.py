"""Which suppression lists there are, and which version of each counts: rows beside everything else, so that a swap is one
transaction.

A new version is a file that lies there already, whole and durable; `swap` makes it the one that counts. Knows rows.
Refuses to know files: `engine.store.list_file`; and numbers: `engine.store.registries`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from engine.errors import InputError, Problem
from engine.store.list_file import Description, Kind


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list as it counts now. `date` is that of its oldest data; `damaged` says why it cannot be trusted, empty when it
    can."""

    name: str
    kind: Kind
    jurisdiction: str
    version: int
    date: str
    count: int
    bytes: int
    sha256: str
    damaged: str


_COLUMNS = "name, kind, jurisdiction, version, date, count, bytes, sha256, damaged"


def revision(connection: sqlite3.Connection) -> int:
    """A number that is another one after every change of any list."""
    (found,) = connection.execute("SELECT coalesce(max(revision), 0) FROM lists").fetchone()
    number: int = found
    return number


def current(connection: sqlite3.Connection) -> list[ListRow]:
    """Every list that counts, by name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM lists WHERE state = 'current' ORDER BY name"  # noqa: S608 -- columns of our own
    ).fetchall()
    return [ListRow(*row) for row in rows]


def find(connection: sqlite3.Connection, name: str) -> tuple[ListRow, str] | None:
    """The list of that name and its state, `current` or `dropped`; None when there never was one."""
    row = connection.execute(
        f"SELECT {_COLUMNS}, state FROM lists WHERE name = ?",  # noqa: S608
        (name,),
    ).fetchone()
    return None if row is None else (ListRow(*row[:-1]), row[-1])


def swap(connection: sqlite3.Connection, made: Description, size: int, sha256: str) -> None:
    """Make this version the one that counts. Raises InputError when it was not made from the one that counts now."""
    found = find(connection, made.name)
    before = 0 if found is None else found[0].version
    if made.version != before + 1:
        raise InputError(
            [
                Problem(
                    made.name, f"version {before} counts now, and this is {made.version}", "import it again"
                )
            ]
        )
    connection.execute(
        "INSERT INTO lists (name, kind, jurisdiction, state, version, date, count, bytes, sha256, revision)"
        " VALUES (?, ?, ?, 'current', ?, ?, ?, ?, ?, (SELECT coalesce(max(revision), 0) + 1 FROM lists))"
        " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, jurisdiction = excluded.jurisdiction, state = 'current',"
        " version = excluded.version, date = excluded.date, count = excluded.count, bytes = excluded.bytes,"
        " sha256 = excluded.sha256, damaged = '', revision = excluded.revision",
        (made.name, made.kind, made.jurisdiction, made.version, made.date, made.count, size, sha256),
    )
    _keep(
        connection, made.name, made.version, made.how, made.at, made.actor, made.reason, made.date, made.count,
        made.added, made.removed, made.unreadable, {one.prefix: one.date for one in made.parts},
        [asdict(one) for one in made.sources],
    )  # fmt: skip


def drop(connection: sqlite3.Connection, name: str, actor: str, reason: str, now: float) -> ListRow:
    """The list of that name counts no more; its history stays. Returns what it was. Raises InputError."""
    found = find(connection, name)
    if found is None or found[1] != "current":
        raise InputError([Problem("list", f"there is no list {name!r}", "see `volley dnc lists`")])
    row = found[0]
    connection.execute(
        "UPDATE lists SET state = 'dropped', version = version + 1,"
        " revision = (SELECT coalesce(max(revision), 0) + 1 FROM lists) WHERE name = ?",
        (name,),
    )
    _keep(
        connection, name, row.version + 1, "dropped", now, actor, reason, row.date, 0, 0, row.count, 0, {}, []
    )
    return row


def _keep(connection: sqlite3.Connection, *values: object) -> None:
    *plain, parts, sources = values
    connection.execute(
        "INSERT INTO list_versions (name, version, how, at, actor, reason, date, count, added, removed, unreadable, parts,"
        " sources) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*plain, json.dumps(parts), json.dumps(sources, ensure_ascii=False)),
    )


def mark_damaged(connection: sqlite3.Connection, name: str, version: int, why: str) -> bool:
    """This version cannot be trusted (or can again, when `why` is empty). True when that is new."""
    return bool(
        connection.execute(
            "UPDATE lists SET damaged = ?, revision = (SELECT coalesce(max(revision), 0) + 1 FROM lists)"
            " WHERE name = ? AND version = ? AND state = 'current' AND damaged != ?",
            (why, name, version, why),
        ).rowcount
    )


def imported_before(connection: sqlite3.Connection, name: str, sha256s: Sequence[str], date: str) -> bool:
    """Is the version that counts made of exactly these files, as data of this date, by its last import?"""
    row = connection.execute(
        "SELECT v.sources, v.parts FROM lists l JOIN list_versions v ON v.name = l.name AND v.version = l.version"
        " WHERE l.name = ? AND l.state = 'current' AND l.damaged = ''",
        (name,),
    ).fetchone()
    if row is None or date not in json.loads(row[1]).values():
        return False
    return [one["sha256"] for one in json.loads(row[0])] == list(sha256s)
