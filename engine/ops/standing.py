"""What the books say about a job that is not in them yet: is its campaign there, was its content here
before, which numbers are suppressed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.dialing.agenda import Running
from engine.errors import Problem
from engine.intake.lawful import Law
from engine.intake.manifest import CampaignJob, Manifest
from engine.ops.books import reading
from engine.rules.gate import CampaignRules, Past
from engine.store.campaigns import CampaignRow, campaign, campaign_state
from engine.store.jobs import find_job
from engine.store.listing import ListBook
from engine.store.past import Nothing, StoredPast, share_of

_SUPPRESSED = """
SELECT n.e164 FROM json_each(:numbers) j JOIN numbers n ON n.e164 = j.value JOIN suppression s ON s.number_id = n.id
"""

_IDS = "SELECT n.e164, n.id FROM json_each(:numbers) j JOIN numbers n ON n.e164 = j.value"

_KNOWN = """
SELECT n.e164 FROM json_each(:numbers) j JOIN numbers n ON n.e164 = j.value
JOIN contact_numbers m ON m.number_id = n.id JOIN contacts c ON c.id = m.contact_id WHERE c.campaign_id = :campaign
"""


@dataclass(slots=True)
class Standing:
    """A job against the books. `database` is None when there are none yet: then nothing is suppressed and
    no campaign is there."""

    database: Path | None
    problems: list[Problem] = field(default_factory=list)
    rules: CampaignRules | None = None
    """What the gate goes by; None for contacts of a campaign that is not there."""
    law: Law | None = None
    """What its rows are held against; None for contacts of a campaign that is not there."""
    campaign_id: int | None = None
    """Of the campaign that the job adds to, where numbers that it has already are refused."""

    @contextmanager
    def pasts(self, numbers: Sequence[str], now: float) -> Iterator[Callable[[str], Past]]:
        """What is known of each of these numbers, for the gate; nothing where there are no books."""
        if self.database is None:
            yield Nothing
            return
        with reading(self.database) as connection, closing(ListBook(self.database.parent)) as lists:
            lists.refresh(connection)
            ids = dict(connection.execute(_IDS, {"numbers": json.dumps(numbers)}).fetchall())
            campaign_id = self.campaign_id or 0
            share = share_of(connection, campaign_id, now)
            yield lambda e164: StoredPast(connection, campaign_id, ids.get(e164), e164, lists, now, share)

    def suppressed(self, numbers: Sequence[str]) -> set[str]:
        """Which of these are never to be called."""
        return self._matching(_SUPPRESSED, numbers)

    def known(self, numbers: Sequence[str]) -> set[str]:
        """Which of these the campaign that the job adds to has already."""
        return set() if self.campaign_id is None else self._matching(_KNOWN, numbers)

    def _matching(self, query: str, numbers: Sequence[str]) -> set[str]:
        if self.database is None:
            return set()
        asked = {"campaign": self.campaign_id, "numbers": json.dumps(numbers)}
        with reading(self.database) as connection:
            return {row[0] for row in connection.execute(query, asked)}


def standing_of(
    settings: Settings, manifest: Manifest, content: str, message: float | None, now: float
) -> Standing:
    """How the books stand to this job; `content` is its fingerprint, empty when it is not known, `message` how many
    seconds its message lasts, None when that is not known. Raises StoreError."""
    found = Standing(settings.database if settings.database.exists() else None)
    if isinstance(manifest.job, CampaignJob):
        found.rules = _rules(manifest.job.campaign, settings, now, message)
        found.law = Law.of(manifest.job.campaign, settings, message, now)
    if found.database is None:
        if not isinstance(manifest.job, CampaignJob):
            found.problems.append(
                Problem(f"{manifest.path.name}: add_to", "there is no database yet, so no campaign to add to")
            )
        return found
    with reading(found.database) as connection:
        _compare(found, connection, manifest, settings, now)
        known = find_job(connection, "", content) if content else None
    if known is not None:
        found.problems.append(
            Problem(
                manifest.path.parent.name,
                f"the same content was accepted before, as {known.id} (campaign {known.campaign})",
                "change something in it if it is really meant to run again",
            )
        )
    return found


def _compare(
    found: Standing, connection: sqlite3.Connection, manifest: Manifest, settings: Settings, now: float
) -> None:
    job = manifest.job
    if isinstance(job, CampaignJob):
        there = campaign_state(connection, job.id)
        if there is not None:
            todo = f'choose another id, or add contacts to it with add_to = "{job.id}"'
            found.problems.append(
                Problem(
                    f"{manifest.path.name}: id", f"there is a campaign {job.id!r} already ({there[1]})", todo
                )
            )
        return
    there = campaign_state(connection, job.add_to)
    if there is None or there[1] in ("cancelled", "failed", "loading"):
        state = "there is no such campaign" if there is None else f"campaign {job.add_to!r} is {there[1]}"
        found.problems.append(Problem(f"{manifest.path.name}: add_to", state, "see `volley status`"))
        return
    found.campaign_id = there[0] if job.contacts.duplicates != "keep" else None
    row = campaign(connection, there[0])
    found.rules = Running(_as_running(row), settings).rules
    found.law = Law.of(Campaign.model_validate(row.manifest), settings, row.message_seconds, now)


def _rules(described: Campaign, settings: Settings, now: float, message: float | None) -> CampaignRules:
    """The gate's rules of a campaign as they will be when it runs."""
    start = described.start.timestamp() if described.start else now
    end = described.end.timestamp() if described.end else None
    manifest = described.model_dump(mode="json", by_alias=True)
    row = CampaignRow(0, described.id, described.priority, "running", manifest, "", start, end, 0, message)
    return Running(row, settings).rules


def _as_running(row: CampaignRow) -> CampaignRow:
    return CampaignRow(
        row.id,
        row.name,
        row.priority,
        "running",
        row.manifest,
        row.flow_version,
        row.start_at,
        row.end_at,
        row.open_contacts,
        row.message_seconds,
    )
