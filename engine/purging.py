"""Deletes data of people when its time is over: contacts and numbers in the database, old jobs in the queue directory.

Once an hour, in small steps, a few a second, behind everything else that is written. Knows when; what goes, is
`engine.store.purge`'s and `engine.intake.old_jobs`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial

from engine.config import Settings
from engine.dialing.surroundings import Clock
from engine.errors import StoreError
from engine.intake import old_jobs
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import purge
from engine.store.writer import Writer

EVERY = 3600.0
"""Seconds between two looks."""
AGAIN = 60.0
"""Seconds after which a look that the database refused is taken again."""
STEPS = 20
"""Steps at most in one turn of the housekeeping, which has more to do: some 2,000 contacts a second."""


class Purging:
    """Looks once an hour; the first time at the start, so that a purge that was interrupted comes to its end."""

    def __init__(self, settings: Settings, writer: Writer, clock: Clock, log: Log) -> None:
        self._keep = settings.retention
        self._queue = settings.engine.queue
        self._writer = writer
        self._clock = clock
        self._log = log
        self._next = float("-inf")
        self._run: AsyncGenerator[None] | None = None
        self._first = True

    def __repr__(self) -> str:
        return f"<Purging {'under way' if self._run is not None else 'idle'}>"

    async def tick(self) -> None:
        """Go on with what is under way, or begin it when its time has come. Raises StoreError and OSError."""
        if self._run is None:
            if self._clock.mono() < self._next:
                return
            self._run = self._purge()
        self._next = self._clock.mono() + AGAIN
        try:
            for _ in range(STEPS):
                await anext(self._run)
        except StopAsyncIteration:
            self._run = None
            self._next = self._clock.mono() + EVERY
        except (StoreError, OSError):
            self._run = None
            raise

    async def _purge(self) -> AsyncGenerator[None]:
        """Each step ends in a yield."""
        if self._keep.contacts is not None:
            async for _ in self._contacts(self._keep.contacts):
                yield
        if self._keep.jobs is not None:
            async for _ in self._jobs(self._keep.jobs):
                yield

    async def _contacts(self, keep: float) -> AsyncGenerator[None]:
        due = await self._writer.submit(partial(purge.begin, keep=keep, now=self._clock.now()), bulk=True)
        ids = [one.id for one in due]
        after: int | None = 0 if ids else None
        while after is not None:
            step = await self._writer.submit(partial(purge.blank_some, campaigns=ids, after=after), bulk=True)
            after = step.after
            yield
        if ids:
            for one in await self._writer.submit(
                partial(purge.finish, campaigns=ids, keep=keep, now=self._clock.now()), bulk=True
            ):
                self._log.info(events.CONTACTS_PURGED, campaign=one.name, contacts=one.contacts)
        numbers = 0
        after = 0 if ids or self._first else None
        while after is not None:
            step = await self._writer.submit(
                partial(purge.drop_some, after=after, now=self._clock.now()), bulk=True
            )
            after = step.after
            numbers += step.changed
            yield
        self._first = False
        if numbers:
            self._log.info(events.NUMBERS_PURGED, numbers=numbers)

    async def _jobs(self, keep: float) -> AsyncGenerator[None]:
        stuck: list[str] = []
        deleted = 0
        for one in await asyncio.to_thread(old_jobs.old_entries, self._queue, self._clock.now() - keep):
            try:
                await asyncio.to_thread(old_jobs.delete, one)
                deleted += 1
            except OSError as error:
                stuck.append(f"{one}: {error.strerror or error}")
            yield
        if deleted:
            await self._writer.submit(
                partial(purge.files_deleted, files=deleted, keep=keep, now=self._clock.now()), bulk=True
            )
            self._log.info(events.JOBS_PURGED, entries=deleted)
        if stuck:
            self._log.error(
                events.JOBS_KEPT,
                entries=len(stuck),
                why=stuck[0],
                todo="let the engine's user delete in the queue directory, or delete them there",
            )
