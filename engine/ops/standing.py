"""How the books stand to a job that is not in them yet: is its campaign there, was its content here before, and by what it
will be judged. Its people: `engine.ops.newcomers`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.dialing.running import Running
from engine.errors import Problem
from engine.intake.lawful import Law
from engine.intake.manifest import AddJob, CampaignJob, Manifest
from engine.ops.books import reading
from engine.store.campaigns import CampaignRow, campaign, campaign_state
from engine.store.jobs import find_job
from engine.store.past import Matter, matter_of


@dataclass(frozen=True, slots=True)
class Terms:
    """What the people of a job come to."""

    campaign: Campaign
    running: Running
    """The campaign as it will be when it runs."""
    law: Law
    """What its rows are held against."""
    matter: Matter
    refuses_known: bool
    """Nobody is taken whose number the campaign has."""


@dataclass(slots=True)
class Standing:
    """A job against the books. `database` is None when there are none yet: then nothing is suppressed and
    no campaign is there."""

    database: Path | None
    problems: list[Problem] = field(default_factory=list)
    terms: Terms | None = None
    """None for people who are to be added to a campaign that is not there."""
    paused: bool = False
    """That campaign is paused: nobody is called until it is resumed."""


def standing_of(
    settings: Settings, manifest: Manifest, content: str, message: float | None, now: float
) -> Standing:
    """How the books stand to this job; `content` is its fingerprint, empty when it is not known, `message` how many
    seconds its message lasts, None when that is not known. Raises StoreError."""
    found = Standing(settings.database if settings.database.exists() else None)
    job = manifest.job
    if isinstance(job, CampaignJob):
        found.terms = _new(job.campaign, settings, message, now)
    elif found.database is None:
        found.problems.append(
            Problem(f"{manifest.path.name}: add_to", "there is no database yet, so no campaign to add to")
        )
    if found.database is None:
        return found
    with reading(found.database) as connection:
        there = campaign_state(connection, job.id if isinstance(job, CampaignJob) else job.add_to)
        if isinstance(job, AddJob):
            _added(found, connection, there, manifest, job, settings, now)
        elif there is not None:
            todo = f'choose another id, or add contacts to it with add_to = "{job.id}"'
            what = f"there is a campaign {job.id!r} already ({there[1]})"
            found.problems.append(Problem(f"{manifest.path.name}: id", what, todo))
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


def _new(described: Campaign, settings: Settings, message: float | None, now: float) -> Terms:
    start = described.start.timestamp() if described.start else now
    end = described.end.timestamp() if described.end else None
    manifest = described.model_dump(mode="json", by_alias=True)
    row = CampaignRow(0, described.id, described.priority, "running", manifest, "", start, end, 0, message)
    return _terms(row, settings, now, Matter(0, described.owner, described.purpose), False)


def _added(
    found: Standing, connection: sqlite3.Connection, there: tuple[int, str] | None, manifest: Manifest, job: AddJob,
    settings: Settings, now: float,
) -> None:  # fmt: skip
    if there is None or there[1] in ("cancelled", "failed", "loading"):
        state = "there is no such campaign" if there is None else f"campaign {job.add_to!r} is {there[1]}"
        found.problems.append(Problem(f"{manifest.path.name}: add_to", state, "see `volley status`"))
        return
    row = campaign(connection, there[0])
    matter = matter_of(connection, row.id)
    found.paused = row.state == "paused"
    found.terms = _terms(
        replace(row, state="running"), settings, now, matter, job.contacts.duplicates != "keep"
    )


def _terms(row: CampaignRow, settings: Settings, now: float, matter: Matter, refuses_known: bool) -> Terms:
    running = Running(row, settings)
    law = Law.of(running.campaign, settings, row.message_seconds, now)
    return Terms(running.campaign, running, law, matter, refuses_known)
