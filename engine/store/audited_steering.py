"""What an operator changes while things run, each change together with its audit entry (see `engine.store.audited`):
a campaign's rate, channels, hours and priority, and stops of all dialing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from engine.halts import Halt, HaltKind
from engine.store import campaigns, halts
from engine.store.audit import Action, append, masked


def steer(
    connection: sqlite3.Connection,
    campaign_id: int,
    changes: Mapping[str, Any],
    now: float,
    *,
    actor: str,
    reason: str,
    anew: bool = False,
) -> dict[str, list[Any]]:
    """Change a campaign: keys of its manifest with their new values. `anew`: as it was accepted, but for these. Returns what
    changed: key -> value before and after, None where neither the manifest nor anybody since has said anything."""
    before = campaigns.steered(connection, campaign_id)
    after = campaigns.steer(connection, campaign_id, changes, now, anew=anew)
    changed = {
        key: [before.get(key), after.get(key)]
        for key in campaigns.STEERABLE
        if before.get(key) != after.get(key)
    }
    if changed:
        (name,) = connection.execute("SELECT name FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
        append(
            connection,
            Action.CAMPAIGN_CHANGED,
            now,
            actor=masked(actor),
            subject=f"campaign {name}",
            details={"changes": changed, **_why(reason)},
        )
    return changed


def lay(connection: sqlite3.Connection, halt: Halt, *, hang_up: bool = False) -> Halt:
    """Stop all dialing; `halt.by` and `halt.reason` go into the log. `hang_up`: the calls that live are ended too. Returns it as
    it is kept."""
    kept = Halt(halt.kind, halt.at, halt.until, masked(halt.by), masked(halt.reason))
    halts.lay(connection, kept)
    append(
        connection,
        Action.DIALING_STOPPED if halt.kind == "stop" else Action.DIALING_QUIET,
        halt.at,
        actor=kept.by,
        subject="dialing",
        details={
            **({} if halt.until is None else {"until": halt.until}),
            **({"hang_up": True} if hang_up else {}),
            **_why(halt.reason),
        },
    )
    return kept


def lift(
    connection: sqlite3.Connection, kind: HaltKind, now: float, *, actor: str, reason: str
) -> Halt | None:
    """Let dialing go on, as far as this kind of stop is concerned. Returns what was lifted; None, and no entry, when none of it
    held."""
    lifted = halts.lift(connection, kind)
    if lifted is None or not lifted.holds(now):
        return None
    append(
        connection,
        Action.DIALING_RESUMED,
        now,
        actor=masked(actor),
        subject="dialing",
        details={"lifted": kind, "since": lifted.at, "laid_by": lifted.by, **_why(reason)},
    )
    return lifted


def _why(reason: str) -> dict[str, str]:
    return {"reason": masked(reason)} if reason else {}


def told(changes: Mapping[str, list[Any]]) -> str:
    """Changes as one line of text, for people."""
    return ", ".join(f"{key} {_word(was)} -> {_word(now)}" for key, (was, now) in changes.items())


def _word(value: Any) -> str:
    return "unset" if value is None else value if isinstance(value, str) else json.dumps(value)
