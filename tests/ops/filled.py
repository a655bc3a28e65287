"""A database as the engine would have filled it: real SQLite, through the store's own functions, at
instants that a test chooses."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.campaign import Campaign
from engine.channel import Report, attempt_id
from engine.config import Settings
from engine.contacts import Contact
from engine.dialing.running import Running
from engine.rules.numbers import dial_format, parse_number
from engine.store import campaigns, claims, jobs, loading, outcomes, recovery, suppression
from engine.store.claimed import Claim, Claimant
from engine.store.database import open_writer
from engine.store.jobs import NewCampaign
from engine.store.outcomes import Outcome
from engine.store.ways import Slot

NOON = 1_795_518_000.0
"""2026-11-24 11:00 UTC, a Tuesday: noon in Paris."""

CALLER = "+33162000001"


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Settings of an engine whose books lie in `folder`."""
    table: dict[str, Any] = {
        "engine": {"state": folder / "state", "queue": folder / "queue"},
        "pbx": {"lab": {"secret_env": "VOLLEY_TEST_SECRET", "sounds_dir": folder / "sounds"}},
        "trunk": {"carrier": {"pbx": "lab", "dial": "PJSIP/{number}@carrier", "max_channels": 40, "cps": 10}},
        "caller_id": [{"number": CALLER, "owner": "Test", "proof": "2026-01-01"}],
        "defaults": {"region": "FR"},
        **changes,
    }
    return Settings.model_validate(table)


def toml_of(settings: Settings, path: Path) -> Path:
    """The same settings as a file for `--config`."""
    path.write_text(
        f"""
[engine]
state = "{settings.engine.state}"
queue = "{settings.engine.queue}"
[pbx.lab]
secret_env = "VOLLEY_TEST_SECRET"
sounds_dir = "{settings.pbx["lab"].sounds_dir}"
[trunk.carrier]
pbx = "lab"
dial = "PJSIP/{{number}}@carrier"
max_channels = 40
cps = 10
[[caller_id]]
number = "{CALLER}"
owner = "Test"
proof = 2026-01-01
[defaults]
region = "FR"
""",
        encoding="utf-8",
    )
    return path


def person(row: int, *numbers: str, external_id: str | None = None, **more: Any) -> Contact:
    """A contact with these numbers."""
    given: dict[str, Any] = dict.fromkeys(
        ("timezone", "language", "consent", "call_from", "call_to", "not_before", "expires")
    )
    given |= {"fields": {}, **more}
    return Contact(
        row=row, external_id=external_id, numbers=tuple(parse_number(one, "FR") for one in numbers), **given
    )


@dataclass
class Books:
    """The database of one engine."""

    settings: Settings
    now: float = NOON
    last: int = 0
    flows: dict[str, str] = field(default_factory=lambda: {"max": "60"})

    def __post_init__(self) -> None:
        self.settings.engine.state.mkdir(parents=True, exist_ok=True)

        async def create() -> None:
            await (await open_writer(self.settings.database)).close()

        asyncio.run(create())
        self.connection = sqlite3.connect(self.settings.database, isolation_level=None)
        ids = recovery.register(
            self.connection,
            list(self.settings.pbx),
            {name: one.pbx for name, one in self.settings.trunk.items()},
        )
        self.slots = [
            Slot(*ids[name], name, lambda e164, form=one.number_format: dial_format(e164, form))  # type: ignore[misc]
            for name, one in self.settings.trunk.items()
        ]

    def close(self) -> None:
        self.connection.close()

    def campaign(self, name: str, contacts: list[Contact], *, job: str | None = None, **manifest: Any) -> int:
        """A campaign with its contacts, taken in and running."""
        table = {
            "id": name,
            "owner": "Test, test@example.org",
            "purpose": "informational",
            "caller_id": CALLER,
            "message": {"prompts": ["hello.wav"]},
            "window": [{"from": "00:00", "to": "00:00"}],
            **manifest,
        }
        described = Campaign.model_validate(table)
        job = job or f"job-{name}"
        new = NewCampaign(
            name,
            described.title,
            described.owner,
            described.purpose,
            described.priority,
            described.start.timestamp() if described.start else self.now,
            described.end.timestamp() if described.end else None,
            described.model_dump(mode="json", by_alias=True),
            "f" * 16,
            self.flows,
        )
        campaign_id = jobs.begin_job(self.connection, job, job, f"{name}.toml", new, self.now)
        loading.add_contacts(
            self.connection,
            job,
            campaign_id,
            contacts,
            len(contacts) + 1,
            self.now,
            reject_known_numbers=False,
        )
        jobs.close_job(self.connection, job, len(contacts), 0, self.now)
        return campaign_id

    def claim(self, campaign_id: int, most: int = 100) -> list[Claim]:
        """What the dispatcher would dial now, through the gate."""
        running = Running(campaigns.campaign(self.connection, campaign_id), self.settings)
        claimant = Claimant(campaign_id, running.rules, running.flow_version, running.trunks, most)
        found = claims.claim(self.connection, [claimant], self.slots * most, self.last, self.now)
        self.last = max([self.last, *(one.attempt for one in found.claims)])
        return list(found.claims)

    def finish(
        self, claim: Claim, disposition: str, *, talk: float | None = None, after: float = 10.0, **more: Any
    ) -> None:
        """End a claimed call `after` seconds after it was sent; `talk` seconds of it answered."""
        ended = self.now + after
        reports = [
            Report(claim.attempt, seq, kind, value, self.now + seq)
            for seq, (kind, value) in enumerate(more.pop("reports", ()), 1)
        ]
        given: dict[str, Any] = {
            "counted": disposition not in ("CONGESTION", "NOT_SENT", "CANCELLED"),
            "rang": True,
            "position": claim.position,
            "kept_callback": claim.callback_id,
            "sent_at": self.now,
            "dialed_at": more.get("sent_at") or self.now,
            **more,
        }
        outcomes.finish(
            self.connection,
            Outcome(
                attempt=claim.attempt,
                contact_id=claim.contact_id,
                campaign_id=claim.campaign_id,
                number_id=claim.number_id,
                ended_at=ended,
                answered_at=None if talk is None else ended - talk,
                disposition=disposition,
                reports=reports,
                **given,
            ),
        )

    def opt_out(self, claim: Claim, seq: int = 9) -> None:
        outcomes.opt_out(self.connection, Report(claim.attempt, seq, "optout", "message", self.now), self.now)

    def suppress(self, *numbers: str, reason: str = "complaint", actor: str = "anna") -> None:
        suppression.suppress(
            self.connection, [parse_number(one, "FR") for one in numbers], reason, "command", actor, self.now
        )

    def next_id(self) -> int:
        return attempt_id(self.now, self.last)


def with_connection(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of a database, read beside everything else."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()
