"""Contacts that are due: a campaign's next ones, each with all that the gate and the dialer need of it in one look."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import time
from functools import lru_cache
from typing import NamedTuple

from engine.rules.gate import Candidate

_DUE = """
SELECT c.id, c.number_id, n.e164, n.region, n.kind, n.zones, c.timezone, c.subdivision, c.postal_code, c.consent,
       c.attempts, c.callbacks, c.callback_id, c.last_attempt_at, c.call_from, c.call_to, c.not_before, c.expires,
       c.position, c.numbers, c.tries, c.invalid, c.verdict, c.language, c.fields, c.spoken, c.speech, s.number_id IS NOT NULL,
       EXISTS (SELECT 1 FROM attempts a WHERE a.number_id = c.number_id AND a.disposition IS NULL),
       coalesce(b.start, ''), coalesce(b.caller_id, ''), c.disposition
FROM contacts c JOIN numbers n ON n.id = c.number_id LEFT JOIN suppression s ON s.number_id = c.number_id
     LEFT JOIN callbacks b ON b.id = c.callback_id
WHERE """
_NEXT = (
    _DUE
    + "c.campaign_id = ? AND c.state = 'pending' AND c.due_at <= ? AND c.speech != 'wanted' ORDER BY c.due_at LIMIT ?"
)
_ONE = _DUE + "c.id = ?"


class Due(NamedTuple):
    """A contact that is due, in the order of the query's columns."""

    contact_id: int
    number_id: int
    e164: str
    region: str
    kind: str
    zones: str
    timezone: str
    subdivision: str
    postal_code: str
    consent: str | None
    attempts: int
    callbacks: int
    callback_id: int | None
    last_attempt_at: float | None
    call_from: str | None
    call_to: str | None
    not_before: float | None
    expires: float | None
    position: int
    numbers: int
    tries: str
    invalid: str
    verdict: str
    language: str
    fields: str
    spoken: str
    speech: str
    suppressed: int
    line_in_use: int
    start: str
    """Of the callback that is to be kept."""
    promised_from: str
    """The caller ID that was shown when the callback was asked for."""
    last: str
    """How the last attempt ended; empty before the first one."""

    def candidate(self, taken: bool, nobody_free: bool = False) -> Candidate:
        """As the gate sees it. `taken`: its number was claimed in this very transaction. `nobody_free`: those to whom its
        callback leads have no place left."""
        return Candidate(
            e164=self.e164,
            region=self.region,
            kind=self.kind,
            zones=zones_of(self.zones),
            suppressed=bool(self.suppressed),
            line_in_use=taken or bool(self.line_in_use),
            nobody_free=nobody_free,
            attempts=self.attempts,
            callback=self.callback_id is not None,
            callbacks=self.callbacks,
            last_attempt_at=self.last_attempt_at,
            timezone=self.timezone,
            subdivision=self.subdivision,
            postal_code=self.postal_code,
            consent=self.consent,
            call_from=clock_of(self.call_from),
            call_to=clock_of(self.call_to),
            not_before=self.not_before,
            expires=self.expires,
            promised_from=self.promised_from,
        )


def due(connection: sqlite3.Connection, campaign_id: int, now: float, limit: int) -> Sequence[Due]:
    """Up to `limit` contacts of a campaign that are due at `now`, longest waiting first."""
    return [Due._make(row) for row in connection.execute(_NEXT, (campaign_id, now, limit)).fetchall()]


def contact(connection: sqlite3.Connection, contact_id: int) -> Due | None:
    """One contact as the claim sees it, due or not; None when it is not there."""
    row = connection.execute(_ONE, (contact_id,)).fetchone()
    return None if row is None else Due(*row)


def next_due(connection: sqlite3.Connection, campaign_id: int) -> float | None:
    """When the next contact of a campaign falls due; None when none is pending."""
    found: float | None = connection.execute(
        "SELECT min(due_at) FROM contacts WHERE campaign_id = ? AND state = 'pending'", (campaign_id,)
    ).fetchone()[0]
    return found


@lru_cache(maxsize=4096)
def zones_of(text: str) -> tuple[str, ...]:
    """IANA names as `numbers.zones` keeps them."""
    return tuple(text.split(",")) if text else ()


@lru_cache(maxsize=4096)
def clock_of(text: str | None) -> time | None:
    """A local time as `contacts.call_from` keeps it."""
    return None if text is None else time.fromisoformat(text)
