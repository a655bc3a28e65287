"""Test calls: a campaign's own flow, hours and caller IDs, in a campaign beside it, whose figures are its own."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from engine.contacts import Contact
from engine.store import jobs, loading
from engine.store.campaigns import CampaignRow, flow_entries
from engine.store.jobs import NewCampaign

SIGN = "~test"
"""After the name of the campaign whose test it is; no manifest can have it in its id."""
PRIORITY = 100


def open_trial(
    connection: sqlite3.Connection,
    row: CampaignRow,
    contact: Contact,
    job_id: str,
    now: float,
    *,
    spoken_to: bool,
) -> tuple[int, int]:
    """Make `contact` due in the campaign of the tests of `row`, which comes to be where it is not there yet. One call, no callback,
    no start and no end. Returns the ids of that campaign and of the contact."""
    name = row.name + SIGN
    manifest: dict[str, Any] = {
        **row.manifest,
        "title": f"Test calls of {row.name}",
        "priority": PRIORITY,
        "start": None,
        "end": None,
        "cps": None,
        "max_channels": None,
        "calls_per_day": None,
        "cost_per_day": None,
        "max_callbacks": 0,
        "hooks": [],
        "retry": {**row.manifest.get("retry", {}), "max_attempts": 1},
    }
    steered = {key: value for key, value in row.steered.items() if key == "window"}
    found = connection.execute("SELECT id FROM campaigns WHERE name = ?", (name,)).fetchone()
    if found is None:
        owner, purpose = connection.execute(
            "SELECT owner, purpose FROM campaigns WHERE id = ?", (row.id,)
        ).fetchone()
        new: NewCampaign | int = NewCampaign(
            name, manifest["title"], owner, purpose, PRIORITY, now, None, manifest, row.flow_version,
            flow_entries(connection, row.flow_version), row.message_seconds,
        )  # fmt: skip
    else:
        new = found[0]
    campaign_id = jobs.begin_job(connection, job_id, job_id, "volley call", new, now)
    connection.execute(
        "UPDATE campaigns SET manifest = ?, steered = ?, steered_at = ?, flow_version = ?, message_seconds = ? WHERE id = ?",
        (json.dumps(manifest), json.dumps(steered), now, row.flow_version, row.message_seconds, campaign_id),
    )
    loading.add_contacts(
        connection, job_id, campaign_id, [contact], 1, now, reject_known_numbers=False, spoken_to=spoken_to
    )  # fmt: skip
    jobs.close_job(connection, job_id, 1, 0, now)
    (contact_id,) = connection.execute(
        "SELECT id FROM contacts WHERE campaign_id = ? AND job_id = ?", (campaign_id, job_id)
    ).fetchone()
    return campaign_id, contact_id
