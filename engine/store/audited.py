"""Changes that are recorded: each one together with its audit entry, as one unit of work for the writer.

Whoever changes campaigns, contacts or the suppression list on somebody's behalf calls these, not the plain functions
beside which they stand. What changed nothing (a campaign paused twice) leaves no entry. A person's reason and name
are kept as given, with telephone numbers masked; numbers are named by their id.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from engine.rules.numbers import Number
from engine.store import campaigns, jobs, recovery, suppression
from engine.store.audit import ENGINE, Action, append, clean, masked
from engine.store.jobs import JobRow

IDS_AN_ENTRY = 1000
"""Numbers named in one entry: a request may hold a hundred thousand, and an entry stays something to look at."""

_STATES = {
    "running": Action.CAMPAIGN_STARTED,
    "paused": Action.CAMPAIGN_PAUSED,
    "scheduled": Action.CAMPAIGN_RESUMED,
    "cancelled": Action.CAMPAIGN_CANCELLED,
    "failed": Action.CAMPAIGN_STOPPED,
}


def set_state(
    connection: sqlite3.Connection,
    campaign_id: int,
    state: str,
    now: float,
    *,
    actor: str = ENGINE,
    reason: str = "",
) -> str:
    """Move an open campaign to `state` (`scheduled` resumes it); returns the state that it then has."""
    name, before = connection.execute(
        "SELECT name, state FROM campaigns WHERE id = ?", (campaign_id,)
    ).fetchone()
    found = campaigns.set_state(connection, campaign_id, state, now)
    if found != before:
        details = {"from": before, "to": found}
        if reason:
            details["reason"] = masked(reason)
        append(
            connection,
            _STATES[state],
            now,
            actor=masked(actor),
            subject=f"campaign {name}",
            details=details,
        )
    return found


def pause_all(connection: sqlite3.Connection, reason: str, now: float) -> list[str]:
    """Pause every campaign that runs or is scheduled, by the engine itself. Returns their names."""
    names = recovery.pause_all(connection)
    for name in names:
        append(
            connection,
            Action.CAMPAIGN_PAUSED,
            now,
            actor=ENGINE,
            subject=f"campaign {name}",
            details={"to": "paused", "reason": reason},
        )
    return names


def complete(connection: sqlite3.Connection, campaign_id: int, now: float) -> bool:
    """Mark a campaign completed if nothing of it is left; True when this call did."""
    if not campaigns.complete(connection, campaign_id, now):
        return False
    name, end_at = connection.execute(
        "SELECT name, end_at FROM campaigns WHERE id = ?", (campaign_id,)
    ).fetchone()
    append(
        connection,
        Action.CAMPAIGN_COMPLETED,
        now,
        actor=ENGINE,
        subject=f"campaign {name}",
        details={"end_reached": end_at is not None and now >= end_at},
    )
    return True


def close_job(
    connection: sqlite3.Connection, job_id: str, parsed: int, refused: int, now: float, *, actor: str
) -> JobRow:
    """A job is taken in whole: its campaign opens, or its contacts do. `actor`: who handed it in."""
    was = jobs.find_job(connection, job_id, "")
    row = jobs.close_job(connection, job_id, parsed, refused, now)
    if was is None or was.state == row.state:
        return row
    fingerprint, source, adds = connection.execute(
        "SELECT fingerprint, source, adds FROM jobs WHERE id = ?", (job_id,)
    ).fetchone()
    owner, purpose, manifest, flow = connection.execute(
        "SELECT owner, purpose, manifest, flow_version FROM campaigns WHERE id = ?", (row.campaign_id,)
    ).fetchone()
    append(
        connection,
        Action.CONTACTS_ADDED if adds else Action.CAMPAIGN_ACCEPTED,
        now,
        actor=masked(actor),
        subject=f"campaign {row.campaign}",
        details={
            "job": job_id,
            "source": masked(source),
            "fingerprint": fingerprint,
            "owner": masked(owner),
            "purpose": purpose,
            "manifest_sha256": hashlib.sha256(manifest.encode()).hexdigest(),
            "flow": flow,
            "contacts": row.accepted,
            "rejected": row.rejected,
        },
    )
    emergency = json.loads(manifest).get("emergency")
    if emergency and not adds:
        append(
            connection,
            Action.EMERGENCY_APPROVED,
            now,
            actor=masked(actor),
            subject=f"campaign {row.campaign}",
            details={
                "approved_by": [masked(name) for name in emergency["approved_by"]],
                "expires": emergency["expires"],
            },
        )
    return row


def remove_contacts(
    connection: sqlite3.Connection,
    campaign_id: int,
    external_ids: Sequence[str],
    now: float,
    *,
    actor: str,
    reason: str = "",
) -> tuple[int, list[str]]:
    """End the contacts of these ids; returns how many ended, and unknown ids. The entry names contacts by their row's id."""
    before = set(_open_contacts(connection, campaign_id, external_ids))
    removed, unknown = campaigns.remove_contacts(connection, campaign_id, external_ids)
    (name,) = connection.execute("SELECT name FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
    in_parts(
        connection,
        Action.CONTACTS_REMOVED,
        now,
        actor,
        f"campaign {name}",
        "contacts",
        sorted(before),
        {
            **({"unknown": len(unknown)} if unknown else {}),
            **({"reason": masked(reason)} if reason else {}),
        },
    )
    return removed, unknown


def _open_contacts(
    connection: sqlite3.Connection, campaign_id: int, external_ids: Sequence[str]
) -> list[int]:
    found = []
    for external_id in external_ids:
        found += connection.execute(
            "SELECT id FROM contacts WHERE campaign_id = ? AND external_id = ? AND state != 'done'",
            (campaign_id, external_id),
        ).fetchall()
    return [row[0] for row in found]


def suppress(
    connection: sqlite3.Connection,
    numbers: Sequence[Number],
    reason: str,
    source: str,
    actor: str,
    now: float,
    *,
    recorded_as: str = "",
) -> list[int]:
    """Put numbers on the list of those never to be called; returns the ids of all of them. The entry names those that
    were not on it. `actor` stands with the numbers; `recorded_as` in the entry, where that tells more."""
    known = {
        row[0]
        for number in numbers
        for row in connection.execute(
            "SELECT s.number_id FROM suppression s JOIN numbers n ON n.id = s.number_id WHERE n.e164 = ?",
            (number.e164,),
        )
    }
    ids = suppression.suppress(connection, numbers, reason, source, actor, now)
    fresh = sorted(set(ids) - known)
    details: dict[str, Any] = {"reason": masked(reason), "source": source}
    if known:
        details["on_it_before"] = len(known)
    who = recorded_as or actor
    in_parts(connection, Action.SUPPRESSION_ADDED, now, who, "suppression", "numbers", fresh, details)
    return ids


def unsuppress(
    connection: sqlite3.Connection, e164: Sequence[str], reason: str, actor: str, now: float
) -> list[int]:
    """Take numbers off the list; returns the ids of those that were on it."""
    ids = suppression.unsuppress(connection, e164)
    in_parts(
        connection,
        Action.SUPPRESSION_REMOVED,
        now,
        actor,
        "suppression",
        "numbers",
        sorted(ids),
        {"reason": masked(reason)},
    )
    return ids


def in_parts(
    connection: sqlite3.Connection,
    action: Action,
    now: float,
    actor: str,
    subject: str,
    what: str,
    ids: Sequence[int],
    details: Mapping[str, Any],
) -> None:
    """One entry a thousand ids; none where nothing changed."""
    for start in range(0, len(ids), IDS_AN_ENTRY):
        part = {**details, what: list(ids[start : start + IDS_AN_ENTRY])}
        if len(ids) > IDS_AN_ENTRY:
            part["of"] = len(ids)
        append(connection, action, now, actor=masked(actor), subject=subject, details=part)


def engine_started(
    connection: sqlite3.Connection,
    settings: Mapping[str, str],
    fingerprint: str,
    version: str,
    rules: str,
    now: float,
) -> dict[str, list[str | None]]:
    """Record a start: that the last run did not end in order, what the settings changed from and to, and the start.

    `settings` is flat, key -> value as text, without secrets. Returns the changes. What they were before is told by the
    changes recorded so far, so the log alone tells the settings of any moment.
    """
    last = connection.execute(
        "SELECT action FROM audit WHERE action IN (?, ?) ORDER BY id DESC LIMIT 1",
        (Action.ENGINE_STARTED, Action.ENGINE_STOPPED),
    ).fetchone()
    if last is not None and last[0] == Action.ENGINE_STARTED:
        append(connection, Action.ENGINE_UNCLEAN, now, actor=ENGINE, subject="engine")
    before = settings_before(connection)
    settings = {clean(key): clean(value) for key, value in settings.items()}  # as it will be read again
    changes = {
        key: [before.get(key), settings.get(key)]
        for key in sorted(before.keys() | settings.keys())
        if before.get(key) != settings.get(key)
    }
    if changes:
        append(
            connection,
            Action.SETTINGS_CHANGED,
            now,
            actor=ENGINE,
            subject="settings",
            details={"fingerprint": fingerprint, "changes": changes},
        )
    append(
        connection,
        Action.ENGINE_STARTED,
        now,
        actor=ENGINE,
        subject="engine",
        details={"version": version, "rules": rules, "settings": fingerprint},
    )
    return changes


def settings_before(connection: sqlite3.Connection) -> dict[str, str]:
    """The settings as the log knows them: all recorded changes, one after another."""
    found: dict[str, str] = {}
    rows = connection.execute(
        "SELECT j.key, json_extract(j.value, '$[1]') FROM audit a, json_each(a.details, '$.changes') j"
        " WHERE a.action = ? ORDER BY a.id, j.id",
        (Action.SETTINGS_CHANGED,),
    )
    for key, value in rows:
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def engine_stopped(connection: sqlite3.Connection, live: int, now: float) -> None:
    """Record an end in order, with `live` calls going on in Asterisk."""
    append(connection, Action.ENGINE_STOPPED, now, actor=ENGINE, subject="engine", details={"live": live})
