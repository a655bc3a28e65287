"""Jobs on the way in: a job opens a campaign or adds to one, and brings its contacts batch by batch."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from engine.store.closing import close_contact


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as its manifest describes it; `manifest` and `flow` are JSON-ready."""

    name: str
    title: str
    owner: str
    purpose: str
    priority: int
    start_at: float
    end_at: float | None
    manifest: dict[str, Any]
    flow_version: str
    flow: dict[str, str]
    message_seconds: float | None = None
    """How long the message lasts; None: not known."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in the database. `through_row`: rows up to this one are stored."""

    id: str
    campaign_id: int
    campaign: str
    state: str
    through_row: int
    accepted: int
    rejected: int


def find_job(connection: sqlite3.Connection, job_id: str, fingerprint: str) -> JobRow | None:
    """The job of that id or that content, if it is known."""
    row = connection.execute(
        "SELECT j.id, j.campaign_id, k.name, j.state, j.through_row, j.accepted, j.rejected FROM jobs j JOIN campaigns k"
        " ON k.id = j.campaign_id WHERE j.id = ? OR j.fingerprint = ? ORDER BY j.id = ? DESC",
        (job_id, fingerprint, job_id),
    ).fetchone()
    return None if row is None else JobRow(*row)


def begin_job(
    connection: sqlite3.Connection,
    job_id: str,
    fingerprint: str,
    source: str,
    campaign: NewCampaign | int,
    now: float,
) -> int:
    """Open a job, with a new campaign (state `loading`: not dialed) or on one that is there. Returns the campaign's
    id."""
    if isinstance(campaign, int):
        campaign_id, adds = campaign, 1
    else:
        adds = 0
        connection.execute(
            "INSERT OR IGNORE INTO flows (version, entries) VALUES (?, ?)",
            (campaign.flow_version, json.dumps(campaign.flow, sort_keys=True)),
        )
        campaign_id = connection.execute(
            "INSERT INTO campaigns (name, title, owner, purpose, priority, state, manifest, flow_version, created_at, start_at, end_at,"
            " message_seconds) VALUES (?, ?, ?, ?, ?, 'loading', ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                campaign.name,
                campaign.title,
                campaign.owner,
                campaign.purpose,
                campaign.priority,
                json.dumps(campaign.manifest),
                campaign.flow_version,
                now,
                campaign.start_at,
                campaign.end_at,
                campaign.message_seconds,
            ),
        ).fetchone()[0]
    connection.execute(
        "INSERT INTO jobs (id, fingerprint, source, campaign_id, state, adds, taken_at) VALUES (?, ?, ?, ?, 'loading', ?, ?)",
        (job_id, fingerprint, source, campaign_id, adds, now),
    )
    return campaign_id


def close_job(connection: sqlite3.Connection, job_id: str, parsed: int, refused: int, now: float) -> JobRow:
    """The job is taken in: its campaign may be dialed from its start on.

    `parsed` and `refused` are the parser's counts of the whole source; what it parsed and the database did not take
    collided.
    """
    row = connection.execute(
        "UPDATE jobs SET state = 'accepted', closed_at = ?, rejected = ? + ? - accepted WHERE id = ? AND state = 'loading'"
        " RETURNING campaign_id, adds",
        (now, refused, parsed, job_id),
    ).fetchone()
    if row is not None:
        campaign_id, adds = row
        if adds:
            connection.execute(
                "UPDATE campaigns SET state = 'running', closed_at = NULL WHERE id = ? AND state = 'completed' AND open_contacts > 0",
                (campaign_id,),
            )
        else:
            connection.execute(
                "UPDATE campaigns SET state = CASE WHEN start_at > ? THEN 'scheduled' ELSE 'running' END WHERE id = ?",
                (now, campaign_id),
            )
    job = find_job(connection, job_id, "")
    assert job is not None
    return job


def drop_job(connection: sqlite3.Connection, job_id: str, limit: int) -> int:
    """Take back a job that turned out to be broken, `limit` contacts at a time. Returns how many were deleted; 0
    when all is gone."""
    row = connection.execute(
        "SELECT campaign_id, adds FROM jobs WHERE id = ? AND state = 'loading'", (job_id,)
    ).fetchone()
    if row is None:
        return 0
    campaign_id, adds = row
    ids = [
        found[0]
        for found in connection.execute(
            "SELECT id FROM contacts c WHERE campaign_id = ? AND state = 'pending' AND job_id = ?"
            " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.contact_id = c.id) LIMIT ?",
            (campaign_id, job_id, limit),
        )
    ]
    if ids:
        connection.executemany("DELETE FROM contact_numbers WHERE contact_id = ?", [(one,) for one in ids])
        connection.executemany("DELETE FROM contacts WHERE id = ?", [(one,) for one in ids])
        connection.execute(
            "UPDATE campaigns SET open_contacts = open_contacts - ? WHERE id = ?", (len(ids), campaign_id)
        )
        return len(ids)
    for (contact_id,) in connection.execute(
        "SELECT id FROM contacts WHERE campaign_id = ? AND state = 'pending' AND job_id = ?",
        (campaign_id, job_id),
    ).fetchall():
        close_contact(
            connection, contact_id, campaign_id, "CANCELLED", "removed"
        )  # it was dialed, so its story stays
    connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
    if not adds:
        connection.execute("DELETE FROM campaigns WHERE id = ? AND state = 'loading'", (campaign_id,))
    return 0
