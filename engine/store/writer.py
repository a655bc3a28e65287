"""The one writer: units of work, gathered into shared commits.

A unit of work is a function of the sqlite3 connection. What arrives while a commit runs, or within the commit
window under load, shares the next transaction, and each caller is released after the commit that holds its work. A
unit that fails is rolled back alone. Units are run again when a neighbour fails, so they must have no effect but on
the database.

Bulk work (taking in a contact file) goes behind: one unit of it a commit at most, so an attempt never waits behind
a million rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from engine.errors import StoreError
from engine.store.database import WriterConnection

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Unit = tuple[Work, "asyncio.Future[Any]"]
Outcome = tuple[bool, Any]


class Writer:
    """Owns the writing connection. `run()` is its task; everything else is called from the event loop."""

    def __init__(self, connection: WriterConnection, commit_window: float) -> None:
        self._connection = connection
        self._window = commit_window
        self._urgent: deque[Unit] = deque()
        self._bulk: deque[Unit] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self.commits = 0

    def submit(self, work: Callable[[sqlite3.Connection], T], *, bulk: bool = False) -> asyncio.Future[T]:
        """Queue a unit of work; the future ends after its commit.

        It fails with StoreError when the database refuses, or with what `work` itself raised.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(StoreError("the database is closing"))
            return future
        (self._bulk if bulk else self._urgent).append((work, future))
        self._wake.set()
        return future

    async def run(self) -> None:
        """Commit what is queued until `close` was called and all is done."""
        loop = asyncio.get_running_loop()
        last = float("-inf")
        while True:
            if not self._urgent and not self._bulk:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
            wait = last + self._window - loop.time()
            if wait > 0 and not self._closing:
                await asyncio.sleep(wait)
            units = list(self._urgent)
            self._urgent.clear()
            if self._bulk:
                units.append(self._bulk.popleft())
            if not units:
                continue
            last = loop.time()
            outcomes = await self._connection.run(partial(_transaction, units=units))
            self.commits += 1
            for (_, future), (done, value) in zip(units, outcomes, strict=True):
                if future.cancelled():
                    continue
                if done:
                    future.set_result(value)
                else:
                    future.set_exception(value)

    def close(self) -> None:
        """Let `run` end once everything queued is committed."""
        self._closing = True
        self._wake.set()


def _transaction(connection: sqlite3.Connection, units: list[Unit]) -> list[Outcome]:
    """All units in one transaction; when one of them fails, each in one of its own."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:  # nobody's fault among the units, and trying each would take as long again
        return [(False, _ours(error))] * len(units)
    try:
        outcomes: list[Outcome] = [(True, work(connection)) for work, _ in units]
        connection.execute("COMMIT")
        return outcomes
    except Exception as error:
        _rollback(connection)
        if len(units) == 1:
            return [(False, _ours(error))]
    return [outcome for unit in units for outcome in _transaction(connection, [unit])]


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(
            sqlite3.Error
        ):  # the transaction is gone either way: SQLite rolls back at the next open
            connection.execute("ROLLBACK")


def _ours(error: Exception) -> Exception:
    if isinstance(error, sqlite3.Error):
        found = StoreError(
            f"the database refused: {error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
        )
        found.__cause__ = error
        return found
    return error
