"""A real database file, and the few words in which the tests of the store speak."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine.channel import Report
from engine.contacts import Contact
from engine.rules.book import standard_book
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.gate import CampaignRules
from engine.rules.hours import Hours
from engine.rules.numbers import Number
from engine.store import claims, jobs, loading, outcomes, recovery, suppression
from engine.store.claimed import Claim, Claimant, ClaimResult
from engine.store.database import migrate
from engine.store.jobs import NewCampaign
from engine.store.outcomes import Outcome, Stored
from engine.store.ways import Slot

T = TypeVar("T")
NOW = 1_795_491_000.0
PARIS = ("Europe/Paris",)


def number(which: int, zones: tuple[str, ...] = PARIS) -> Number:
    return Number(f"+331990010{which:02d}", "FR", "fixed", zones)


def contact(row: int, *numbers: Number, external_id: str | None = None, **more: Any) -> Contact:
    nothing: dict[str, Any] = dict.fromkeys(
        ("timezone", "language", "consent", "call_from", "call_to", "not_before", "expires")
    )
    return Contact(
        row=row, external_id=external_id, numbers=numbers or (number(row),), fields={}, **{**nothing, **more}
    )


class Books:
    """A database at work: every unit in a transaction of its own, as the writer runs it alone."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        migrate(self.connection)
        self.now = NOW
        self.last = 0
        self.rules: dict[int, CampaignRules] = {}
        ids = self.unit(recovery.register, pbxs=["lab"], trunks={"a": "lab", "b": "lab"})
        self.slots = {name: Slot(trunk, pbx, name, lambda e164: e164) for name, (trunk, pbx) in ids.items()}

    def unit(self, work: Callable[..., T], *args: Any, **more: Any) -> T:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            found = work(self.connection, *args, **more)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return found

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """One column as a list of values, several as a list of tuples."""
        found = self.connection.execute(sql, values).fetchall()
        return [row[0] for row in found] if found and len(found[0]) == 1 else found

    def one(self, sql: str, *values: Any) -> Any:
        [found] = self.rows(sql, *values)
        return found

    def new_campaign(
        self, name: str, priority: int = 50, start_at: float = NOW, end_at: float | None = None
    ) -> NewCampaign:
        return NewCampaign(
            name,
            "",
            "anna@example.org",
            "informational",
            priority,
            start_at,
            end_at,
            {"id": name},
            f"flow-{name}",
            {"max": "60"},
        )

    def campaign(
        self,
        name: str,
        *contacts: Contact,
        priority: int = 50,
        due_at: float | None = None,
        taken_in: bool = True,
        spoken_to: bool = False,
        **rules: Any,
    ) -> int:
        """A campaign with these contacts, taken in whole and running, or still loading."""
        job = f"job-{name}"
        found = self.unit(
            jobs.begin_job, job_id=job, fingerprint=f"print-{name}", source=name,
            campaign=self.new_campaign(name, priority), now=self.now,
        )  # fmt: skip
        self.add(job, found, *contacts, due_at=due_at, spoken_to=spoken_to)
        if taken_in:
            self.unit(jobs.close_job, job_id=job, parsed=len(contacts), refused=0, now=self.now)
        self.rules[found] = replace(
            CampaignRules(
                running=True, start=NOW - 1, end=None, hours=Hours([]), max_attempts=3, min_gap=60.0, max_callbacks=2,
                caller_ids=CallerIds([CallerId("+33162000001", date(2026, 1, 1))]), proof_days=400,
                purpose="informational", topics=frozenset(), book=standard_book(), countries=frozenset(), ring=25.0, message=20.0,
            ),
            **rules,
        )  # fmt: skip
        return found

    def add(
        self,
        job: str,
        campaign_id: int,
        *contacts: Contact,
        due_at: float | None = None,
        reject: bool = False,
        spoken_to: bool = False,
    ) -> list[loading.Collision]:
        return self.unit(
            loading.add_contacts, job_id=job, campaign_id=campaign_id, contacts=contacts,
            through_row=max((one.row for one in contacts), default=0), due_at=self.now if due_at is None else due_at,
            reject_known_numbers=reject, spoken_to=spoken_to,
        )  # fmt: skip

    def claimant(self, campaign_id: int, room: int = 10, trunks: Sequence[str] = ("a", "b")) -> Claimant:
        return Claimant(campaign_id, self.rules[campaign_id], "flow", frozenset(trunks), room)

    def claim(self, *campaign_ids: int, slots: str = "aaaaa", room: int = 10) -> ClaimResult:
        """What these campaigns get for one free channel a letter in `slots`."""
        found = self.unit(
            claims.claim, claimants=[self.claimant(one, room) for one in campaign_ids],
            slots=[self.slots[name] for name in slots], last_attempt=self.last, now=self.now,
        )  # fmt: skip
        self.last = max([self.last, *(claim.attempt for claim in found.claims)])
        return found

    def claim_one(self, campaign_id: int) -> Claim:
        [found] = self.claim(campaign_id, slots="a").claims
        return found

    def finish(self, claim: Claim, disposition: str = "BUSY", **more: Any) -> Stored:
        """End a claimed attempt. Unless told otherwise it was sent when it was claimed, it counts, and nothing follows."""
        counted = disposition not in ("CONGESTION", "NOT_SENT", "CANCELLED")
        answered = self.now if disposition.startswith("ANSWERED") else None
        outcome = Outcome(
            attempt=claim.attempt, contact_id=claim.contact_id, campaign_id=claim.campaign_id, number_id=claim.number_id,
            ended_at=self.now, sent_at=None if disposition == "NOT_SENT" else claim.created_at, answered_at=answered,
            dialed_at=more.get("sent_at") or claim.created_at,
            rang=False, disposition=disposition, counted=counted, position=claim.position,
            kept_callback=claim.callback_id, next_position=claim.position,
        )  # fmt: skip
        return self.unit(outcomes.finish, replace(outcome, **more))

    def opt_out(self, claim: Claim, seq: int = 4) -> list[int]:
        report = Report(claim.attempt, seq, "optout", "message", self.now)
        return self.unit(outcomes.opt_out, report=report, now=self.now)

    def suppress(self, *numbers: Number) -> list[int]:
        return self.unit(
            suppression.suppress,
            numbers=numbers,
            reason="asked",
            source="command",
            actor="anna",
            now=self.now,
        )

    def contact(self, contact_id: int) -> sqlite3.Row:
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        row: sqlite3.Row = cursor.execute("SELECT * FROM contacts WHERE id = ?", (contact_id,)).fetchone()
        return row

    def check(self) -> None:
        """What must hold of any database at any time."""
        assert self.rows(
            "SELECT k.id FROM campaigns k WHERE open_contacts !="
            " (SELECT count(*) FROM contacts c WHERE c.campaign_id = k.id AND c.state != 'done')"
        ) == [], "open_contacts counts the contacts that are not done"  # fmt: skip
        assert self.rows(
            "SELECT number_id FROM attempts WHERE disposition IS NULL GROUP BY number_id HAVING count(*) > 1"
        ) == [], "a number has at most one open attempt"  # fmt: skip
        assert self.rows(
            "SELECT c.id FROM contacts c WHERE c.state = 'in_call' AND 1 !="
            " (SELECT count(*) FROM attempts a WHERE a.contact_id = c.id AND a.disposition IS NULL)"
        ) == [], "who is in a call has exactly one open attempt"  # fmt: skip
        assert self.rows(
            "SELECT c.id FROM contacts c JOIN attempts a ON a.contact_id = c.id AND a.disposition IS NULL WHERE c.state = 'pending'"
        ) == [], "who waits has no open attempt"  # fmt: skip
        assert self.rows(
            "SELECT a.id FROM attempts a JOIN suppression s ON s.number_id = a.number_id WHERE a.created_at > s.since"
        ) == [], "no attempt was made after the suppression"  # fmt: skip
        assert self.rows(
            "SELECT id FROM contacts c WHERE attempts !="
            " (SELECT count(*) FROM attempts a WHERE a.contact_id = c.id AND a.counted AND a.callback_id IS NULL)"
            " OR callbacks != (SELECT count(*) FROM attempts a WHERE a.contact_id = c.id AND a.counted AND a.callback_id NOT NULL)"
        ) == [], "the counters are what the attempts say"  # fmt: skip
        for campaign_id, rules in self.rules.items():
            assert self.rows(
                "SELECT id FROM contacts WHERE campaign_id = ? AND (attempts > ? OR callbacks > ?)",
                campaign_id, rules.max_attempts, rules.max_callbacks,
            ) == [], "nobody is over the budget"  # fmt: skip
        assert self.rows(
            "SELECT b.id FROM callbacks b JOIN contacts c ON c.id = b.contact_id"
            " WHERE (b.state = 'due') != (c.callback_id IS b.id)"
        ) == [], "an open promise is the contact's, and the contact's is open"  # fmt: skip
        assert self.one("SELECT count(*) FROM decisions WHERE reason = 'allowed'") == self.one(
            "SELECT count(*) FROM attempts"
        )
        assert self.rows(
            "SELECT d.id FROM decisions d LEFT JOIN attempts a ON a.id = d.attempt_id AND a.contact_id = d.contact_id"
            " WHERE (d.reason = 'allowed') != (a.id NOT NULL)"
        ) == [], "every dial has its decision"  # fmt: skip
        assert self.rows(
            "SELECT id FROM contacts c WHERE number_id !="
            " (SELECT number_id FROM contact_numbers n WHERE n.contact_id = c.id AND n.position = c.position)"
        ) == [], "the number to dial is one of the contact's"  # fmt: skip
        assert self.connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    found = Books(tmp_path / "volley.db")
    yield found
    found.check()
    found.connection.close()


@pytest.fixture
def new_books() -> type[Books]:
    """For a test that opens its databases itself."""
    return Books


@pytest.fixture
def person() -> Callable[..., Contact]:
    return contact


@pytest.fixture
def phone() -> Callable[..., Number]:
    return number
