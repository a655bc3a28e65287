"""What falls due by time: campaigns that begin, end and are complete, with their summary written in the end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.housekeeping import Housekeeping
from engine.ops.trail import Trail
from engine.reports import REPORT_RETRY, Reports
from engine.retention import Retention


class Hurried:
    """A clock of which a test can turn the monotonic hand on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time()

    def mono(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
async def house(desk, tmp_path: Path) -> AsyncIterator[tuple[Housekeeping, Hurried]]:
    clock = Hurried()
    engine = desk.settings.engine.model_copy(update={"state": tmp_path})
    settings = desk.settings.model_copy(update={"engine": engine})
    trail = Trail(settings, desk.writer, clock, desk.log)
    await trail.started()
    retention = Retention({}, desk.writer, clock, desk.log)
    reports = Reports(settings, clock, desk.log)
    found = Housekeeping(
        settings, desk.writer, desk.agenda, desk.ledger, {}, trail, retention, reports, None, lambda: None, clock, desk.log
    )  # fmt: skip
    tasks = [asyncio.create_task(found.run()), asyncio.create_task(reports.run())]
    yield found, clock
    for task in tasks:
        assert not task.done(), task.exception()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_summary_that_could_not_be_written_is_written_later(desk, house, person, tmp_path) -> None:
    keeper, clock = house
    (tmp_path / "reports").write_text("in the way of the folder")
    found = await desk.campaign("spring", person(1))
    desk.start()
    await desk.until(lambda: desk.exchange.written)
    desk.hang_up(desk.written()[0], 1, 404)
    await desk.until(lambda: desk.emptied)
    keeper.emptied(found)
    await desk.until(lambda: desk.events("store.failed"))
    assert desk.rows("SELECT state FROM campaigns") == ["completed"]
    assert desk.events("campaign.completed") == []
    (tmp_path / "reports").unlink()
    clock.ahead = REPORT_RETRY
    await desk.until(lambda: desk.events("campaign.completed"))
    [line] = desk.events("campaign.completed")
    assert (line["campaign"], line["contacts"], line["dispositions"]) == ("spring", 1, {"INVALID_NUMBER": 1})
    assert "INVALID_NUMBER" in (tmp_path / "reports" / "spring.txt").read_text()
    page = tmp_path / "reports" / "spring.html"
    await desk.until(page.exists)
    assert "INVALID_NUMBER" in page.read_text()
    assert desk.exchange.written


@pytest.mark.usefixtures("house")
async def test_what_is_over_ends_and_what_is_due_begins(desk, person) -> None:
    await desk.campaign("late", person(1))
    await desk.campaign("early", person(2))
    late, early = desk.agenda.campaigns.values()
    late.end = desk.clock.now() - 1.0
    early.set_state("scheduled")
    await desk.writer.submit(
        lambda db: db.execute("UPDATE campaigns SET state = 'scheduled' WHERE name = 'early'")
    )
    await desk.until(lambda: desk.events("campaign.started") and desk.events("campaign.completed"))
    assert desk.rows("SELECT disposition FROM contacts WHERE campaign_id = 1") == ["EXPIRED"]
    assert desk.rows("SELECT name, state FROM campaigns ORDER BY id") == [
        ("late", "completed"),
        ("early", "running"),
    ]
