"""One hook's part of the outbox: brought into memory in order, tidied, and settled many rows at a time.

Reads on a connection of its own and writes through the one writer, behind everything urgent: no call waits for this.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol, TypeVar

from engine.errors import StoreError
from engine.hook_settings import HookSettings
from engine.hooks import payload
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import hook_facts, hooks
from engine.store.database import WriterConnection
from engine.store.hooks import Result, Row
from engine.store.writer import Writer

T = TypeVar("T")

SLICE = 2000
"""Rows dropped in one unit of work."""


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for deadlines; both in seconds."""

    def now(self) -> float: ...

    def mono(self) -> float: ...


class Outbox:
    """The rows of one hook."""

    def __init__(
        self,
        hook_id: int,
        settings: HookSettings,
        writer: Writer,
        reader: WriterConnection,
        clock: Clock,
        log: Log,
    ) -> None:
        """`reader`: a connection that only reads; it may be shared."""
        self._id = hook_id
        self._settings = settings
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._log = log
        self._last = 0
        """The newest row that was brought."""
        self.results: list[Result] = []
        """What came of tries and is not committed yet."""
        self.gone_at: float | None = None
        """When the receiver said that it is gone."""

    def __repr__(self) -> str:
        return f"<Outbox last={self._last} unstored={len(self.results)}>"

    async def bring(self, most: int) -> list[Row]:
        """The next rows, in the order of what happened; each row once. Raises StoreError."""
        read = partial(hooks.waiting_rows, hook_id=self._id, after=self._last, limit=most)
        found: list[Row] = await self._read(read)
        if found:
            self._last = found[-1].id
        return found

    async def body(self, row: Row) -> bytes | None:
        """What the receiver gets, as of now: who was forgotten meanwhile is not in it. None when what it tells of is not
        there any more. Raises StoreError."""
        return await self._read(partial(self._put_together, row=row))

    def _put_together(self, connection: sqlite3.Connection, row: Row) -> bytes | None:
        facts = hook_facts.facts(connection, self._id, row)
        if facts is None:
            return None
        return payload.body(row.event, row.key, row.at, facts, masked=self._settings.numbers == "masked")

    async def tidy(self, busy: Collection[int]) -> set[int]:
        """Drop what has waited for too long, and the oldest of what is too much; not the rows in `busy`, nor those with a
        result. Returns the ids of what is gone. Raises StoreError."""
        waiting: hooks.Waiting = await self._read(partial(hooks.waiting, hook_id=self._id))
        dropped: set[int] = set()
        before = self._clock.now() - self._settings.max_age
        if waiting.oldest is not None and waiting.oldest < before:
            while ids := await self._writer.submit(
                partial(
                    hooks.drop_old, hook_id=self._id, before=before, now=self._clock.now(), limit=SLICE, keep=self._kept(busy)
                ),
                bulk=True,
            ):  # fmt: skip
                dropped.update(ids)
            if dropped:
                self._log.error(
                    events.HOOK_DROPPED, dropped=len(dropped), why="they waited longer than max_age"
                )
        excess = waiting.count - len(dropped) - self._settings.max_queue
        if excess > 0:
            oldest = await self._drop_oldest(excess, busy)
            self._log.error(events.HOOK_DROPPED, dropped=len(oldest), why="more than max_queue wait")
            dropped |= oldest
        return dropped

    async def _drop_oldest(self, count: int, busy: Collection[int]) -> set[int]:
        dropped: set[int] = set()
        while count > len(dropped):
            most = min(SLICE, count - len(dropped))
            ids = await self._writer.submit(
                partial(hooks.drop_oldest, hook_id=self._id, count=most, keep=self._kept(busy)), bulk=True
            )
            dropped.update(ids)
            if len(ids) < most:
                break
        return dropped

    def _kept(self, busy: Collection[int]) -> list[int]:
        return [*busy, *(one.row.id for one in self.results)]

    async def settle(self) -> None:
        """Commit the results that there are. Raises StoreError; then they are still there."""
        batch = self.results[:]
        await self._writer.submit(
            partial(hooks.settle, hook_id=self._id, results=batch, gone_at=self.gone_at), bulk=True
        )
        del self.results[: len(batch)]

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._reader.run(work)
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the outbox of hooks: {error}") from error
