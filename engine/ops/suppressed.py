"""The list of numbers never to be called, as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.ops.books import SLICE, reading


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One number on the list. `since` in POSIX seconds."""

    number: str
    since: float
    reason: str
    source: str
    """How it came: `key` (in a call), `inbound` (by calling back), `command`, `file`."""
    actor: str
    attempt: int | None
    """The call in which the person said so."""


SELECT = """
SELECT s.number_id, n.e164, s.since, s.reason, s.source, s.actor, s.attempt_id FROM suppression s JOIN numbers n ON n.id = s.number_id
"""
"""The number's id, and then what `Suppressed` takes."""


def everything(database: Path) -> Iterator[Suppressed]:
    """The whole list, in pieces, oldest number first. Raises StoreError."""
    last = 0
    while True:
        with reading(database) as connection:
            rows = connection.execute(
                SELECT + "WHERE s.number_id > ? ORDER BY s.number_id LIMIT ?", (last, SLICE)
            ).fetchall()
        for row in rows:
            yield Suppressed(*row[1:])
        if len(rows) < SLICE:
            return
        last = rows[-1][0]


def find(database: Path, e164: str) -> Suppressed | None:
    """That number's entry, None when it is not on the list. Raises StoreError."""
    with reading(database) as connection:
        row = connection.execute(SELECT + "WHERE n.e164 = ?", (e164,)).fetchone()
    return None if row is None else Suppressed(*row[1:])
