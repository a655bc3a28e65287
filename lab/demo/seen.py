"""What came out: from the engine's books, and from the carrier's own count, which knows nothing of the
engine."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import lab
from engine.ops.books import reading
from lab.demo.places import LAB, QUEUE


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt in the books."""

    kind: str
    disposition: str
    sip: int
    cause: int
    keys: str
    result: str


@dataclass(slots=True)
class Seen:
    """All about one number. `counted`: calls that the carrier saw; `pressed`: keys that the carrier's
    callee pressed, by call."""

    state: str = "not there"
    disposition: str = ""
    goal: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    callbacks_kept: int = 0
    suppressed: bool = False
    counted: int = 0
    pressed: list[str] = field(default_factory=list)


def look(database: Path) -> dict[str, Seen]:
    """Every number that the engine or the carrier knows. Raises StoreError."""
    found: dict[str, Seen] = {}
    with reading(database) as connection:
        for row in connection.execute(
            "SELECT n.e164, c.state, c.disposition, c.goal, s.number_id IS NOT NULL,"
            " (SELECT count(*) FROM callbacks b WHERE b.contact_id = c.id AND b.state = 'kept')"
            " FROM contacts c JOIN numbers n ON n.id = c.number_id LEFT JOIN suppression s ON s.number_id = n.id"
        ):
            found[row[0]] = Seen(row[1], row[2], row[3], suppressed=bool(row[4]), callbacks_kept=row[5])
        for row in connection.execute(
            "SELECT n.e164, a.kind, coalesce(a.disposition, 'lives'), a.sip, a.cause,"
            " coalesce((SELECT group_concat(substr(value, 1, 1), '') FROM (SELECT value FROM call_events e WHERE e.attempt_id = a.id"
            " AND e.kind = 'key' ORDER BY e.seq)), ''), a.result"
            " FROM attempts a JOIN numbers n ON n.id = a.number_id WHERE coalesce(a.disposition, '') != 'NOT_SENT' ORDER BY a.id"
        ):
            found.setdefault(row[0], Seen()).attempts.append(Attempt(*row[1:]))
    for call in lab.carrier_calls(LAB):
        one = found.setdefault(call.number, Seen())
        one.counted += 1
        one.pressed.append(call.keys)
    return found


def attempts_and_calls(seen: Mapping[str, Seen]) -> tuple[int, int]:
    """Attempts in the books, and calls that the carrier counted."""
    return sum(len(one.attempts) for one in seen.values()), sum(one.counted for one in seen.values())


def rejected_rows(campaign: str) -> list[str]:
    """The codes in the rejects file that intake put beside an accepted job."""
    path = QUEUE / "accepted" / f"{campaign}.rejects.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [row["rejected_code"] for row in csv.DictReader(lines)]
