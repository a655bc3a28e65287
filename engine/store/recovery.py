"""What a starting or reconnecting engine asks of the database: open attempts, the PBXs' last start, which buckets
are still needed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from engine.store.claimed import Claim
from engine.store.claims import positions_of
from engine.store.due import zones_of
from engine.store.trunks import close_breakers


def register(
    connection: sqlite3.Connection, pbxs: Sequence[str], trunks: Mapping[str, str]
) -> dict[str, tuple[int, int]]:
    """Give every PBX and trunk of the settings its row; returns trunk -> (trunk id, PBX id)."""
    for name in pbxs:
        connection.execute("INSERT OR IGNORE INTO pbxs (name) VALUES (?)", (name,))
    found = {}
    for name, pbx in trunks.items():
        (pbx_id,) = connection.execute("SELECT id FROM pbxs WHERE name = ?", (pbx,)).fetchone()
        (trunk_id,) = connection.execute(
            "INSERT INTO trunks (name, pbx_id) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET pbx_id = excluded.pbx_id RETURNING id",
            (name, pbx_id),
        ).fetchone()
        found[name] = (trunk_id, pbx_id)
    close_breakers(connection, list(trunks))
    return found


def last_attempt(connection: sqlite3.Connection) -> int:
    """The newest attempt id, 0 when there is none."""
    (found,) = connection.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
    newest: int = found
    return newest


def last_dialed(connection: sqlite3.Connection) -> float:
    """When the newest attempt was made, by the clock of that time; 0 when there is none. Its id does not tell: ids never go
    back, and a clock may have."""
    row = connection.execute("SELECT created_at FROM attempts ORDER BY id DESC LIMIT 1").fetchone()
    return float(row[0]) if row else 0.0


def open_attempts(connection: sqlite3.Connection, pbx: str) -> list[Claim]:
    """Every attempt on this PBX that has no end, as the claim that it was."""
    rows = connection.execute(
        "SELECT a.id, a.contact_id, a.campaign_id, a.number_id, n.e164, a.dialed, a.caller_id, t.name,"
        " a.kind, a.position, c.numbers, c.attempts,"
        " c.tries, c.invalid, a.callback_id, c.callbacks, a.flow_version, c.language, c.fields, a.created_at,"
        " CASE WHEN c.timezone != '' THEN c.timezone ELSE n.zones END, c.spoken, coalesce(b.start, ''), c.speech, n.region"
        " FROM attempts a JOIN contacts c ON c.id = a.contact_id JOIN numbers n ON n.id = a.number_id JOIN trunks t ON t.id = a.trunk_id"
        " JOIN pbxs p ON p.id = a.pbx_id LEFT JOIN callbacks b ON b.id = a.callback_id WHERE a.disposition IS NULL AND p.name = ?",
        (pbx,),
    ).fetchall()
    return [_claim(row) for row in rows]


def _claim(row: tuple[Any, ...]) -> Claim:
    values = list(row)
    values[12], values[13] = json.loads(row[12]), positions_of(row[13])
    values[20] = zones_of(row[20])
    return Claim(*values)


def pbx_started(connection: sqlite3.Connection, pbx: str) -> str:
    """When this PBX had started, as it told when its open attempts were settled last."""
    found: str = connection.execute("SELECT started FROM pbxs WHERE name = ?", (pbx,)).fetchone()[0]
    return found


def note_started(connection: sqlite3.Connection, pbx: str, started: str) -> None:
    """Every open attempt is settled against the Asterisk that started then. Not to be noted before."""
    connection.execute("UPDATE pbxs SET started = ? WHERE name = ?", (started, pbx))


def lost_attempts(connection: sqlite3.Connection, pbxs: Sequence[str]) -> list[str]:
    """PBXs that are not in the settings any more and have open attempts."""
    rows = connection.execute(
        "SELECT DISTINCT p.name FROM attempts a JOIN pbxs p ON p.id = a.pbx_id WHERE a.disposition IS NULL"
    ).fetchall()
    return [row[0] for row in rows if row[0] not in pbxs]


def still_open(connection: sqlite3.Connection, pbx: str) -> dict[int, str]:
    """Every attempt on this PBX that has no end, and the version of its flow: what of the PBX's AstDB is still needed."""
    return dict(
        connection.execute(
            "SELECT a.id, a.flow_version FROM attempts a JOIN pbxs p ON p.id = a.pbx_id WHERE a.disposition IS NULL AND p.name = ?",
            (pbx,),
        ).fetchall()
    )


def unknown_newer(connection: sqlite3.Connection, attempts: Sequence[int]) -> list[int]:
    """Those of `attempts` (dialed by a PBX) that are newer than the newest in this database: then it is an old copy of
    the one that they were dialed from. None for a database that never dialed."""
    newest = last_attempt(connection)
    return sorted(attempt for attempt in attempts if attempt > newest) if newest else []


def pause_all(connection: sqlite3.Connection) -> list[str]:
    """Pause every campaign that runs or is scheduled. Returns their names."""
    return [
        row[0]
        for row in connection.execute(
            "UPDATE campaigns SET state = 'paused' WHERE state IN ('running', 'scheduled') RETURNING name"
        ).fetchall()
    ]
