"""The audit log beside a running engine: its start and end go in, its head goes out into the log, and its chain is
walked, so that tampering shows without anybody asking.

The walk goes on by a few thousand rows a second, in a thread, from the first row to the newest; after that it
follows the tail. Knows the log, not what changes: those who change something record it themselves
(`engine.store.audited`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import Protocol

from engine import __version__
from engine.config import Settings
from engine.errors import StoreError
from engine.ops import audit as reader
from engine.ops import log as events
from engine.ops import settings_trail
from engine.ops.log import Log
from engine.rules.gate import RULES_VERSION
from engine.store import audit, audited
from engine.store.audit import ENGINE, Action, Head
from engine.store.writer import Writer

HEAD_EVERY = 3600.0
"""Seconds between two heads in the log while the audit log grows: what was cut off shows up to the last of them."""
PIECE = 2000
"""Rows checked in one go: some milliseconds."""


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for deadlines; both in seconds."""

    def now(self) -> float: ...

    def mono(self) -> float: ...


class Trail:
    """Records the life of one engine, and watches the log of it."""

    def __init__(self, settings: Settings, writer: Writer, clock: Clock, log: Log) -> None:
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._log = log
        self._chain = reader.Chain()
        self._told = audit.EMPTY
        self._told_at = float("-inf")
        self._verified = False

    def __repr__(self) -> str:
        return f"<Trail checked={self._chain.head.id} verified={self._verified}>"

    async def started(self) -> None:
        """Record the start, and what the settings changed since the last one. Raises StoreError."""
        flat = settings_trail.flat(self._settings)
        changes = await self._writer.submit(
            partial(
                audited.engine_started,
                settings=flat,
                fingerprint=settings_trail.fingerprint(flat),
                version=__version__,
                rules=RULES_VERSION,
                now=self._clock.now(),
            )
        )
        if changes:
            self._log.info(events.SETTINGS_CHANGED, keys=sorted(changes))
        await self._tell()

    async def stopped(self, live: int) -> None:
        """Record an end in order, `live` calls going on, and log the head. Where the database refuses, the next start
        finds this run unclean, which it then was."""
        try:
            await self._writer.submit(partial(audited.engine_stopped, live=live, now=self._clock.now()))
            await self._tell()
        except StoreError as error:
            self._log.error(events.STORE_FAILED, error=str(error))

    async def tick(self) -> None:
        """Once a second: check the next rows, and log the head once an hour if the log has grown. Raises StoreError."""
        if self._chain.broken is None:
            rows = await asyncio.to_thread(
                reader.piece, self._settings.database, self._chain.head.id or reader.BEFORE_ALL, PIECE
            )
            broken = self._chain.feed(rows)
            if broken is not None:
                self._log.error(events.AUDIT_BROKEN, row=broken.row, what=broken.what)
            elif len(rows) < PIECE and not self._verified:
                self._verified = True
                await self._writer.submit(partial(_verified, head=self._chain.head, now=self._clock.now()))
        if self._clock.mono() - self._told_at >= HEAD_EVERY:
            await self._tell()

    async def _tell(self) -> None:
        head = await self._writer.submit(audit.head)
        self._told_at = self._clock.mono()
        if head != self._told:
            self._told = head
            self._log.info(events.AUDIT_HEAD, id=head.id, hash=head.hash.hex())


def _verified(connection: sqlite3.Connection, head: Head, now: float) -> None:
    audit.append(
        connection,
        Action.AUDIT_VERIFIED,
        now,
        actor=ENGINE,
        subject="audit",
        details={"through": head.id, "hash": head.hash.hex()},
    )
