"""What requests do about people: suppress the numbers of a file, and forget somebody.

Withdrawals take effect at once, batch by batch; what cannot be read is told and keeps nothing else back. Who is
forgotten is suppressed in the same transaction, and erased as soon as no call of theirs lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from engine.config import Settings
from engine.errors import InputError, Problem, StoreError
from engine.intake.lists.client import Numbers, NumbersRead, work
from engine.intake.lists.handover import WORK, copies, told_faults
from engine.intake.lists.housekeeping import FILES
from engine.intake.lists.requests import ForgetRequest, SuppressFileRequest
from engine.intake.lists.task import Task
from engine.ops import log as events
from engine.ops.log import Log
from engine.rules.numbers import NumberError, parse_number
from engine.store import audited_lists, forgotten
from engine.store.erasure import Erased
from engine.store.writer import Writer

CALL_PATIENCE = 2 * 3600.0
"""Seconds to wait for a live call of somebody who is to be forgotten: the longest that `limits.max_call` allows."""
CALL_LOOK = 0.5


class Clock(Protocol):
    def now(self) -> float: ...


class People:
    """One engine's requests about people."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        clock: Clock,
        log: Log,
        suppressed: Callable[[list[int]], None],
    ) -> None:
        """`suppressed(ids)` is told of numbers that were suppressed while they may have a call."""
        self._state = settings.engine.state
        self._files = settings.engine.queue / "control" / FILES
        self._region = settings.defaults.region
        self._writer = writer
        self._clock = clock
        self._log = log
        self._suppressed = suppressed

    async def suppress(self, request: SuppressFileRequest, asker: str) -> dict[str, Any]:
        """Every number that can be read is suppressed, batch by batch, also when others cannot."""
        added = 0
        done: NumbersRead | None = None
        folder = self._state / "lists" / WORK
        async with copies(self._files, folder, request.files) as files:
            task = Task(
                files=tuple(str(one.path) for one in files),
                region=request.region or self._region,
                folder=str(folder),
                format=request.format,
                mode="add",
                column=request.column,
            )
            async with contextlib.aclosing(work(task)) as told:
                async for piece in told:
                    if isinstance(piece, NumbersRead):
                        done = piece
                    elif isinstance(piece, Numbers):
                        fresh, live = await self._writer.submit(
                            partial(self._add, request, piece, asker), bulk=True, withdraws=True
                        )
                        added += fresh
                        self._suppressed(live)
        if done is None:
            raise StoreError("the list process ended without its last word")
        self._log.info(
            events.SUPPRESSION_CHANGED,
            action=request.action,
            numbers=done.numbers,
            reason=request.reason,
            by=request.by,
        )
        return {
            "numbers": done.numbers,
            "added": added,
            "rows": done.rows,
            **told_faults(done.unreadable, done.faults),
        }

    def _add(
        self, request: SuppressFileRequest, piece: Numbers, asker: str, connection: sqlite3.Connection
    ) -> tuple[int, list[int]]:
        """A unit of work. It goes behind whatever is urgent, so its instant is that of the transaction: a claim of
        before is not to look as if it had been made in spite of it."""
        return audited_lists.suppress_many(
            connection,
            e164=[f"+{number}" for number in piece.numbers],
            reason=request.reason,
            source="file",
            actor=request.by,
            now=self._clock.now(),
            recorded_as=asker,
        )

    async def forget(self, request: ForgetRequest, asker: str) -> dict[str, Any]:
        wanted, problems = [], []
        for at, text in enumerate(request.numbers, 1):
            try:
                wanted.append(parse_number(text, request.region or self._region).e164)
            except NumberError as error:
                problems.append(Problem(f"numbers, {at}", f"{text!r}: {error}"))
        if problems:
            raise InputError(problems)
        if not await self._writer.submit(forgotten.any_forgotten):
            await asyncio.to_thread(forgotten.make_key, self._state)
        contacts = attempts = 0
        jobs: set[str] = set()
        for e164 in dict.fromkeys(wanted):
            erased = await self._erase(e164, request, asker)
            contacts += erased.contacts
            attempts += erased.attempts
            jobs.update(erased.jobs)
        self._log.info(
            events.PERSON_FORGOTTEN,
            people=len(set(wanted)),
            contacts=contacts,
            by=request.by,
            reason=request.reason,
        )
        return {"people": len(set(wanted)), "contacts": contacts, "attempts": attempts, "jobs": sorted(jobs)}

    async def _erase(self, e164: str, request: ForgetRequest, asker: str) -> Erased:
        """Suppressed at once; erased as soon as no call of theirs lives, whose end has yet to be stored."""
        deadline = self._clock.now() + CALL_PATIENCE
        while True:
            erased: Erased = await self._writer.submit(
                partial(
                    audited_lists.forget,
                    e164=e164,
                    actor=request.by,
                    reason=request.reason,
                    now=self._clock.now(),
                    recorded_as=asker,
                ),
                withdraws=True,
            )
            self._suppressed(list(erased.numbers))
            if not erased.live:
                return erased
            if self._clock.now() > deadline:
                raise StoreError(
                    "a call of this person has lived for two hours; it is suppressed, and not yet erased"
                )
            await asyncio.sleep(CALL_LOOK)
