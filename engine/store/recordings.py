"""Recorded answers: which there are, how long they are kept, and that they are gone. The files are on the PBXs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from engine.channel import Report

UNKNOWN_KEEP = 86_400.0
"""Seconds that a recording is kept whose node the campaign does not have (any more)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded answer, and the PBX that holds its file."""

    attempt: int
    node: str
    pbx: str


def note(connection: sqlite3.Connection, report: Report) -> None:
    """The dialplan says that it begins to record: the file is kept as long as the campaign said, and not at all where the person
    was forgotten before that was told (`engine.store.erasure` leaves nothing in `dialed`)."""
    connection.execute(
        "INSERT OR IGNORE INTO recordings (attempt_id, node, keep_until)"
        " SELECT a.id, ?2, CASE WHEN a.dialed = '' THEN 0 ELSE ?3 + coalesce(json_extract(k.manifest, '$.nodes.\"' || ?2 || '\".keep'),"
        " ?4) END"
        " FROM attempts a JOIN campaigns k ON k.id = a.campaign_id WHERE a.id = ?1",
        (report.attempt, report.value, report.at, UNKNOWN_KEEP),
    )


def due(connection: sqlite3.Connection, now: float, limit: int, skip: int = 0) -> list[Recording]:
    """Recordings whose time is over, the oldest first, without the first `skip`."""
    return [
        Recording(*row)
        for row in connection.execute(
            "SELECT r.attempt_id, r.node, coalesce(p.name, '') FROM recordings r JOIN attempts a ON a.id = r.attempt_id"
            " LEFT JOIN pbxs p ON p.id = a.pbx_id WHERE r.deleted_at IS NULL AND r.keep_until <= ?"
            " ORDER BY r.keep_until, r.attempt_id, r.node LIMIT ? OFFSET ?",
            (now, limit, skip),
        )
    ]


def gone(connection: sqlite3.Connection, recordings: Sequence[Recording], now: float) -> None:
    """Their files are deleted."""
    connection.executemany(
        "UPDATE recordings SET deleted_at = ? WHERE attempt_id = ? AND node = ?",
        [(now, one.attempt, one.node) for one in recordings],
    )
