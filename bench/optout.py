"""How long an opt-out takes from its event to the disk, and to everybody's knowing, while hundreds of calls a second go on.

    python -m bench.optout [--cps 300] [--calls 6000] [--window 0.010]

The real dispatcher, follower, writer and database, wired as the engine wires them, with a PBX that is a list of events:
each call is acknowledged, rings, is answered, reports its verdict, and hangs up; one in twenty says never again, by
report. Measured is the time from the moment at which the event comes in to the moment at which the loop learns that it is
committed with synchronous=FULL, so it is an upper bound; and how many of all calls the database has by then.
Fails when an opt-out is missing from the database. The promise is 100 ms for 99 of a hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Mapping, MutableMapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from engine.ami.outbox import Evidence
from engine.channel import HungUp, Queued, Report, Ringing, Up, attempt_of, channel_id
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
from engine.ops import log as events
from engine.rules.numbers import Number
from engine.store import campaigns, jobs, loading, recovery
from engine.store.database import open_writer
from engine.store.jobs import NewCampaign
from engine.store.writer import Writer

ONE_IN = 20
RANGES = ("19900", "26191", "35301", "46571", "53649", "63998")
"""Reserved for fiction (Arcep, decision 2018-0881): the law lets them be called at any hour."""
MANIFEST: dict[str, Any] = {
    "id": "c", "owner": "Anna <anna@example.org>", "purpose": "informational", "caller_id": ["+33162000001"],
    "window": [{"from": "00:00", "to": "00:00"}], "message": {"prompts": ["hello.wav"]}, "retry": {"max_attempts": 1},
}  # fmt: skip


class Exchange:
    """The far side: lives every call that is written to it, and notes when each opt-out was said."""

    def __init__(self, dice: random.Random) -> None:
        self.up = True
        self.said: dict[str, float] = {}
        self.written = 0
        self._dice = dice
        self.follower: Follower | None = None

    def write(self, action: bytes) -> None:
        headers = dict(line.split(": ", 1) for line in action.decode().split("\r\n") if line)
        attempt = attempt_of(headers["ActionID"])
        if attempt is None:
            raise SystemExit(f"an Originate without an id of ours: {headers}")
        self.written += 1
        loop, rest = asyncio.get_running_loop(), self._dice.random
        begins = 0.02 + 0.2 * rest()
        loop.call_soon(self._tell, Queued(attempt))
        loop.call_later(begins, self._tell, Ringing(attempt))
        loop.call_later(begins + 0.05, self._tell, Up(attempt))
        loop.call_later(
            begins + 0.1, self._tell, Report(attempt, 1, "amd", "HUMAN/HUMAN-815-800", time.time())
        )
        if self.written % ONE_IN == 0:
            loop.call_later(begins + 0.1 + 0.1 * rest(), self._opt_out, attempt)
        loop.call_later(begins + 0.3, self._hang_up, attempt)

    def _tell(self, event: Any) -> None:
        if self.follower is not None:
            self.follower.take(event)

    def _opt_out(self, attempt: int) -> None:
        self.said[channel_id(attempt)] = time.perf_counter()
        self._tell(Report(attempt, 4, "optout", "message", time.time()))

    def _hang_up(self, attempt: int) -> None:
        self._tell(HungUp(attempt, 16, 0, time.time(), answered=True))

    def backlog(self) -> int:
        return 0

    async def hang_up(self, channel: str) -> bool:
        return True

    async def set_variables(self, channel: str, values: Mapping[str, str]) -> None:
        return None

    async def redirect(self, channel: str, context: str, exten: str) -> bool:
        return True

    async def evidence_of(self, attempt: int) -> Evidence | None:
        return None


class Told:
    """A log that only notes when each opt-out was told of as recorded."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.ended = 0

    def __call__(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if line["event"] == events.OPTOUT_RECORDED:
            self.at[line["attempt"]] = time.perf_counter()
        elif line["event"] == events.CALL_ENDED:
            self.ended += 1
        raise structlog.DropEvent


def settings(cps: int) -> Settings:
    return Settings.model_validate(
        {
            "limits": {"max_channels": 4 * cps, "cps": cps},
            "pbx": {"lab": {"secret_env": "X", "sounds_dir": "/sounds"}},
            "trunk": {"a": {"pbx": "lab", "dial": "PJSIP/{number}@a", "max_channels": 4 * cps, "cps": cps}},
            "caller_id": [{"number": "+33162000001", "owner": "Anna", "proof": "2026-06-01"}],
        }
    )


async def load(writer: Writer, calls: int, now: float) -> None:
    """A campaign with so many people, all due."""
    new = NewCampaign("c", "", "anna", "informational", 50, now, None, MANIFEST, "flow", {"max": "60"})
    found = await writer.submit(
        partial(jobs.begin_job, job_id="j", fingerprint="j", source="j", campaign=new, now=now)
    )
    people = []
    for row in range(calls):
        block, digits = divmod(row, 10_000)
        number = Number(f"+33{RANGES[block]}{digits:04d}", "FR", "fixed", ("Europe/Paris",))
        people.append(Contact(row, None, (number,), None, None, None, None, None, None, None, {}))
    add = partial(
        loading.add_contacts, job_id="j", campaign_id=found, contacts=people, through_row=calls, due_at=now,
        reject_known_numbers=False,
    )  # fmt: skip
    await writer.submit(add)
    await writer.submit(partial(jobs.close_job, job_id="j", parsed=calls, refused=0, now=now))


async def run(path: Path, cps: int, calls: int, window: float) -> tuple[Exchange, Told, float]:
    """Call everybody; returns what was said, what was told, and the seconds that it took."""
    told, exchange, clock = Told(), Exchange(random.Random(calls)), Clock()
    log = structlog.wrap_logger(None, processors=[told])
    connection = await open_writer(path)
    writer = Writer(connection, window)
    writing = asyncio.create_task(writer.run())
    given = settings(cps)
    ids = await writer.submit(partial(recovery.register, pbxs=["lab"], trunks={"a": "lab"}))
    agents = Agents({})
    agenda, trunks = Agenda(given, agents), Trunks(given, ids)
    ledger = Ledger(trunks, agents)
    follower = exchange.follower = Follower(
        ledger, agenda, writer, lambda pbx: exchange, clock, log,
        freed=lambda: dispatcher.wake(),  # noqa: PLW0108 -- it is made after the follower
        emptied=lambda campaign: None,
    )  # fmt: skip
    dispatcher = Dispatcher(
        agenda, trunks, ledger, follower, writer, lambda pbx: exchange, lambda pbx, version: True, clock,
        ClockWatch(agenda, ledger, writer, clock, log, 0.0), log, 0,
    )  # fmt: skip
    await load(writer, calls, clock.now() - 60.0)
    agenda.refresh(await writer.submit(campaigns.open_campaigns))
    tasks = [asyncio.create_task(dispatcher.claim()), asyncio.create_task(dispatcher.send())]
    begun = time.perf_counter()
    while told.ended < calls:
        await asyncio.sleep(0.05)
        if any(task.done() for task in tasks):
            raise SystemExit("the dispatcher ended")
    took = time.perf_counter() - begun
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await follower.backlog.settled()
    writer.close()
    await writing
    await connection.close()
    return exchange, told, took


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cps", type=int, default=300)
    parser.add_argument("--calls", type=int, default=6000, help="at most 60000")
    parser.add_argument("--window", type=float, default=0.010, help="the commit window, in seconds")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "volley.db"
        exchange, told, took = asyncio.run(run(path, given.cps, given.calls, given.window))
        with closing(sqlite3.connect(path)) as books:
            (held,) = books.execute("SELECT count(*) FROM suppression").fetchone()
    if held != len(exchange.said) or told.at.keys() != exchange.said.keys():
        raise SystemExit(f"{len(exchange.said)} said never again, and {held} are suppressed")
    waits = sorted((told.at[one] - said) * 1000 for one, said in exchange.said.items())
    print(
        f"{given.calls:,} calls at {given.calls / took:.0f} a second, {len(waits)} opt-outs, all in the database"
    )
    for share in (0.5, 0.9, 0.99, 1.0):
        print(f"p{share * 100:<4.0f} {waits[min(len(waits) - 1, int(share * len(waits)))]:7.1f} ms")


if __name__ == "__main__":
    main()
