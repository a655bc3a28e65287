"""Campaigns: their rows and states, and the end of contacts that are not dialed any more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.store.closing import close_contact


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign that is not over."""

    id: int
    name: str
    priority: int
    state: str
    manifest: dict[str, Any]
    flow_version: str
    start_at: float
    end_at: float | None
    open_contacts: int
    message_seconds: float | None = None
    max_call: float | None = None
    """Seconds after which the dialplan ends a call, by the flow that it has; None: not known."""
    steered: dict[str, Any] = field(default_factory=dict)
    """Keys of the manifest that were changed since it was accepted -> their values."""


_SELECT = """
SELECT k.id, k.name, k.priority, k.state, k.manifest, k.flow_version, k.start_at, k.end_at, k.open_contacts, k.message_seconds,
       CAST(json_extract(f.entries, '$.max') AS REAL), k.steered
FROM campaigns k LEFT JOIN flows f ON f.version = k.flow_version
"""
OPEN_STATES = ("scheduled", "running", "paused")
STEERABLE = ("cps", "max_channels", "window", "priority")
"""Keys of the manifest that can be changed while a campaign is there."""


def campaign_state(connection: sqlite3.Connection, name: str) -> tuple[int, str] | None:
    """Id and state of the campaign of that name."""
    found: tuple[int, str] | None = connection.execute(
        "SELECT id, state FROM campaigns WHERE name = ?", (name,)
    ).fetchone()
    return found


def open_campaigns(connection: sqlite3.Connection) -> list[CampaignRow]:
    """Every campaign that is scheduled, running or paused."""
    rows = connection.execute(
        _SELECT + "WHERE k.state IN ('scheduled', 'running', 'paused') ORDER BY k.priority DESC, k.id"
    ).fetchall()
    return [_campaign(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed of the campaigns that are open."""

    states: list[tuple[int, str]]
    """Of every one: id and state."""
    new: list[CampaignRow]
    """Those that were not known, and those whose limits were changed."""
    grown: list[int]
    """Those with contacts that are due and were not: a job has brought them, or other hours hold for them."""
    empty: list[int]
    """Those of which no contact is open."""


def changes(connection: sqlite3.Connection, known: frozenset[int], since: float) -> Changes:
    """What somebody who knows the campaigns `known`, and looked at `since` (POSIX seconds), must be told: the rows of the others,
    and of those whose limits were changed since, are read in full."""
    states, empty = [], []
    for campaign_id, state, contacts in connection.execute(
        "SELECT id, state, open_contacts FROM campaigns INDEXED BY campaigns_open"
        " WHERE state IN ('scheduled', 'running', 'paused') ORDER BY priority DESC, id"
    ):
        states.append((campaign_id, state))
        if contacts <= 0:
            empty.append(campaign_id)
    changed = {
        row[0] for row in connection.execute("SELECT id FROM campaigns WHERE steered_at >= ?", (since,))
    }
    new = [campaign(connection, one) for one, _ in states if one not in known or one in changed]
    grown = connection.execute("SELECT DISTINCT campaign_id FROM jobs WHERE closed_at >= ?", (since,))
    return Changes(states, new, [*changed, *(row[0] for row in grown)], empty)


def campaign(connection: sqlite3.Connection, campaign_id: int) -> CampaignRow:
    """A campaign in whatever state, for a call of it that still lives."""
    return _campaign(connection.execute(_SELECT + "WHERE k.id = ?", (campaign_id,)).fetchone())


def _campaign(row: tuple[Any, ...]) -> CampaignRow:
    values = list(row)
    values[4] = json.loads(row[4])
    values[11] = json.loads(row[11])
    return CampaignRow(*values)


def flow_entries(connection: sqlite3.Connection, version: str) -> dict[str, str]:
    """AstDB key below the version -> value."""
    (entries,) = connection.execute("SELECT entries FROM flows WHERE version = ?", (version,)).fetchone()
    found: dict[str, str] = json.loads(entries)
    return found


def set_state(connection: sqlite3.Connection, campaign_id: int, state: str, now: float) -> str:
    """Move a campaign that is open to `state`; returns the state it then has."""
    closed = now if state in ("completed", "cancelled", "failed") else None
    first = now if state == "running" else None
    connection.execute(
        "UPDATE campaigns SET state = ?, closed_at = ?, first_dial_at = coalesce(first_dial_at, ?) WHERE id = ?"
        " AND state IN ('scheduled', 'running', 'paused')",
        (state, closed, first, campaign_id),
    )
    (now_is,) = connection.execute("SELECT state FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
    found: str = now_is
    return found


def steered(connection: sqlite3.Connection, campaign_id: int) -> dict[str, Any]:
    """What holds now of all that can be changed: by whoever changed it last, else by the manifest."""
    manifest, changed = connection.execute(
        "SELECT manifest, steered FROM campaigns WHERE id = ?", (campaign_id,)
    ).fetchone()
    both = {**json.loads(manifest), **json.loads(changed)}
    return {key: both[key] for key in STEERABLE if both.get(key) not in (None, [])}


def steer(
    connection: sqlite3.Connection,
    campaign_id: int,
    changes: Mapping[str, Any],
    now: float,
    *,
    anew: bool = False,
) -> dict[str, Any]:
    """Change these keys; `anew`: and no others, whatever was changed before. Returns what holds then."""
    manifest, changed = connection.execute(
        "SELECT manifest, steered FROM campaigns WHERE id = ?", (campaign_id,)
    ).fetchone()
    new = {**({} if anew else json.loads(changed)), **changes}
    priority = new.get("priority", json.loads(manifest).get("priority"))
    connection.execute(
        "UPDATE campaigns SET steered = ?, steered_at = ?, priority = coalesce(?, priority) WHERE id = ?",
        (json.dumps(new, sort_keys=True), now, priority, campaign_id),
    )
    return steered(connection, campaign_id)


def look_again(
    connection: sqlite3.Connection,
    campaign_id: int,
    reasons: Iterable[str],
    after: tuple[float, int],
    now: float,
    limit: int,
) -> tuple[float, int] | None:
    """Make up to `limit` contacts due that wait for a later time, by the gate's word, for one of these reasons: what they wait for
    has changed. `after`: the one that was looked at last, by due time and id. Returns that for the next look; None at the end."""
    rows = connection.execute(
        "SELECT due_at, id, verdict FROM contacts WHERE campaign_id = ? AND state = 'pending' AND due_at > ? AND (due_at, id) > (?, ?)"
        " AND due_at < 1e12 ORDER BY due_at, id LIMIT ?",
        (campaign_id, now, *after, limit),
    ).fetchall()
    wanted = frozenset(reasons)
    connection.executemany(
        "UPDATE contacts SET due_at = ? WHERE id = ?",
        [(now, row[1]) for row in rows if row[2] in wanted],
    )
    connection.execute("UPDATE campaigns SET steered_at = ? WHERE id = ?", (now, campaign_id))
    return (rows[-1][0], rows[-1][1]) if len(rows) == limit else None


def complete(connection: sqlite3.Connection, campaign_id: int, now: float) -> bool:
    """Mark the campaign completed if no contact is left and no job is adding to it. True when it is completed by
    this call."""
    return bool(
        connection.execute(
            "UPDATE campaigns SET state = 'completed', closed_at = ? WHERE id = ? AND state IN ('running',"
            " 'scheduled', 'paused') AND open_contacts <= 0"
            " AND NOT EXISTS (SELECT 1 FROM jobs WHERE campaign_id = campaigns.id AND state = 'loading')",
            (now, campaign_id),
        ).rowcount
    )


def close_pending(
    connection: sqlite3.Connection,
    campaign_id: int,
    disposition: str,
    reason: str,
    limit: int,
    promises: bool = True,
) -> int:
    """End up to `limit` contacts that wait for their next call; without `promises`, only those to whom no callback was promised.
    Returns how many there were."""
    ids = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM contacts WHERE campaign_id = ? AND state = 'pending' AND (? OR callback_id IS NULL) LIMIT ?",
            (campaign_id, promises, limit),
        )
    ]
    for contact_id in ids:
        close_contact(connection, contact_id, campaign_id, disposition, reason)
    return len(ids)


def open_promises(connection: sqlite3.Connection, campaign_id: int) -> int:
    """How many callbacks the campaign has promised that were neither kept nor given up."""
    found: int = connection.execute(
        "SELECT count(*) FROM callbacks b JOIN contacts c ON c.id = b.contact_id WHERE c.campaign_id = ? AND b.state = 'due'",
        (campaign_id,),
    ).fetchone()[0]
    return found


def close_cancelled(connection: sqlite3.Connection, limit: int) -> int:
    """End up to `limit` contacts that still wait in cancelled campaigns: what an interrupted cancel left. Returns how many there were."""
    for (campaign_id,) in connection.execute(
        "SELECT id FROM campaigns WHERE state = 'cancelled' AND open_contacts > 0"
    ).fetchall():
        if count := close_pending(connection, campaign_id, "CANCELLED", "campaign_cancelled", limit):
            return count
    return 0


def remove_contacts(
    connection: sqlite3.Connection, campaign_id: int, external_ids: Sequence[str]
) -> tuple[int, list[str]]:
    """End the contacts of these ids as CANCELLED. A call that lives goes on; nothing follows it. Returns how many
    ended, and unknown ids."""
    removed, unknown = 0, []
    for external_id in external_ids:
        row = connection.execute(
            "SELECT id, state FROM contacts WHERE campaign_id = ? AND external_id = ?",
            (campaign_id, external_id),
        ).fetchone()
        if row is None:
            unknown.append(external_id)
        elif row[1] != "done":
            close_contact(connection, row[0], campaign_id, "CANCELLED", "removed")
            removed += 1
    return removed, unknown
