"""The dispatcher and the follower at work on a real database, with a PBX that is a list of what was written to it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from engine.ami.outbox import Evidence
from engine.channel import ChannelEvent, HungUp, Queued, attempt_of
from engine.clock import Clock
from engine.config import Settings
from engine.contacts import Contact
from engine.dialing.agenda import Agenda
from engine.dialing.agents import Agents
from engine.dialing.clock_watch import ClockWatch
from engine.dialing.dispatcher import Dispatcher
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger
from engine.dialing.trunks import Trunks
from engine.errors import AmiUnreachable
from engine.halts import Halts
from engine.rules.numbers import Number
from engine.store import campaigns, jobs, loading, recovery
from engine.store.database import open_writer
from engine.store.jobs import NewCampaign
from engine.store.writer import Writer
from tests.log_lines import Captured
from tests.patience import PATIENCE

MANIFEST = {
    "owner": "Anna <anna@example.org>",
    "purpose": "informational",
    "caller_id": ["+33162000001"],
    "window": [{"from": "00:00", "to": "00:00"}],
    "message": {"prompts": ["hello.wav"]},
    "retry": {"min_gap": "1m", "BUSY": {"delay": "2m"}},
}


def settings(
    transfer: Mapping[str, Any] | None = None,
    trunk: Mapping[str, Mapping[str, Any]] | None = None,
    **limits: Any,
) -> Settings:
    """Two trunks of one PBX. `trunk`: what is different of them; one that is on `far` is on a PBX of its own."""
    own = trunk or {}
    pbxs = {"lab", *(one["pbx"] for one in own.values() if "pbx" in one)}
    return Settings.model_validate(
        {
            "transfer": transfer or {},
            "limits": {"max_channels": 100, "cps": 500, **limits},
            "pbx": {
                name: {"secret_env": "X", "sounds_dir": "/sounds"} for name in sorted(pbxs, reverse=True)
            },
            "trunk": {
                "a": {
                    "pbx": "lab",
                    "dial": "PJSIP/{number}@a",
                    "max_channels": 100,
                    "cps": 500,
                    "price": 0.6,
                    **own.get("a", {}),
                },
                "b": {
                    "pbx": "lab",
                    "dial": "PJSIP/{number}@b",
                    "max_channels": 100,
                    "cps": 500,
                    "price": 0.6,
                    **own.get("b", {}),
                },
            },
            "caller_id": [{"number": "+33162000001", "owner": "Anna", "proof": "2026-01-01"}],
        }
    )


def number(which: int) -> Number:
    return Number(f"+33199001{which:03d}", "FR", "fixed", ("Europe/Paris",))


def contact(row: int, *numbers: Number, external_id: str | None = None) -> Contact:
    nothing = dict.fromkeys(
        ("timezone", "language", "consent", "call_from", "call_to", "not_before", "expires")
    )
    return Contact(row=row, external_id=external_id, numbers=numbers or (number(row),), fields={}, **nothing)


class Exchange:
    """The far side: keeps what it was told to do, and tells only what a test says."""

    def __init__(self) -> None:
        self.up = True
        self.unreachable = False
        self.acknowledges = True
        self.written: list[dict[str, str]] = []
        self.given: list[dict[str, str]] = []
        """Channel variables of each Originate."""
        self.at: list[float] = []
        self.hung_up: list[str] = []
        self.redirected: list[tuple[str, str, str]] = []
        self.variables: list[tuple[str, dict[str, str]]] = []
        self.evidence: dict[int, Evidence] = {}
        self.tell: Callable[[ChannelEvent], None] = lambda event: None
        self.on_write: Callable[[int], None] = lambda attempt: None

    def write(self, action: bytes) -> None:
        if self.unreachable:
            raise AmiUnreachable("PBX lab: no connection")
        lines = [line for line in action.decode().split("\r\n") if line]
        headers = dict(line.split(": ", 1) for line in lines)
        self.written.append(headers)
        variables = [line.removeprefix("Variable: ") for line in lines if line.startswith("Variable: ")]
        self.given.append(dict(variable.split("=", 1) for variable in variables))
        self.at.append(time.monotonic())
        attempt = attempt_of(headers["ActionID"])
        assert attempt is not None
        self.on_write(attempt)
        if self.acknowledges:
            asyncio.get_running_loop().call_soon(self.tell, Queued(attempt))

    def backlog(self) -> int:
        return 0

    async def hang_up(self, channel: str) -> bool:
        self.hung_up.append(channel)
        return True

    async def set_variables(self, channel: str, values: Mapping[str, str]) -> None:
        if self.unreachable:
            raise AmiUnreachable("PBX lab: no connection")
        self.variables.append((channel, dict(values)))

    async def redirect(self, channel: str, context: str, exten: str) -> bool:
        self.redirected.append((channel, context, exten))
        return True

    async def evidence_of(self, attempt: int) -> Evidence | None:
        return self.evidence.get(attempt)


class Desk:
    """Everything between the database and the PBX, wired as the engine wires it."""

    async def open(self, path: Path, **limits: Any) -> None:
        self.settings = settings(**limits)
        self.connection = await open_writer(path)
        self.reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.writer = Writer(self.connection, 0.002)
        self.exchanges = {"lab": Exchange(), "far": Exchange()}
        self.has_flow: Callable[[str, str], bool] = lambda pbx, version: (
            self.flows and pbx not in self.without_flow
        )
        self.logged = Captured()
        log = self.log = structlog.wrap_logger(None, processors=[self.logged])
        self.clock = Clock()
        self.tasks = [asyncio.create_task(self.writer.run())]
        ids = await self.writer.submit(
            partial(
                recovery.register,
                pbxs=list(self.settings.pbx),
                trunks={name: one.pbx for name, one in self.settings.trunk.items()},
            )
        )
        agents = Agents(self.settings.transfer)
        self.halts = Halts()
        self.agenda = Agenda(self.settings, agents)
        self.trunks = Trunks(self.settings, ids)
        self.ledger = Ledger(self.trunks, agents)
        self.emptied: list[int] = []
        self.flows = True
        self.without_flow: set[str] = set()
        """PBXs that have no flow yet."""
        self.follower = Follower(
            self.ledger, self.agenda, self.writer, lambda pbx: self.exchanges[pbx], self.clock, log,
            freed=lambda: self.dispatcher.wake(),  # noqa: PLW0108 -- it is made after the follower
            emptied=self.emptied.append,
        )  # fmt: skip
        self.dispatcher = Dispatcher(
            self.agenda, self.trunks, self.ledger, self.follower, self.writer, lambda pbx: self.exchanges[pbx],
            lambda pbx, version: self.has_flow(pbx, version), self.clock,  # noqa: PLW0108 -- replaced by tests
            ClockWatch(self.agenda, self.ledger, self.writer, self.clock, log, 0.0), log, 0, halts=self.halts,
        )  # fmt: skip
        for exchange in self.exchanges.values():
            exchange.tell = self.follower.take

    @property
    def exchange(self) -> Exchange:
        """The PBX of both trunks, as long as none is on another one."""
        return self.exchanges["lab"]

    @exchange.setter
    def exchange(self, other: Exchange) -> None:
        self.exchanges["lab"] = other

    def start(self) -> None:
        for work in (self.dispatcher.claim(), self.dispatcher.send()):
            self.tasks.append(asyncio.create_task(work))

    async def close(self) -> None:
        for task in self.tasks[1:]:
            assert not task.done() or task.exception() is None, task.exception()
            task.cancel()
        await asyncio.gather(*self.tasks[1:], return_exceptions=True)
        await self.follower.backlog.settled()
        self.writer.close()
        await self.tasks[0]
        self.reader.close()
        await self.connection.close()

    async def campaign(
        self,
        name: str,
        *contacts: Contact,
        priority: int = 50,
        flow: dict[str, str] | None = None,
        spoken_to: bool = False,
        **manifest: Any,
    ) -> int:
        """A campaign that runs, with these contacts due."""
        now = self.clock.now() - 60.0
        table = {**MANIFEST, "id": name, **manifest}
        new = NewCampaign(
            name, "", "anna", "informational", priority, now, None, table, "flow", flow or {"max": "60"}
        )
        found = await self.writer.submit(
            partial(jobs.begin_job, job_id=name, fingerprint=name, source=name, campaign=new, now=now)
        )
        await self.writer.submit(
            partial(
                loading.add_contacts, job_id=name, campaign_id=found, contacts=contacts, through_row=len(contacts),
                due_at=now, reject_known_numbers=False, spoken_to=spoken_to,
            )
        )  # fmt: skip
        await self.writer.submit(
            partial(jobs.close_job, job_id=name, parsed=len(contacts), refused=0, now=now)
        )
        await self.refresh()
        return found

    async def refresh(self) -> None:
        self.agenda.refresh(await self.writer.submit(campaigns.open_campaigns))
        self.dispatcher.wake()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        found = self.reader.execute(sql, values).fetchall()
        return [row[0] for row in found] if found and len(found[0]) == 1 else found

    def by_trunk(self) -> dict[str, list[int]]:
        """The attempts of all Originates so far, by the trunk that each left by."""
        found: dict[str, list[int]] = {"a": [], "b": []}
        for exchange in self.exchanges.values():
            for headers in exchange.written:
                found[headers["Channel"].rpartition("@")[2]].append(int(headers["ActionID"][1:], 16))
        return found

    def written(self) -> list[int]:
        """The attempts of all Originates so far, in their order."""
        return [int(headers["ActionID"][1:], 16) for headers in self.exchange.written]

    def numbers(self) -> list[str]:
        return [headers["Channel"].partition("/")[2].partition("@")[0] for headers in self.exchange.written]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [dict(line) for line in self.logged.entries if line["event"] == name]

    def hang_up(self, attempt: int, cause: int = 17, sip: int = 486, **more: Any) -> None:
        self.follower.take(HungUp(attempt, cause, sip, self.clock.now(), **more))

    async def until(self, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 -- the database has no event to wait for
                await asyncio.sleep(0.002)

    def check_idle(self) -> None:
        """All that was taken has been given back, exactly once."""
        assert len(self.ledger) == 0
        assert (self.trunks.live, self.trunks.queued) == (0, 0)
        assert [(trunk.live, trunk.queued) for trunk in self.trunks.by_name.values()] == [(0, 0)] * 2
        assert [one.live for one in self.agenda.campaigns.values()] == [0] * len(self.agenda.campaigns)
        assert self.follower.unacknowledged.total() == 0
        assert self.follower.ends.unstored == 0


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk()
    await found.open(tmp_path / "volley.db")
    yield found
    await found.close()


@pytest.fixture
def new_desk(tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Desk]]:
    """A desk with limits of its own."""

    @contextlib.asynccontextmanager
    async def opened(**limits: Any) -> AsyncIterator[Desk]:
        found = Desk()
        await found.open(tmp_path / "other.db", **limits)
        try:
            yield found
        finally:
            await found.close()

    return opened


@pytest.fixture
def person() -> Callable[..., Contact]:
    return contact


@pytest.fixture
def phone() -> Callable[[int], Number]:
    return number


@pytest.fixture
def some_settings() -> Callable[..., Settings]:
    return settings
