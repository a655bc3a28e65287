"""The wall clock was set: instants that mean a length of time move with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from engine.store.loading import HELD

_DUE = """
UPDATE contacts SET due_at = due_at + ? WHERE campaign_id = ? AND state = 'pending' AND due_at > ? AND due_at < ?
 AND verdict IN ('', 'allowed', 'gap', 'line_in_use')
"""
"""After these last words of the gate `due_at` is an instant plus a delay. After any other it is an hour of somebody's day,
which stays."""


def shift(connection: sqlite3.Connection, gaps: Sequence[tuple[int, float]], jump: float, now: float) -> int:
    """Move what campaigns reckon from past attempts by `jump` seconds (negative: the clock went back). `gaps`: campaign
    id and its min_gap in seconds; `now`: the new wall time. Returns how many contacts moved."""
    floor = min(now, now - jump)
    moved = 0
    for campaign_id, gap in gaps:
        moved += connection.execute(
            _DUE,
            (jump, campaign_id, floor, HELD),
        ).rowcount
        connection.execute(
            "UPDATE contacts SET last_attempt_at = last_attempt_at + ? WHERE last_attempt_at > ? AND (campaign_id = ?"
            " AND state = 'pending' OR id IN (SELECT contact_id FROM attempts WHERE disposition IS NULL AND campaign_id = ?))",
            (jump, floor - gap, campaign_id, campaign_id),
        )
    if jump < 0:  # dialed in a future that never was: the next start must not take that for another jump
        connection.execute(
            "UPDATE attempts SET created_at = created_at + ? WHERE created_at > ? AND id IN"
            " (SELECT id FROM attempts ORDER BY id DESC LIMIT 100000)",
            (jump, now),
        )
    connection.execute(
        "UPDATE callbacks SET due_at = due_at + ? WHERE state = 'due' AND due_at > ?", (jump, floor)
    )
    return moved
