"""The one writer: shared commits, units that fail alone, a disk that is full."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StoreError, StoreFault
from engine.store.database import WriterConnection, open_writer
from engine.store.writer import ENOUGH, Writer

WINDOW = 0.010


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[WriterConnection]:
    found = await open_writer(tmp_path / "volley.db")
    await found.run(lambda one: one.execute("CREATE TABLE marks (mark PRIMARY KEY, seen)"))
    yield found
    await found.close()


@pytest.fixture
async def writer(connection: WriterConnection) -> AsyncIterator[Writer]:
    found = Writer(connection, WINDOW)
    task = asyncio.create_task(found.run())
    yield found
    found.close()
    await task


def mark(name: Any) -> Callable[[sqlite3.Connection], Any]:
    """A unit that writes a mark, and returns how many marks it sees."""

    def work(connection: sqlite3.Connection) -> Any:
        connection.execute("INSERT INTO marks (mark, seen) VALUES (?, (SELECT count(*) FROM marks))", (name,))
        return connection.execute("SELECT count(*) FROM marks").fetchone()[0]

    return work


def fails(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO marks (mark) VALUES ('half done')")
    raise ZeroDivisionError("a bad unit")


async def marks(connection: WriterConnection) -> list[Any]:
    rows = await connection.run(lambda one: one.execute("SELECT mark FROM marks ORDER BY rowid").fetchall())
    return [row[0] for row in rows]


# -- group commit ------------------------------------------------------------------------------------------------------


async def test_what_comes_together_shares_a_commit(writer: Writer) -> None:
    assert await asyncio.gather(*(writer.submit(mark(at)) for at in range(500))) == list(range(1, 501))
    assert writer.commits <= 2


async def test_under_load_commits_are_a_window_apart(writer: Writer) -> None:
    async def steady(worker: int) -> None:
        for at in range(30):
            await writer.submit(mark(f"{worker}-{at}"))

    began = time.monotonic()
    await asyncio.gather(*(steady(worker) for worker in range(20)))
    took = time.monotonic() - began
    assert writer.commits <= took / WINDOW + 2
    assert writer.commits <= 30 * 3


async def test_nobody_waits_while_the_engine_is_idle(connection: WriterConnection) -> None:
    writer = Writer(connection, 0.25)
    task = asyncio.create_task(writer.run())
    waits = []
    for at in range(4):  # the first finds the writer idle, the second comes right behind it, and so on
        began = time.monotonic()
        await writer.submit(mark(at))
        waits.append(time.monotonic() - began)
        if at % 2:
            await asyncio.sleep(0.3)
    assert max(waits[0], waits[2]) < 0.2 < min(waits[1], waits[3])
    writer.close()
    await task


async def test_a_waiter_is_released_after_its_commit_and_not_before(writer: Writer, tmp_path: Path) -> None:
    reader = sqlite3.connect(f"file:{tmp_path / 'volley.db'}?mode=ro", uri=True)
    for at in range(20):
        await asyncio.gather(*(writer.submit(mark(f"{at}-{one}")) for one in range(3)))
        assert reader.execute("SELECT count(*) FROM marks").fetchone() == ((at + 1) * 3,)
    reader.close()


async def test_units_run_in_the_order_in_which_they_came(
    writer: Writer, connection: WriterConnection
) -> None:
    await asyncio.gather(*(writer.submit(mark(at)) for at in range(100)))
    assert await marks(connection) == list(range(100))


async def test_who_waits_for_a_turn_shares_the_transaction_that_begins(connection: WriterConnection) -> None:
    writer = Writer(connection, 0.2)
    task = asyncio.create_task(writer.run())
    await writer.submit(mark("first"))  # the next transaction is a window away

    async def decides() -> float:
        await writer.turn()
        began = time.monotonic()
        await writer.submit(mark("decided late"))
        return time.monotonic() - began

    deciding = asyncio.create_task(decides())
    await asyncio.sleep(0.05)
    await writer.submit(mark("decided early"))
    assert await deciding < 0.15
    assert await marks(connection) == ["first", "decided early", "decided late"]
    assert writer.commits == 2
    writer.close()
    await task


async def test_a_turn_comes_at_once_while_the_engine_is_idle(connection: WriterConnection) -> None:
    writer = Writer(connection, 0.25)
    task = asyncio.create_task(writer.run())
    began = time.monotonic()
    for _ in range(5):
        await writer.turn()
    assert time.monotonic() - began < 0.2
    assert writer.commits == 0
    waiting = asyncio.create_task(writer.turn())
    await asyncio.sleep(0)
    waiting.cancel()  # who has gone away holds nobody up
    await writer.submit(mark("one"))
    writer.close()
    await writer.turn()
    await task


async def test_the_window_is_over_when_enough_has_come_together(connection: WriterConnection) -> None:
    def count(_: sqlite3.Connection, items: Sequence[int]) -> Sequence[int]:
        return [len(items)] * len(items)

    writer = Writer(connection, 5.0)
    task = asyncio.create_task(writer.run())
    await writer.submit(mark("first"))
    storing = [writer.gather(count, at) for at in range(ENOUGH)]
    async with asyncio.timeout(1):
        assert await storing[0] == [ENOUGH] * ENOUGH
    writer.gather(count, 1)
    assert writer.commits == 2
    writer.close()
    async with asyncio.timeout(1):
        await task
    assert writer.commits == 3


async def test_who_is_withdrawn_from_calling_waits_for_no_window(connection: WriterConnection) -> None:
    writer = Writer(connection, 5.0)
    task = asyncio.create_task(writer.run())
    await writer.submit(mark("first"))
    async with asyncio.timeout(1):
        await writer.submit(mark("opted out"), withdraws=True)
    writer.close()
    await task


async def test_bulk_work_waits_for_a_window_only_behind_urgent_work(connection: WriterConnection) -> None:
    writer = Writer(connection, 5.0)
    task = asyncio.create_task(writer.run())
    async with asyncio.timeout(1):
        for at in range(5):
            await writer.submit(mark(at), bulk=True)
        await writer.submit(mark("urgent"))
    behind = writer.submit(mark("behind"), bulk=True)
    done, _ = await asyncio.wait([behind], timeout=0.2)
    assert not done
    writer.close()
    async with asyncio.timeout(1):
        await behind
        await task


# -- units that fail ---------------------------------------------------------------------------------------------------


async def test_a_unit_that_fails_fails_alone(writer: Writer, connection: WriterConnection) -> None:
    futures = [writer.submit(unit) for unit in (mark("a"), fails, mark("b"), mark("a"), fails, mark("c"))]
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(result) for result in results] == [
        int,
        ZeroDivisionError,
        int,
        StoreError,
        ZeroDivisionError,
        int,
    ]
    assert await marks(connection) == ["a", "b", "c"]
    assert await writer.submit(mark("d")) == 4


async def test_what_the_database_refuses_is_a_store_error_with_its_cause(writer: Writer) -> None:
    await writer.submit(mark("a"))
    with pytest.raises(StoreError, match=r"UNIQUE constraint failed.*SQLITE_CONSTRAINT") as caught:
        await writer.submit(mark("a"))
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


async def test_a_waiter_that_went_away_takes_nothing_with_it(
    writer: Writer, connection: WriterConnection
) -> None:
    gone, stays = writer.submit(mark("gone")), writer.submit(mark("stays"))
    gone.cancel()
    assert await stays == 2
    assert await marks(connection) == ["gone", "stays"]


async def test_a_unit_that_ends_the_transaction_does_not_break_the_writer(
    writer: Writer, connection: WriterConnection
) -> None:
    with pytest.raises(StoreError):
        await writer.submit(lambda one: one.execute("COMMIT"))
    with pytest.raises(StoreError):
        await writer.submit(lambda one: one.execute("ROLLBACK"))
    assert await writer.submit(mark("after")) == 1


# -- bulk --------------------------------------------------------------------------------------------------------------


async def test_bulk_work_goes_behind_one_unit_a_commit(writer: Writer, connection: WriterConnection) -> None:
    bulk = [writer.submit(mark(f"bulk-{at}"), bulk=True) for at in range(10)]
    urgent = [writer.submit(mark(f"urgent-{at}")) for at in range(5)]
    await asyncio.gather(*urgent)
    assert sum(future.done() for future in bulk) <= 1
    await asyncio.gather(*bulk)
    assert writer.commits >= 10
    order = await marks(connection)
    assert order[:6] == [*(f"urgent-{at}" for at in range(5)), "bulk-0"]
    assert order[6:] == [f"bulk-{at}" for at in range(1, 10)]


async def test_an_attempt_never_waits_behind_a_million_rows(writer: Writer) -> None:
    def slow(connection: sqlite3.Connection) -> None:
        time.sleep(0.02)

    bulk = [writer.submit(slow, bulk=True) for _ in range(15)]
    waits = []
    for at in range(5):
        began = time.monotonic()
        await writer.submit(mark(at))
        waits.append(time.monotonic() - began)
    assert not bulk[-1].done()
    assert min(waits) < 0.1
    await asyncio.gather(*bulk)


# -- the end -----------------------------------------------------------------------------------------------------------


async def test_closing_commits_all_that_is_queued(connection: WriterConnection) -> None:
    writer = Writer(connection, WINDOW)
    task = asyncio.create_task(writer.run())
    futures = [writer.submit(mark(at), bulk=at % 2 == 0) for at in range(20)]
    writer.close()
    late = writer.submit(mark("late"))
    await task
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(StoreError, match="closing"):
        await late
    assert len(await marks(connection)) == 20


async def test_an_idle_writer_closes_at_once(connection: WriterConnection) -> None:
    writer = Writer(connection, WINDOW)
    task = asyncio.create_task(writer.run())
    await asyncio.sleep(0)
    writer.close()
    async with asyncio.timeout(1):
        await task


# -- the disk ----------------------------------------------------------------------------------------------------------


async def test_a_full_disk_refuses_what_does_not_fit_and_nothing_else(
    writer: Writer, connection: WriterConnection
) -> None:
    """The real SQLITE_FULL: the file may grow by a few pages only."""

    def large(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO marks (mark, seen) VALUES ('large', zeroblob(4000000))")

    await writer.submit(mark("before"))
    pages = (await connection.run(lambda one: one.execute("PRAGMA page_count").fetchone()))[0]
    await connection.run(lambda one: one.execute(f"PRAGMA max_page_count = {pages + 20}"))
    results = await asyncio.gather(
        writer.submit(mark("small")),
        writer.submit(large),
        writer.submit(mark("also small")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [int, StoreFault, int]
    assert "SQLITE_FULL" in str(results[1])
    full = 0
    for at in range(60):  # until nothing fits any more
        try:
            await writer.submit(
                lambda one, at=at: (
                    one.execute("INSERT INTO marks VALUES (?, zeroblob(3000))", (f"fill-{at}",)) and None
                )
            )
        except StoreError:
            full += 1
    assert full > 30
    await connection.run(lambda one: one.execute("PRAGMA max_page_count = 1000000"))
    await writer.submit(large)
    found = await marks(connection)
    assert found[:3] == ["before", "small", "also small"]
    assert found[-1] == "large"
    assert (await connection.run(lambda one: one.execute("PRAGMA integrity_check").fetchone())) == ("ok",)


async def test_a_database_that_somebody_else_holds_is_an_error_and_then_works_again(
    writer: Writer, connection: WriterConnection, tmp_path: Path
) -> None:
    await connection.run(lambda one: one.execute("PRAGMA busy_timeout = 20"))
    other = sqlite3.connect(tmp_path / "volley.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    results = await asyncio.gather(*(writer.submit(mark(at)) for at in range(60)), return_exceptions=True)
    assert all(isinstance(result, StoreError) and "locked" in str(result) for result in results)
    assert time.monotonic() - began < 0.6  # they wait for the lock together, not one after another
    other.execute("ROLLBACK")
    other.close()
    assert await writer.submit(mark("after")) == 1


# -- withdrawals -------------------------------------------------------------------------------------------------------


async def test_nothing_is_sent_between_the_commit_of_a_withdrawal_and_its_being_told(
    writer: Writer, connection: WriterConnection, tmp_path: Path
) -> None:
    """A sender that looks at every chance it gets: either the database does not hold the withdrawal yet, or the one who
    asked for it knows."""
    known: set[int] = set()
    looks = [0, 0]

    async def withdraw(which: int) -> None:
        await writer.submit(mark(which), withdraws=True)
        known.add(which)

    reader = sqlite3.connect(f"file:{tmp_path / 'volley.db'}?mode=ro", uri=True)
    asked = [asyncio.create_task(withdraw(which)) for which in range(40)]
    asked += [asyncio.create_task(later(withdraw(100 + which), which / 500)) for which in range(40)]
    while not all(task.done() for task in asked):
        await writer.heeded()
        held = {row[0] for row in reader.execute("SELECT mark FROM marks")}
        assert held <= known
        looks[bool(held)] += 1
        await asyncio.sleep(0)
    reader.close()
    assert min(looks) > 0


async def later(work: Any, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await work


async def test_who_waits_to_send_gets_a_turn_however_many_withdraw(writer: Writer) -> None:
    turns = 0

    async def send() -> None:
        nonlocal turns
        while True:
            await writer.heeded()
            turns += 1
            await asyncio.sleep(0)

    def slow(connection: sqlite3.Connection) -> None:
        time.sleep(2 * WINDOW)  # a disk on which a commit takes longer than the window

    sender = asyncio.create_task(send())
    before = writer.commits
    for _ in range(10):
        done = [writer.submit(slow, withdraws=True)]
        await asyncio.sleep(WINDOW)  # the next one is queued while this one is committed
        done.append(writer.submit(slow, withdraws=True))
        await asyncio.gather(*done)
    sender.cancel()
    assert turns >= writer.commits - before - 1


async def test_a_withdrawal_that_fails_lets_others_send(writer: Writer) -> None:
    with pytest.raises(ZeroDivisionError):
        await writer.submit(fails, withdraws=True)
    async with asyncio.timeout(1):
        await writer.heeded()
