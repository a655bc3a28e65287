"""What was begun and must come to its end: tasks beside the calls, and units of work that must not be lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from typing import TypeVar

from engine.errors import StoreError, StoreFault
from engine.ops import log as events
from engine.ops.log import Log
from engine.store.writer import Writer

T = TypeVar("T")

STORE_RETRY = 1.0
"""Seconds until a unit of work that the database refused is tried again."""


class Backlog:
    """Carries out what is handed in, and says when it is done."""

    def __init__(self, writer: Writer, log: Log) -> None:
        self._writer = writer
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Backlog tasks={len(self._tasks)}>"

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Do this beside everything else; `settled` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.broke(error)

    def broke(self, error: BaseException) -> None:
        """Something of one call went wrong that must not: told, and everything else goes on."""
        self._log.error(
            events.ENGINE_FAULT, what="the following of a call broke", error=repr(error), exc_info=error
        )

    async def stored(
        self,
        work: Callable[[sqlite3.Connection], T],
        submitted: asyncio.Future[T] | None = None,
        *,
        withdraws: bool = False,
    ) -> T:
        """The result of a unit of work that must not be lost: tried until the database takes it. `submitted`: it is
        queued already. `withdraws`: as the writer's `submit` has it."""
        while True:
            try:
                trial, submitted = submitted or self._writer.submit(work, withdraws=withdraws), None
                return await trial
            except StoreError as error:
                if not isinstance(error, StoreFault):  # that one is told by the writer's health
                    self._log.error(events.STORE_FAILED, error=str(error), retry_in=STORE_RETRY)
                await asyncio.sleep(STORE_RETRY)

    async def caught_up(self, seconds: float) -> None:
        """Wait until what is being done now is done, `seconds` at most."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    async def settled(self) -> None:
        """Wait until every end that is known now has been stored. Calls go on ending meanwhile: the next start settles them."""
        for _ in range(3):
            if self._tasks:
                await asyncio.wait(set(self._tasks))
