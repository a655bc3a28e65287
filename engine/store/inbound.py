"""Opt-outs of people who called one of our numbers back."""

from __future__ import annotations

import sqlite3

from engine.channel import InboundOptOut
from engine.rules.numbers import Number
from engine.store import suppression
from engine.store.audit import CALLEE, Action, append


def opt_out(
    connection: sqlite3.Connection, pbx: str, event: InboundOptOut, number: Number, now: float
) -> list[int]:
    """Somebody called back from `number` and said never again: suppress it, for every campaign, at once, and every
    other number of the contacts that have it, as an opt-out in a call does.

    Returns the ids of the numbers. A call that is stored already changes nothing, so that a number taken off the list
    since stays off it. `pbx` must be registered (`engine.store.recovery.register`).
    """
    (pbx_id,) = connection.execute("SELECT id FROM pbxs WHERE name = ?", (pbx,)).fetchone()
    known = connection.execute(
        "SELECT 1 FROM inbound_opt_outs WHERE pbx_id = ? AND call = ?", (pbx_id, event.call)
    ).fetchone()
    if known is not None:
        return []
    [own] = suppression.suppress(connection, [number], "opt-out", "inbound", CALLEE, now)
    others = [
        row[0]
        for row in connection.execute(
            "SELECT DISTINCT o.number_id FROM contact_numbers n JOIN contact_numbers o ON o.contact_id = n.contact_id"
            " WHERE n.number_id = ?1 AND o.number_id != ?1 ORDER BY o.number_id",
            (own,),
        )
    ]
    connection.executemany(
        "INSERT OR IGNORE INTO suppression (number_id, since, reason, source, actor) VALUES (?, ?, 'opt-out', 'inbound', ?)",
        [(other, now, CALLEE) for other in others],
    )
    connection.execute(
        "INSERT INTO inbound_opt_outs (pbx_id, call, number_id, called, at) VALUES (?, ?, ?, ?, ?)",
        (pbx_id, event.call, own, event.called, event.at),
    )
    append(
        connection,
        Action.SUPPRESSION_ADDED,
        now,
        actor=CALLEE,
        subject="suppression",
        details={
            "reason": "opt-out",
            "source": "inbound",
            "pbx": pbx,
            "call": event.call,
            "numbers": [own, *others],
        },
    )
    return [own, *others]
