"""The end of a contact: no further attempt, and what becomes of a promise to it."""

from __future__ import annotations

import sqlite3

from engine.rules.gate import Reason

_TAKEN_BACK = frozenset({Reason.SUPPRESSED, Reason.LISTED})
"""Refusals by which the callee has said that no call is wanted: a promise to them is not missed."""


def close_contact(
    connection: sqlite3.Connection, contact_id: int, campaign_id: int, disposition: str, verdict: str
) -> bool:
    """No further attempt for this contact. An empty disposition keeps the one that stands. Returns whether a promise to it
    is missed by that; one that the callee or the operator has taken back is withdrawn."""
    connection.execute(
        "UPDATE contacts SET state = 'done', verdict = ?, callback_id = NULL, disposition = CASE WHEN ? = '' THEN disposition"
        " ELSE ? END WHERE id = ? AND state != 'done'",
        (verdict, disposition, disposition, contact_id),
    )
    word = "withdrawn" if disposition == "CANCELLED" or verdict in _TAKEN_BACK else "missed"
    promises = connection.execute(
        "UPDATE callbacks SET state = ? WHERE contact_id = ? AND state = 'due'", (word, contact_id)
    ).rowcount
    connection.execute("UPDATE campaigns SET open_contacts = open_contacts - 1 WHERE id = ?", (campaign_id,))
    return word == "missed" and promises > 0
