"""The audit log beside a running engine: starts, ends and heads, and tampering that shows by itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from engine.config import Settings
from engine.errors import StoreError
from engine.ops import audit as reader
from engine.ops.trail import HEAD_EVERY, PIECE, Trail
from engine.store import audit
from engine.store.audit import Action
from engine.store.database import open_writer
from engine.store.writer import Writer
from tests.log_lines import Captured
from tests.ops.filled import settings_in


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return 1_795_491_000.0 + self.seconds

    def mono(self) -> float:
        return self.seconds


class Run:
    """One run of an engine, as far as the audit log is concerned."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Hand()
        self.logged = Captured()

    async def open(self) -> Run:
        self.connection = await open_writer(self.settings.database)
        self.writer = Writer(self.connection, 0.0)
        self.task = asyncio.create_task(self.writer.run())
        self.trail = Trail(
            self.settings, self.writer, self.clock, structlog.wrap_logger(None, processors=[self.logged])
        )
        return self

    async def close(self) -> None:
        self.writer.close()
        await self.task
        await self.connection.close()

    def events(self, name: str) -> list[dict[str, Any]]:
        return [dict(line) for line in self.logged.entries if line["event"] == name]

    def actions(self) -> list[str]:
        return [one.action for one in reader.entries(self.settings.database)]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    settings = settings_in(tmp_path)
    settings.engine.state.mkdir()
    found = await Run(settings).open()
    yield found
    await found.close()


async def test_a_run_from_start_to_end(run: Run) -> None:
    await run.trail.started()
    await run.trail.tick()
    await run.trail.stopped(3)
    assert run.actions() == ["settings.changed", "engine.started", "audit.verified", "engine.stopped"]
    heads = run.events("audit.head")
    assert [line["id"] for line in heads] == [2, 4]
    known = [(line["id"], bytes.fromhex(line["hash"])) for line in heads]
    assert reader.verify(run.settings.database, known).broken is None
    assert "limits.cps" in run.events("settings.changed")[0]["keys"]


async def test_the_head_is_told_once_an_hour_when_the_log_has_grown(run: Run) -> None:
    await run.trail.started()
    await run.trail.tick()  # which records that it was verified
    for hours in (0.5, 1.1, 2.2, 3.3):
        run.clock.seconds = hours * HEAD_EVERY
        await run.trail.tick()
    assert [line["id"] for line in run.events("audit.head")] == [2, 3]
    assert run.events("audit.broken") == []


async def test_a_long_log_is_walked_in_pieces_and_verified_once(run: Run) -> None:
    def many(connection: sqlite3.Connection) -> None:
        for at in range(2 * PIECE):
            audit.append(connection, Action.LIST_IMPORTED, float(at), actor="a", subject="s")

    await run.writer.submit(many)
    await run.trail.started()
    for _ in range(2):
        await run.trail.tick()
        assert "audit.verified" not in run.actions()
    for _ in range(3):
        await run.trail.tick()
    assert run.actions().count("audit.verified") == 1
    [entry] = reader.entries(run.settings.database, action="audit")
    assert entry.details["through"] == 2 * PIECE + 2


async def test_tampering_shows_by_itself_and_stops_nothing(run: Run) -> None:
    await run.trail.started()
    await run.trail.tick()

    def tamper(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET actor = 'bob' WHERE id = 3")

    await run.writer.submit(tamper)
    for _ in range(3):
        await run.trail.tick()
    [line] = run.events("audit.broken")
    assert (line["log_level"], line["row"]) == ("error", 3)
    await run.trail.stopped(0)
    assert run.actions()[-1] == "engine.stopped"


async def test_an_end_that_cannot_be_recorded_is_found_at_the_next_start(run: Run) -> None:
    await run.trail.started()
    await run.writer.submit(lambda connection: connection.execute("ALTER TABLE audit RENAME TO away"))
    await run.trail.stopped(0)
    assert "no such table" in run.events("store.failed")[0]["error"]
    with pytest.raises(StoreError):
        await run.trail.tick()
    await run.writer.submit(lambda connection: connection.execute("ALTER TABLE away RENAME TO audit"))
    again = await Run(run.settings).open()
    await again.trail.started()
    await again.close()
    assert run.actions()[-2:] == ["engine.unclean", "engine.started"]


def test_rows_are_read_beside_a_writer(tmp_path: Path) -> None:
    """A piece is a moment of its own: what is being written is not in it and holds nothing up."""
    settings = settings_in(tmp_path)
    settings.engine.state.mkdir()

    async def create() -> None:
        await (await open_writer(settings.database)).close()

    asyncio.run(create())
    with closing(sqlite3.connect(settings.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        audit.append(writer, Action.LIST_IMPORTED, 1.0, actor="a", subject="s")
        assert reader.piece(settings.database, reader.BEFORE_ALL, 10) == []
        writer.execute("COMMIT")
        assert len(reader.piece(settings.database, reader.BEFORE_ALL, 10)) == 1
