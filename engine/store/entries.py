"""What a claim writes for the calls that it allows, gathered and written together before anything could ask for it.

An attempt, its decision, the campaign's use of the day, the contact in a call: four rows a call, in a statement each
for all calls of a claim.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from engine.store import decisions, rows
from engine.store.decisions import DecisionRecord
from engine.store.past import use

_ATTEMPTS = (
    "INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id, dialed, flow_version,"
    " rules, callback_id, created_at, held) VALUES %s"
)
_CONTACTS = "UPDATE contacts SET state = 'in_call', verdict = 'allowed' WHERE id IN (VALUES %s)"


class Entries:
    """Rows of one claim, at one instant."""

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        self._connection = connection
        self._now = now
        self._attempts: list[rows.Row] = []
        self._decisions: list[DecisionRecord] = []
        self._contacts: list[rows.Row] = []
        self._uses: dict[int, tuple[int, float]] = {}

    def add(
        self, campaign_id: int, contact_id: int, attempt: Sequence[Any], decision: DecisionRecord, held: float
    ) -> None:
        """A call that may be made. `attempt`: the values of its row, in the order of the table; `held`: what it may cost."""
        self._attempts.append(attempt)
        self._decisions.append(decision)
        self._contacts.append((contact_id,))
        calls, money = self._uses.get(campaign_id, (0, 0.0))
        self._uses[campaign_id] = calls + 1, money + held

    def write(self) -> None:
        """Into the database, what is gathered."""
        if not self._attempts:
            return
        rows.write(self._connection, _ATTEMPTS, self._attempts)
        decisions.insert_all(self._connection, self._decisions)
        for campaign_id, (calls, money) in self._uses.items():
            use(self._connection, campaign_id, self._now, calls=calls, cost=0.0, held=money)
        rows.write(self._connection, _CONTACTS, self._contacts)
        self._attempts, self._decisions, self._contacts, self._uses = [], [], [], {}
