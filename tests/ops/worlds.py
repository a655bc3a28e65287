"""Worlds by chance: settings, lists, people, campaigns and what happened before, in books as the engine keeps them.

Everything is handed in as an operator would hand it in: settings, list files, jobs with a manifest and a CSV file; and is
taken in by the engine's own intake. What happens in the calls is what a test says.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from engine.config import Settings
from engine.dialing.disposition import UNCOUNTED, Disposition
from engine.dialing.retry import CallbackAt, RetryAt
from engine.dialing.retry import History as Tries
from engine.dialing.retry import decide as follows
from engine.dialing.running import Running
from engine.intake.queue import QueueDirs
from engine.intake.service import Intake
from engine.ops import log as events
from engine.store import audited, campaigns, claims, erasure, forgotten, lists
from engine.store.claimed import Claim, Claimant, ClaimResult
from engine.store.database import open_writer
from engine.store.list_file import Description, Part, digest, file_name, write_list
from engine.store.listing import ListBook
from engine.store.writer import Writer
from tests.log_lines import Captured
from tests.ops.crowd import a_number, a_row
from tests.ops.filled import Books, person, settings_in
from tests.speech.sounds import prompt

HOUR, DAY = 3600.0, 86400.0
START = datetime(2026, 11, 27, tzinfo=UTC).timestamp()
OURS: tuple[dict[str, Any], ...] = (
    {"number": "+33162000001"},
    {"number": "+33948000001", "trunks": ["b"]},
    {"number": "+12125550199", "areas": ["US", "CA"]},
    {"number": "+14155550199", "areas": ["US-CA", "+1415"], "trunks": ["a"]},
    {"number": "+442079460001", "areas": ["GB"]},
    {"number": "+911401234567"},
)
PURPOSES = ("marketing", "marketing", "informational", "transactional", "political", "survey", "emergency")
OWNERS = ("Anna, anna@example.org", "Ben, ben@example.org")
WINDOWS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"from": "00:00", "to": "00:00"}],
    [{"days": ["mon-fri"], "from": "09:00", "to": "12:30"}, {"days": ["mon-sat"], "from": "14:00", "to": "19:30"}],
    [{"from": "20:30", "to": "08:30"}],
    [{"from": "10:00", "to": "18:00", "timezone": "Europe/Paris"}],
)  # fmt: skip
ENDINGS = ("BUSY", "NO_ANSWER", "REJECTED", "CONGESTION", "NOT_SENT", "INVALID_NUMBER", "ANSWERED_MACHINE", "ANSWERED_HUMAN",
           "ANSWERED_HUMAN", "ANSWERED_UNSURE")  # fmt: skip


@dataclass
class World:
    """One engine's books, and the operator who fills them."""

    folder: Path
    dice: random.Random
    settings: Settings = field(init=False)
    books: Books = field(init=False)
    lists: ListBook = field(init=False)
    jobs: int = 0

    def __post_init__(self) -> None:
        dice = self.dice
        now = START + dice.randrange(int(400 * DAY)) + 0.25
        today = datetime.fromtimestamp(now, UTC).date()
        ours = [
            {"owner": "Test", "proof": today - timedelta(days=dice.choice((30, 30, 200, 399, 401))), **one}
            for one in OURS if dice.random() < 0.9
        ] or [{"owner": "Test", "proof": today, "number": "+33162000001"}]  # fmt: skip
        trunk = {
            "pbx": "lab",
            "dial": "PJSIP/{number}@carrier",
            "max_channels": 400,
            "cps": 100,
            "price": 0.6,
        }
        self.settings = settings_in(
            self.folder,
            trunk={"a": trunk, "b": {**trunk, "number_format": "E.164"}},
            caller_id=ours,
            law={"countries": [one for one in ("FR", "US", "CA", "GB", "IN", "BR", "DE") if dice.random() < 0.9]},
            defaults={"region": "FR", "window": dice.choice(WINDOWS[:3])},
        )  # fmt: skip
        self.books = Books(self.settings, now=now)
        self.people = [a_number(dice) for _ in range(90)]
        self._import_lists()
        self._call_before()
        self.lists = ListBook(self.settings.engine.state)
        self.books.suppress(*dice.sample(self.people, 8))
        forgotten.make_key(self.settings.engine.state)
        for number in dice.sample(self.people, 4):
            erasure.forget(self.books.connection, number, "anna", "asked", self.books.now)

    def close(self) -> None:
        self.lists.close()
        self.books.close()

    # -- what is handed in ---------------------------------------------------------------------------------------------

    def _import_lists(self) -> None:
        folder = self.settings.engine.state / "lists"
        folder.mkdir()
        for name, kind, country in (("us-dnc", "registry", "US"), ("gb-tps", "registry", "GB"), ("gb-ctps", "registry", "GB"),
                                    ("ca-dncl", "registry", "CA"), ("litigators", "litigators", ""), ("own", "campaign", "")):  # fmt: skip
            if self.dice.random() < 0.15:
                continue
            numbers = sorted({int(one[1:]) for one in self.dice.sample(self.people, 4)})
            date = datetime.fromtimestamp(self.books.now - self.dice.choice((1, 20, 40)) * DAY, UTC).date()
            told = Description(name, kind, country, 1, "full", 1.0, "anna", "monthly", (Part("", date.isoformat()),),
                               len(numbers), len(numbers), 0, 0, ())  # type: ignore[arg-type]  # fmt: skip
            path = folder / file_name(name, 1)
            write_list(path, [numbers], lambda count, told=told: told)
            lists.swap(self.books.connection, told, path.stat().st_size, digest(path))

    def _call_before(self) -> None:
        """Two campaigns of the last forty days, that are over: who was called how often, and what came of it."""
        dice, books = self.dice, self.books
        everybody = [person(row, number) for row, number in enumerate(sorted({*self.people}), 2)]
        calls = itertools.count(1)
        for owner, purpose in zip(OWNERS, ("marketing", "informational"), strict=True):
            campaign = books.campaign(f"before-{purpose}", everybody, owner=owner, purpose=purpose)
            for contact, number in books.connection.execute(
                "SELECT id, number_id FROM contacts WHERE campaign_id = ?", (campaign,)
            ).fetchall():
                for _ in range(int(9 * dice.random() ** 3)):
                    at = books.now - 40 * DAY * dice.random() ** 4 - 30.0
                    word = dice.choice(ENDINGS)
                    books.connection.execute(
                        "INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id,"
                        " dialed, flow_version, rules, created_at, ended_at, rang, disposition, abandoned)"
                        " VALUES (?, ?, ?, ?, 0, 'first', 1, 1, '', '', '', '', ?, ?, ?, ?, ?)",
                        (next(calls), contact, campaign, number, at, at + 20, word == "NO_ANSWER", word, dice.random() < 0.1),
                    )  # fmt: skip
            books.connection.execute("UPDATE contacts SET state = 'done' WHERE campaign_id = ?", (campaign,))
            books.connection.execute("UPDATE campaigns SET state = 'completed' WHERE id = ?", (campaign,))

    def job(self, rows: int, add_to: str = "") -> Path:
        """A job with so many people, as a folder; a new campaign, or people for one that is there."""
        dice, now = self.dice, self.books.now
        self.jobs += 1
        folder = self.folder / f"job{self.jobs}"
        folder.mkdir()
        source = {"file": "people.csv", "duplicates": dice.choice(("reject", "keep", "merge")),
                  "columns": {"phone_number": ["phone_number", "mobile"]}}  # fmt: skip
        manifest = {"add_to": add_to} if add_to else self._campaign()
        (folder / "campaign.json").write_text(json.dumps({**manifest, "contacts": source}), encoding="utf-8")
        people = [a_row(dice, dice.choice(self.people), now, self.jobs * 1000 + row) for row in range(rows)]
        if add_to:  # some are there already, by their own ids
            people[0]["external_id"] = people[1]["external_id"] = "p1001"
        people[0].setdefault("mobile", "")
        with (folder / "people.csv").open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, list(dict.fromkeys(key for row in people for key in row)))
            table.writeheader()
            table.writerows(people)
        prompt(folder / "hello.wav", dice.choice((5, 5, 5, 45)))
        return folder

    def _campaign(self) -> dict[str, Any]:
        dice, now = self.dice, self.books.now

        def seldom(one_in: int) -> bool:
            return dice.random() < 1 / one_in

        def instant(*hours: float) -> str:
            return datetime.fromtimestamp(now + dice.choice(hours) * HOUR, UTC).isoformat()

        ours = [one.number for one in self.settings.caller_id]
        purpose = dice.choice(PURPOSES)
        found: dict[str, Any] = {
            "id": f"campaign{self.jobs}", "owner": dice.choice(OWNERS), "purpose": purpose,
            "caller_id": dice.sample(ours, dice.randint(max(1, len(ours) - 2), len(ours))),
            "message": {"prompts": ["hello.wav"]}, "window": dice.choice(WINDOWS),
            "retry": {"max_attempts": dice.randint(1, 4), "min_gap": dice.choice((60, 7200)),
                      "ANSWERED_HUMAN": {"delay": 60, "attempts": 3}, "REJECTED": {"delay": 60, "attempts": 3}},
            "max_callbacks": dice.choice((0, 2)),
        }  # fmt: skip
        if seldom(3):
            found["trunks"] = [dice.choice("ab")]
        if seldom(3):
            found["topics"] = [dice.choice(("debt", "health", "finance"))]
        if seldom(3):
            found["region"] = dice.choice(("US", "GB"))
        if seldom(4):
            found["lists"] = ["own"]
        if seldom(5):
            found["start"] = instant(-1, 1, 5)
        if seldom(10):
            found["end"] = instant(6, 30)
        if seldom(4):
            found["calls_per_day"] = dice.choice((1, 25))
        if seldom(4):
            found["cost_per_day"] = dice.choice((0.05, 13.0, 13.0, 100.0))
        if purpose == "emergency":
            found["emergency"] = {"approved_by": ["Anna", "Ben"], "expires": instant(-1, 3, 3, 48, 48, 800)}
        return found

    def take_in(self, job: Path) -> str:
        """The job goes into the queue, and the engine's intake takes it; returns where it then lies."""
        queue = QueueDirs(self.settings.engine.queue)
        queue.ensure()
        target = job.rename(queue.incoming / job.name)
        (target / ".complete").touch()
        asyncio.run(self._take_in())
        return "accepted" if any(queue.accepted.glob(f"*{job.name}*")) else "rejected"

    async def _take_in(self) -> None:
        """Until the engine's intake says what became of the job."""
        connection = await open_writer(self.settings.database)
        writer = Writer(connection, 0.0)
        told = asyncio.Event()

        def said(logger: object, method: str, event: dict[str, Any]) -> dict[str, Any]:
            if event["event"] in (events.CAMPAIGN_ACCEPTED, events.CONTACTS_ADDED, events.CAMPAIGN_REJECTED):
                told.set()
            return event

        log = structlog.wrap_logger(None, processors=[said, Captured()])
        tasks = [
            asyncio.create_task(writer.run()),
            asyncio.create_task(Intake(self.settings, writer, self, log, lambda: None).run()),
        ]
        try:
            async with asyncio.timeout(120):
                await told.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.close()

    def now(self) -> float:
        """The clock that the intake looks at."""
        return self.books.now

    # -- what the engine does ------------------------------------------------------------------------------------------

    def claimant(self, campaign_id: int, room: int = 1) -> Claimant:
        """The campaign as the dispatcher takes it to the claim."""
        running = Running(campaigns.campaign(self.books.connection, campaign_id), self.settings)
        return Claimant(campaign_id, running.rules, running.flow_version, running.trunks, room)

    def claim(self, campaign_id: int, now: float, room: int = 1) -> ClaimResult:
        self.lists.refresh(self.books.connection)
        found = claims.claim(
            self.books.connection, [self.claimant(campaign_id, room)], self.books.slots * room, self.books.last, now, self.lists
        )  # fmt: skip
        self.books.last = max([self.books.last, *(one.attempt for one in found.claims)])
        return found

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What is written meanwhile has never been."""
        self.books.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self.books.connection.execute("ROLLBACK")

    def alone(
        self, campaign_id: int, contact_id: int, now: float, starting: tuple[str, ...] = ("scheduled",)
    ) -> ClaimResult:
        """What a claim decides at `now` for this contact, if nobody else of its campaign is due, and the campaign runs where it
        was in a state of `starting`; nothing of it stays."""
        with self.undone():
            self.books.connection.executemany(
                "UPDATE campaigns SET state = 'running' WHERE state = ?", [(one,) for one in starting]
            )
            self.books.connection.execute(
                "UPDATE contacts SET due_at = 1e12 WHERE campaign_id = ? AND id != ? AND state = 'pending'",
                (campaign_id, contact_id),
            )
            return self.claim(campaign_id, now)

    def happens(self, claim: Claim) -> None:
        """The call ends, by chance, and its contact moves on as the engine decides."""
        dice, books = self.dice, self.books
        word = dice.choice(ENDINGS)
        running = Running(campaigns.campaign(books.connection, claim.campaign_id), self.settings)
        counted = Disposition(word) not in UNCOUNTED
        answered = word.startswith("ANSWERED")
        heard = [] if dice.random() < 0.15 else [("play", "message")]  # who hears nothing was abandoned
        verdict = {"ANSWERED_HUMAN": "HUMAN/HUMAN-815-800", "ANSWERED_MACHINE": "MACHINE/TOOLONG-4835"}.get(
            word, "NOTSURE/TOOLONG-4835"
        )
        asked = (
            word == "ANSWERED_HUMAN"
            and dice.random() < 0.2
            and claim.callbacks < running.campaign.max_callbacks
        )
        position = claim.position
        decision = follows(
            running.callback_policy if claim.callback_id is not None and not answered else running.policy,
            Tries(claim.attempts + counted, {**claim.tries, word: claim.tries.get(word, 0) + 1}, position, claim.numbers,
                  claim.invalid | ({position} if word == "INVALID_NUMBER" else set())),
            Disposition(word), books.now, books.now + 10.0, callback_at=books.now + 100.0 if asked else None,
        )  # fmt: skip
        again = isinstance(decision, RetryAt | CallbackAt)
        books.finish(
            claim, word, talk=8.0 if answered else None, rang=word not in ("NOT_SENT", "CONGESTION", "INVALID_NUMBER"),
            reports=[("amd", verdict), *heard] if answered else [],
            next_at=decision.at if again else None, next_position=decision.position if again else position,
            next_callback=isinstance(decision, CallbackAt), cost=0.08 if answered else 0.0,
            sent_at=None if word == "NOT_SENT" else books.now,
        )  # fmt: skip

    def pause(self, name: str) -> None:
        known = campaigns.campaign_state(self.books.connection, name)
        if known is not None:
            audited.set_state(self.books.connection, known[0], "paused", self.books.now, actor="anna")
