"""The books of a run: what the callee saw on the wire held against what stands in the database.

Pure but for reading: rows and log lines in, sentences out. A sentence is a violation; no sentence, no violation. Figures that are
no violation (how many UNKNOWN, how fast again) are counted beside them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from chaos import plan
from chaos.faults import Seen
from chaos.heard import Heard
from chaos.waves import BUDGET, GAP

ASTDB_LAG = 1.5
"""Seconds before a kill of Asterisk in which a key may be lost: AstDB reaches the disk about a second late (docs/recovery.md)."""
SLACK = 0.05
IN_HAND = 24
"""Calls that a frozen Asterisk has in hand beyond what pacing leaves of the contract: acknowledged, and not on the wire yet."""
WIRE_SLACK = 0.5
"""Seconds by which two INVITEs may stand closer than their gap: Asterisk's own way from the Originate to the wire."""


@dataclass(slots=True)
class Books:
    """What came out."""

    violations: list[str] = field(default_factory=list)
    invites: int = 0
    numbers: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    """By disposition."""
    contacts: Counter[str] = field(default_factory=Counter)
    keys: int = 0
    """Keys that callees pressed."""
    excused: int = 0
    """Keys that are not in the database: pressed within ASTDB_LAG before a kill of Asterisk, or after it, to nobody."""
    opt_outs: int = 0
    busiest: int = 0
    """Most INVITEs in any second."""
    closest: float = float("inf")
    """Least seconds between two INVITEs to one number."""

    def wrong(self, kind: str, found: Sequence[object]) -> None:
        """Note a violation and its first examples."""
        if found:
            self.violations.append(f"{len(found)} {kind}: " + "; ".join(str(one) for one in found[:5]))


def check(database: Path, heard: Iterable[Heard], seen: Sequence[Seen], *, loaded: int, cps: int) -> Books:
    """Hold everything against everything. `loaded`: contacts that were handed in; `cps`: the trunk's contract."""
    books = Books()
    calls: dict[str, dict[str, float]] = defaultdict(dict)
    keys: list[Heard] = []
    for one in heard:
        if one.what == "invite":
            calls[one.number].setdefault(one.call_id, one.at)
        elif one.what == "key":
            keys.append(one)
    books.invites = sum(len(found) for found in calls.values())
    books.numbers = len(calls)
    books.keys = len(keys)
    _rate(books, sorted(at for found in calls.values() for at in found.values()), cps)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        _integrity(books, connection)
        _contacts(books, connection, loaded)
        _attempts(books, connection, calls, clock=any(one.kind == "clock set" for one in seen))
        _keys(books, connection, keys, seen)
    return books


def _rate(books: Books, moments: Sequence[float], cps: int) -> None:
    first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1.0:
            first += 1
        books.busiest = max(books.busiest, last - first + 1)
    # What an Asterisk that was frozen had in hand leaves at once when it thaws; the engine bounds what it writes unheard.
    if books.busiest > cps + IN_HAND:
        books.violations.append(f"{books.busiest} INVITEs within a second, with a contract of {cps}")


def _integrity(books: Books, connection: sqlite3.Connection) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    books.wrong("damages of the database", found)


def _contacts(books: Books, connection: sqlite3.Connection, loaded: int) -> None:
    books.contacts.update(
        dict(
            connection.execute(
                "SELECT state || ' ' || disposition, count(*) FROM contacts GROUP BY 1"
            ).fetchall()
        )
    )
    total = sum(books.contacts.values())
    if total != loaded:
        books.violations.append(f"{loaded} contacts were handed in, {total} stand in the database")
    open_ones = connection.execute("SELECT id FROM contacts WHERE state != 'done'").fetchall()
    books.wrong("contacts without an end", [row[0] for row in open_ones])
    counters = connection.execute(
        "SELECT name, open_contacts FROM campaigns WHERE open_contacts != 0"
    ).fetchall()
    books.wrong("campaigns that miscount their open contacts", [tuple(row) for row in counters])
    doubled = connection.execute(
        "SELECT n.e164, count(*) FROM contacts c JOIN numbers n ON n.id = c.number_id GROUP BY 1 HAVING count(*) > 1"
    ).fetchall()
    books.wrong("contacts that were taken in twice", [tuple(row) for row in doubled])


def _attempts(
    books: Books, connection: sqlite3.Connection, calls: dict[str, dict[str, float]], *, clock: bool
) -> None:
    by_number: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in connection.execute(
        "SELECT a.*, n.e164 FROM attempts a JOIN numbers n ON n.id = a.number_id ORDER BY a.id"
    ):
        by_number[row["e164"]].append(row)
        books.attempts[row["disposition"] or "open"] += 1
    books.wrong(
        "calls to numbers without an attempt", [number for number in calls if number not in by_number]
    )
    too_many, too_few, over, close, open_ones, near = [], [], [], [], [], []
    for number, rows in by_number.items():
        wire = sorted(calls.get(number, {}).values())
        sent = [row for row in rows if row["disposition"] != "NOT_SENT"]
        proven = [row for row in sent if _proven(number, row)]
        if len(wire) > len(sent):
            too_many.append(
                f"{number} was called {len(wire)} times, in {len(sent)} attempts ({_told(wire, rows)})"
            )
        if len(wire) < len(proven):
            too_few.append(
                f"{number} was called {len(wire)} times, with {len(proven)} attempts proven ({_told(wire, sent)})"
            )
        if sum(row["counted"] for row in rows if row["kind"] != "callback") > BUDGET:
            over.append(number)
        if any(row["disposition"] is None for row in rows):
            open_ones.append(number)
        starts = [row["sent_at"] for row in sent if row["sent_at"]]
        near += [number for before, after in pairwise(starts) if after - before < GAP - SLACK]
        spaces = [after - before for before, after in pairwise(wire)]
        books.closest = min([books.closest, *spaces])
        close += [f"{number} after {space:.2f} s" for space in spaces if space < GAP - WIRE_SLACK]
    books.wrong("numbers called more often than there are attempts", too_many)
    books.wrong("numbers called less often than proven", too_few)
    books.wrong("contacts over their budget", over)
    books.wrong("attempts without an end", open_ones)
    if (
        not clock
    ):  # where the engine's clock was set, its books tell nothing of lengths of time; the wire does
        books.wrong("attempts sent inside the gap", near)
    books.wrong("INVITEs inside the gap", close)


def _proven(number: str, row: sqlite3.Row) -> bool:
    """Must the callee know of this attempt? Where it rang, was answered, or ended with the very status that this callee gives.
    Others are Asterisk's own: 480 and 408 of an end by time, 603 of a call that was hung up before its INVITE left."""
    if row["answered_at"] is not None or row["rang"]:
        return True
    return bool(row["sip"] == plan.behaviour(number).status and row["disposition"] != "CANCELLED")


def _told(wire: Sequence[float], rows: Sequence[sqlite3.Row]) -> str:
    """When a number was called, and what its attempts say of themselves: what a reader needs who looks for the cause."""
    attempts = [
        f"{row['disposition']} sip {row['sip']} cause {row['cause']} rang {row['rang']} sent {row['sent_at']}"
        f" ended {row['ended_at']} {row['note']}".rstrip()
        for row in rows
    ]
    return f"INVITEs at {', '.join(f'{at:.3f}' for at in wire) or 'no time'}; {'; '.join(attempts)}"


def _keys(books: Books, connection: sqlite3.Connection, keys: list[Heard], seen: Sequence[Seen]) -> None:
    """Every key that a living PBX was told is in the database, and every 9 in the list of those never to be called."""
    dead = [(one.at - ASTDB_LAG, one.mended) for one in seen if one.kind == "Asterisk kill"]
    firm: Counter[tuple[str, str]] = Counter()
    excused: Counter[tuple[str, str]] = Counter()
    for one in keys:
        # From a moment before the kill: AstDB had not reached the disk. After it: nobody was there to hear.
        late = any(begin <= one.at <= end for begin, end in dead)
        (excused if late else firm)[one.number, one.rest] += 1
    stored: Counter[tuple[str, str]] = Counter()
    for number, value, times in connection.execute(
        "SELECT n.e164, e.value, count(*) FROM call_events e JOIN attempts a ON a.id = e.attempt_id"
        " JOIN numbers n ON n.id = a.number_id WHERE e.kind = 'key' GROUP BY 1, 2"
    ):
        stored[number, value.partition("@")[0]] += times
    listed = {
        row[0]
        for row in connection.execute("SELECT n.e164 FROM suppression s JOIN numbers n ON n.id = s.number_id")
    }
    books.opt_outs = len(listed)
    books.excused = sum(max(0, firm[key] + excused[key] - stored[key]) for key in excused)
    lost = [
        f"{digit} by {number} (pressed {times}, stored {stored[number, digit]})"
        for (number, digit), times in firm.items()
        if stored[number, digit] < times
    ]
    books.wrong("keys that were pressed and are not in the database", lost)
    unheeded = [number for (number, digit) in firm if digit == "9" and number not in listed]
    books.wrong("opt-outs that are not in the list", unheeded)
    phantom = [number for number in listed if not firm[number, "9"] and not excused[number, "9"]]
    # A key whose call went down with its last packet is not in the callee's log, and may have been heard all the same.
    if len(phantom) > max(3, len(listed) // 50):
        books.wrong("opt-outs that nobody pressed", phantom)
