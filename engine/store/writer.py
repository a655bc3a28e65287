"""The one writer: units of work, gathered into shared commits.

A unit of work is a function of the sqlite3 connection. What arrives while a commit runs, or within the commit
window under load, shares the next transaction, and each caller is released after the commit that holds its work. The
window is over sooner where enough has come together, or somebody is withdrawn from calling. A
unit that fails is rolled back alone. Units are run again when a neighbour fails, so they must have no effect but on
the database.

Bulk work (taking in a contact file) goes behind: one unit of it a commit at most, so an attempt never waits behind
a million rows. Where there is nothing else it waits for no window.

A unit may withdraw somebody from calling (an opt-out). From its commit on nobody may dial that person, and the commit
happens in another thread, some moments before the event loop hears of it. So a transaction with such a unit is a
closed gate: `heeded` waits until those who asked for it have been told.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from engine.errors import StoreError, StoreFault
from engine.histogram import Histogram
from engine.store.database import WriterConnection

I = TypeVar("I")  # noqa: E741 -- an item
T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Unit = tuple[Work, "asyncio.Future[Any]", bool]
"""What to do, who waits for it, and whether it withdraws somebody from calling."""
Outcome = tuple[bool, Any]
MOST_GATHERED = 256
"""Items in one gathered unit: bounds how long it takes."""
ENOUGH = 16
"""Items in one gathered unit for which the window is over: more of them would hardly cost less each."""


class Gathered(Generic[I, T]):
    """A unit of work over items, which takes more of them for as long as it waits and nothing else has come behind it: so
    what it does keeps its place among all that was submitted."""

    __slots__ = ("items", "work")

    def __init__(self, work: Callable[[sqlite3.Connection, Sequence[I]], Sequence[T]], item: I) -> None:
        self.work = work
        self.items = [item]

    def __call__(self, connection: sqlite3.Connection) -> Sequence[T]:
        return self.work(connection, self.items)


COMMIT_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

FAULTS = {
    sqlite3.SQLITE_FULL: "make room on the disk",
    sqlite3.SQLITE_IOERR: "see the system's log for the disk",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: stop the engine and restore a backup (docs/recovery.md)",
    sqlite3.SQLITE_NOTADB: "the file is damaged: stop the engine and restore a backup (docs/recovery.md)",
    sqlite3.SQLITE_BUSY: "another program holds a lock on the database: end it",
    sqlite3.SQLITE_LOCKED: "another program holds a lock on the database: end it",
    sqlite3.SQLITE_READONLY: "let the engine's user write to the database and its directory",
    sqlite3.SQLITE_PERM: "let the engine's user write to the database and its directory",
    sqlite3.SQLITE_CANTOPEN: "let the engine's user write to the database and its directory",
    sqlite3.SQLITE_NOMEM: "make memory free",
}
"""SQLite's primary result codes that speak of the disk, the file or the machine, and what to do (sqlite.org, "Result and Error
Codes"). Every other code speaks of the statement."""


class Writer:
    """Owns the writing connection. `run()` is its task; everything else is called from the event loop."""

    def __init__(
        self,
        connection: WriterConnection,
        commit_window: float,
        health: Callable[[str], None] = lambda fault: None,
    ) -> None:
        self._connection = connection
        self._health = health
        self._window = commit_window
        self._urgent: deque[Unit] = deque()
        self._bulk: deque[Unit] = deque()
        self._turns: list[asyncio.Future[None]] = []
        """Those who wait for the next transaction to begin."""
        self._wake = asyncio.Event()
        self._over = asyncio.Event()
        """The window is over."""
        self._closing = False
        self._told = asyncio.Event()
        """No transaction is under way that withdraws somebody."""
        self._told.set()
        self.commits = 0
        self.took = Histogram(COMMIT_BOUNDS)
        """From the hand-over of a transaction to the word that it is committed."""
        self.fault = ""
        """Why nothing can be written now; empty while all is well. `health` is called with it after every commit that
        failed so, and once more with the empty word when it is over. Nothing may be dialed while there is one."""

    def submit(
        self, work: Callable[[sqlite3.Connection], T], *, bulk: bool = False, withdraws: bool = False
    ) -> asyncio.Future[T]:
        """Queue a unit of work; the future ends after its commit. `withdraws`: it forbids calls that were allowed before,
        see `heeded`.

        It fails with StoreError when the database refuses, or with what `work` itself raised.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(StoreError("the database is closing"))
            return future
        (self._bulk if bulk else self._urgent).append((work, future, withdraws))
        self._wake.set()
        if withdraws:
            self._over.set()
        return future

    def gather(
        self, work: Callable[[sqlite3.Connection, Sequence[I]], Sequence[T]], item: I
    ) -> asyncio.Future[Sequence[T]]:
        """Queue an item of a unit that takes many: `work` gets all that were queued one after another and gives a result for
        each, in their order. Returns that unit's future: the same one for all its items."""
        if self._urgent and not self._closing:
            unit, future, _ = self._urgent[-1]
            if isinstance(unit, Gathered) and unit.work is work and len(unit.items) < MOST_GATHERED:
                unit.items.append(item)
                if len(unit.items) == ENOUGH:
                    self._over.set()
                return future
        return self.submit(Gathered(work, item))

    async def turn(self) -> None:
        """Wait until a transaction is about to begin: what is submitted before the next `await` has a place in it. For who
        would otherwise decide now what can be decided better then."""
        if not self._closing:
            turn = asyncio.get_running_loop().create_future()
            self._turns.append(turn)
            self._wake.set()
            await turn

    async def run(self) -> None:
        """Commit what is queued until `close` was called and all is done."""
        loop = asyncio.get_running_loop()
        last = float("-inf")
        while True:
            if not self._urgent and not self._bulk and not self._turns:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
            await self._window_over(last)
            if self._turns:
                self._give_turns()
                await asyncio.sleep(0)
            units = list(self._urgent)
            urgent = bool(units)
            self._urgent.clear()
            if self._bulk:
                units.append(self._bulk.popleft())
            if not units:
                continue
            if urgent:
                last = loop.time()
            withdraws = any(unit[2] for unit in units)
            if withdraws:
                self._told.clear()
            began = time.perf_counter()
            outcomes = await self._connection.run(partial(_transaction, units=units))
            self.commits += 1
            self.took.observe(time.perf_counter() - began)
            self._note(outcomes)
            for (_, future, _), (done, value) in zip(units, outcomes, strict=True):
                if future.cancelled():
                    continue
                if done:
                    future.set_result(value)
                else:
                    future.set_exception(value)
            if withdraws:
                # Behind those who wait for the futures: they know who is withdrawn before anything is sent again. And whoever
                # waits to send gets a turn before the next transaction, also where a commit takes longer than the window.
                loop.call_soon(self._told.set)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    async def _window_over(self, last: float) -> None:
        """`last`: when the last transaction that was not bulk alone began, by the event loop's clock."""
        loop = asyncio.get_running_loop()
        wait = last + self._window - loop.time()
        if wait > 0 and not self._closing:
            timer = loop.call_later(wait, self._over.set)
            await self._over.wait()
            timer.cancel()
        self._over.clear()

    def _give_turns(self) -> None:
        for turn in self._turns:
            if not turn.done():
                turn.set_result(None)
        self._turns.clear()

    async def heeded(self) -> None:
        """Wait until no withdrawal is committed of which those who submitted it have not been told. What is sent between
        this and the next `await` cannot come after the commit of a withdrawal that was not heeded."""
        while not self._told.is_set():
            await self._told.wait()

    def _note(self, outcomes: list[Outcome]) -> None:
        faults = [str(value) for done, value in outcomes if not done and isinstance(value, StoreFault)]
        if faults or self.fault:
            # One unit that came through while others did not is no sign of health: the disk has room for it alone.
            self.fault = faults[0] if faults else ""
            self._health(self.fault)

    async def probe(self) -> bool:
        """Write something that changes nothing: can anything be written? Heals `fault` when it can."""
        try:
            await self.submit(_touch)
        except StoreError:
            return False
        return not self.fault

    def close(self) -> None:
        """Let `run` end once everything queued is committed."""
        self._closing = True
        self._wake.set()
        self._over.set()


def _transaction(connection: sqlite3.Connection, units: list[Unit]) -> list[Outcome]:
    """All units in one transaction; when one of them fails, each in one of its own."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:  # nobody's fault among the units, and trying each would take as long again
        return [(False, _ours(error))] * len(units)
    try:
        outcomes: list[Outcome] = [(True, work(connection)) for work, _, _ in units]
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


def _touch(connection: sqlite3.Connection) -> None:
    """A page is written, and nothing changes."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {int(version)}")


def _ours(error: Exception) -> Exception:
    if not isinstance(error, sqlite3.Error):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    text = f"the database refused: {error} ({name})"
    found = StoreFault(f"{text}; {FAULTS[code]}") if code in FAULTS else StoreError(text)
    found.__cause__ = error
    return found
