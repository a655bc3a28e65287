"""Reading the audit log: the walk along its chain, its entries, and the heads that were kept of it elsewhere.

Read in pieces, each in a moment of its own: rows are only ever added, so pieces fit together, and nothing holds up
the engine that writes. What a walk proves: no row up to the last head that is known from elsewhere was changed, left
out, put in or cut off. What it cannot: a tail that was cut off after the last head that somebody kept.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import InputError, Problem
from engine.ops import log
from engine.ops.books import SLICE, reading
from engine.store import audit
from engine.store.audit import EMPTY, GENESIS, Head, digest

PIECE = 20_000
"""Rows read at a time: some tens of milliseconds."""
TRIGGERS = frozenset({"audit_no_update", "audit_no_delete", "audit_next_row"})
"""What keeps the table append-only (migration 0002)."""

_WALK = """
SELECT id, at, actor, action, subject, details, previous, hash,
       typeof(at) = 'real' AND typeof(actor) = 'text' AND typeof(action) = 'text' AND typeof(subject) = 'text'
       AND typeof(details) = 'text' AND typeof(previous) = 'blob' AND typeof(hash) = 'blob'
FROM audit WHERE id > ? ORDER BY id LIMIT ?
"""
BEFORE_ALL = float("-inf")
"""Below every id that SQLite can hold."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is wrong. `row` is an id; None when it is about no row."""

    row: int | None
    what: str


@dataclass(slots=True)
class Chain:
    """A walk along the log. Feed it rows in the order of their ids; it stops at the first that is wrong."""

    head: Head = EMPTY
    broken: Broken | None = None
    wanted: dict[bytes, int | None] = field(default_factory=dict)
    """Heads that have not been met yet: hash -> id, None where only the hash is known."""

    def feed(self, rows: Iterable[Sequence[Any]]) -> Broken | None:
        """Take the next rows, texts as bytes. Returns what is wrong by then."""
        if self.broken is not None:
            return self.broken
        last, previous = self.head.id, self.head.hash
        for row, at, actor, action, subject, details, linked, own, kinds in rows:
            if row != last + 1:
                self.broken = _gap(last, row)
                break
            if not kinds:
                self.broken = Broken(row, "it holds a value of a kind that is never written: it was changed")
                break
            if linked != previous:
                what = "it does not follow the row before it: that one was changed, or this one was"
                self.broken = Broken(row, what)
                break
            found = digest(previous, row, at, actor, action, subject, details)
            if found != own:
                self.broken = Broken(row, "its content is not what its hash was made of: it was changed")
                break
            if found in self.wanted and self.wanted.pop(found) not in (None, row):
                self.broken = Broken(row, "its head was written down under another id: rows were moved")
                break
            last, previous = row, found
        self.head = Head(last, previous)
        return self.broken

    def end(self) -> None:
        """There are no more rows: heads that were not met are missing."""
        if self.broken is not None or not self.wanted:
            return
        known = [row for row in self.wanted.values() if row is not None]
        if not known:
            what = f"a head that was written down is not in the log, which ends at row {self.head.id}"
            self.broken = Broken(None, f"{what}: its end was cut off, or it was written anew")
        elif max(known) > self.head.id:
            what = f"the log ends at row {self.head.id}, and had a row {max(known)} when its head was written down"
            self.broken = Broken(self.head.id + 1, f"{what}: its end was cut off")
        else:
            what = "it is not the row whose head was written down: the log was written anew"
            self.broken = Broken(min(known), what)


def _gap(last: int, row: int) -> Broken:
    if row <= last:
        return Broken(row, "there is a row before the first: it was put in")
    missing = f"row {last + 1} is" if row == last + 2 else f"rows {last + 1} to {row - 1} are"
    return Broken(last + 1, f"{missing} missing")


def pieces(database: Path, after: float = BEFORE_ALL, size: int = PIECE) -> Iterator[list[Sequence[Any]]]:
    """The rows with ids above `after`, in pieces, as `Chain` takes them. Raises StoreError."""
    while True:
        rows = piece(database, after, size)
        if rows:
            yield rows
            after = rows[-1][0]
        if len(rows) < size:
            return


def piece(database: Path, after: float, size: int) -> list[Sequence[Any]]:
    """Up to `size` rows with ids above `after`. Raises StoreError."""
    with reading(database) as connection:
        connection.row_factory = None
        connection.text_factory = bytes  # what stands there, also when it is no UTF-8
        return connection.execute(_WALK, (after, size)).fetchall()


def verify(database: Path, heads: Iterable[tuple[int | None, bytes]] = ()) -> Chain:
    """Walk the whole log; every one of `heads` (id or None, hash) must be met. Raises StoreError when it cannot be read."""
    chain = Chain(wanted={own: row for row, own in heads if own != GENESIS})
    with reading(database) as connection:
        there = {
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        }
    for rows in pieces(database):
        chain.feed(rows)
        if chain.broken is not None:
            break
    chain.end()
    if chain.broken is None and not there >= TRIGGERS:
        gone = ", ".join(sorted(TRIGGERS - there))
        chain.broken = Broken(None, f"what keeps the log append-only was taken away: trigger {gone}")
    return chain


# --- heads --------------------------------------------------------------------------------------------------------------

_HEAD = re.compile(r"(?:([0-9]{1,18}):)?([0-9a-fA-F]{64})")


def head_of(text: str) -> tuple[int | None, bytes]:
    """A head as `volley audit head` prints it (`812:9f86...`), or its hash alone. Raises InputError."""
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise InputError(
            [Problem("--head", f"{text!r} is no head", "write it as `volley audit head` printed it: id:hash")]
        )
    return (None if found[1] is None else int(found[1])), bytes.fromhex(found[2])


def heads_in(path: Path) -> list[tuple[int | None, bytes]]:
    """Every head that the engine wrote into this log file (also one packed by gzip). Raises OSError."""
    found: list[tuple[int | None, bytes]] = []
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as lines:
        for raw in lines:
            if log.AUDIT_HEAD.encode() not in raw:
                continue
            try:
                line = json.loads(raw)
                if line["event"] == log.AUDIT_HEAD:
                    found.append((int(line["id"]), bytes.fromhex(line["hash"])))
            except (ValueError, TypeError, KeyError):
                continue  # a line that was cut by a full disk
    return found


# --- entries ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `at` in POSIX seconds."""

    id: int
    at: float
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


_ENTRIES = """
SELECT id, at, actor, action, subject, details FROM audit
WHERE id > :after AND at >= :since AND at < :until AND (:action = '' OR action = :action OR action LIKE :actions ESCAPE '\\')
  AND (:subject = '' OR instr(subject, :subject) > 0)
  AND (:actor = '' OR actor = :actor OR substr(actor, 1, length(:actor) + 5) = :actor || ' (as ')
ORDER BY id LIMIT :most
"""


def entries(
    database: Path,
    *,
    since: float = float("-inf"),
    until: float = float("inf"),
    action: str = "",
    subject: str = "",
    actor: str = "",
) -> Iterator[Entry]:
    """Entries from `since` to before `until` (POSIX seconds), oldest first. `action` is one (`campaign.paused`) or the
    beginning of several (`campaign`), `subject` a part of it, `actor` whole, or the name that a request gave. Raises
    StoreError."""
    after = BEFORE_ALL
    group = action.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + ".%"
    while True:
        with reading(database) as connection:
            rows: list[sqlite3.Row] = connection.execute(
                _ENTRIES,
                {
                    "after": after, "since": since, "until": until, "action": action, "actions": group, "subject": subject,
                    "actor": actor, "most": SLICE,
                },
            ).fetchall()  # fmt: skip
        for row in rows:
            yield Entry(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]))
        if len(rows) < SLICE:
            return
        after = rows[-1][0]


def head(database: Path) -> Head:
    """The newest row of the log, id 0 while there is none. Raises StoreError."""
    with reading(database) as connection:
        return audit.head(connection)
