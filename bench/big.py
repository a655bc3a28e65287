"""A database of the engine as large as one likes: contacts in many campaigns, people who were called, people who must not be.

Made by SQL alone, some hundred thousand contacts a second; numbers are spread over the North American plan and belong to
nobody in particular. Knows the schema; what is done with it is for the benchmarks.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from bench.gate import NOON, consent
from engine.contacts import consent_text
from engine.store import recovery
from engine.store.database import migrate

PART = 200_000
"""Contacts made by one statement."""
DONE = 10
"""One contact in so many has been called, and one in so many is suppressed."""
MANIFEST = {
    "owner": "Benchmark, bench@example.com",
    "purpose": "marketing",
    "caller_id": ["+33162000001"],
    "window": [{"from": "00:00", "to": "00:00"}],
    "message": {"prompts": ["message.wav"]},
}
_NUMBERS = """
WITH RECURSIVE i(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM i WHERE n + 1 < :last)
INSERT INTO numbers (id, e164, region, kind, zones)
SELECT n + 1, printf('+1%d%07d', 212 + n / 7000000, 2000000 + n % 7000000), 'US', 'fixed_or_mobile', 'America/New_York' FROM i
"""
_CONTACTS = """
WITH RECURSIVE i(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM i WHERE n + 1 < :last)
INSERT INTO contacts (id, campaign_id, job_id, row, external_id, state, due_at, number_id, consent, disposition, attempts, tries)
SELECT n + 1, 1 + n % :campaigns, 'job', n + 2, 'crm-' || n, CASE n / :campaigns % :done WHEN 0 THEN 'done' ELSE 'pending' END, :due,
       n + 1, :consent, CASE n / :campaigns % :done WHEN 0 THEN 'BUSY' ELSE '' END, n / :campaigns % :done = 0,
       CASE n / :campaigns % :done WHEN 0 THEN '{"BUSY":1}' ELSE '{}' END FROM i
"""
_OWN = """
INSERT INTO contact_numbers (contact_id, position, number_id) SELECT id, 0, number_id FROM contacts WHERE id > :first AND id <= :last
"""
_ATTEMPTS = """
INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id, dialed, flow_version,
                      rules, created_at, sent_at, ended_at, rang, disposition, counted, cause, sip)
SELECT id, id, campaign_id, number_id, 0, 'first', 1, 1, '+33162000001', '', 'flow', 'r', :at, :at, :at + 9, 1, 'BUSY', 1, 17, 486
FROM contacts WHERE state = 'done' AND id > :first AND id <= :last
"""
_DECISIONS = """
INSERT INTO decisions (at, contact_id, number_id, campaign_id, attempt_id, reason, zones, rules)
SELECT created_at, contact_id, number_id, campaign_id, id, 'allowed', 'America/New_York', 'r' FROM attempts
WHERE id > :first AND id <= :last
"""
_SUPPRESSED = """
INSERT INTO suppression (number_id, since, reason, source) SELECT number_id, :at, 'asked', 'file' FROM contacts
WHERE id > :first AND id <= :last AND id / :campaigns % :done = 1
"""


def build(path: Path, contacts: int, campaigns: int, *, state: str = "running") -> None:
    """Make the database at `path`. Campaigns are in `state`; their pending contacts are due."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    migrate(connection)
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    connection.execute("BEGIN IMMEDIATE")
    for name, _ in indexes:  # made at the end, which is several times quicker
        connection.execute(f"DROP INDEX {name}")
    recovery.register(connection, ["bench"], {"bench": "bench"})
    connection.execute("INSERT INTO flows (version, entries) VALUES ('flow', '{\"max\": \"60\"}')")
    for at in range(campaigns):
        connection.execute(
            "INSERT INTO campaigns (name, title, owner, purpose, priority, state, manifest, flow_version, created_at, start_at)"
            " VALUES (?, '', 'bench', 'marketing', 50, ?, ?, 'flow', ?, ?)",
            (
                f"campaign-{at}",
                state,
                json.dumps({"id": f"campaign-{at}", **MANIFEST}),
                NOON - 9000,
                NOON - 9000,
            ),
        )
    given = {
        "campaigns": campaigns, "done": DONE, "due": NOON - 60, "at": NOON - 200_000, "consent": consent_text(consent(1)),
    }  # fmt: skip
    for first in range(0, contacts, PART):
        part = {**given, "first": first, "last": min(first + PART, contacts)}
        for statement in (_NUMBERS, _CONTACTS, _OWN, _ATTEMPTS, _DECISIONS, _SUPPRESSED):
            connection.execute(statement, part)
    connection.execute(
        "UPDATE campaigns SET open_contacts = (SELECT count(*) FROM contacts c WHERE c.campaign_id = campaigns.id AND c.state != 'done')"
        if contacts <= 1_000_000
        else "UPDATE campaigns SET open_contacts = :open",
        {} if contacts <= 1_000_000 else {"open": contacts // campaigns * (DONE - 1) // DONE},
    )
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
