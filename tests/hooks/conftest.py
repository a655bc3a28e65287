"""Couriers on a real database, and receivers on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from engine.clock import Clock
from engine.hook_settings import HookSettings
from engine.hooks.courier import Courier
from engine.hooks.outbox import Outbox
from engine.store import hooks, jobs
from engine.store.database import open_reading, open_writer
from engine.store.hooks import Subscription
from engine.store.jobs import NewCampaign
from engine.store.writer import Writer
from tests.hooks.receiver import SECRET, Receiver
from tests.log_lines import Captured
from tests.patience import PATIENCE


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


class Desk:
    """A writer, a campaign to tell of, and the hook `crm`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.logged = Captured()
        self.log = structlog.wrap_logger(None, processors=[self.logged])
        self._courier: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._connection = await open_writer(self.path)
        self.writer = Writer(self._connection, 0.002)
        self.writing = asyncio.create_task(self.writer.run())
        self._reader = await open_reading(self.path)
        new = NewCampaign("spring", "", "anna", "informational", 50, 0.0, None, {"id": "spring"}, "f", {})
        await self.writer.submit(
            partial(jobs.begin_job, job_id="j", fingerprint="j", source="j", campaign=new, now=0.0)
        )
        follow = partial(
            hooks.follow, hooks={"crm": Subscription(["campaign.paused"], ["*"])}, now=self.clock.now
        )
        await self.writer.submit(follow)

    async def close(self) -> None:
        await self.stop()
        self.writer.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self.writing
        await self._reader.close()
        await self._connection.close()

    async def wait(self, count: int, lane: Callable[[int], int] = lambda at: at, at: float | None = None) -> list[str]:  # fmt: skip
        """Let so many events wait; returns their ids."""

        def work(connection: sqlite3.Connection) -> list[str]:
            return [
                connection.execute(
                    "INSERT INTO hook_outbox (hook_id, event, subject, lane, at) VALUES (1, 'campaign.paused', 1, ?, ?) RETURNING key",
                    (lane(number), self.clock.now() if at is None else at),
                ).fetchone()[0].hex()
                for number in range(count)
            ]  # fmt: skip

        return await self.writer.submit(work)

    async def refuse(self, times: int) -> None:
        """What waits has been refused so often already."""
        await self.writer.submit(
            lambda db: db.execute("UPDATE hook_outbox SET refused = ?", (times,)).rowcount
        )

    def start(self, **settings: Any) -> Courier:
        """A courier with these settings, at work."""
        table = {"events": ["campaign.*"], "campaigns": ["*"], "timeout": 1.0, "rate": 5000, **settings}
        if "url" in table:
            os.environ["VOLLEY_TEST_HOOK"] = SECRET
            table["secret_env"] = "VOLLEY_TEST_HOOK"
        made = HookSettings.model_validate(table)
        outbox = Outbox(1, made, self.writer, self._reader, self.clock, self.log)
        courier = Courier("crm", made, outbox, lambda: 0.0, self.clock, self.log)
        self._courier = asyncio.create_task(courier.run())
        return courier

    async def stop(self) -> None:
        if self._courier is not None:
            courier, self._courier = self._courier, None
            assert not courier.done(), courier.exception()
            courier.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await courier

    async def until(self, done: Callable[[], object], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert self._courier is None or not self._courier.done(), self._courier.exception()
            assert time.monotonic() < deadline, f"waited in vain; logged: {self.logged.entries[-5:]}"
            await asyncio.sleep(0.02)

    def rows(self, query: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            found = connection.execute(query).fetchall()
        return [row[0] for row in found] if found and len(found[0]) == 1 else found

    def waiting(self) -> int:
        (count,) = self.rows("SELECT count(*) FROM hook_outbox")
        return int(count)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.logged.entries if line["event"] == name]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    found = Desk(tmp_path / "volley.db")
    await found.open()
    yield found
    await found.close()
