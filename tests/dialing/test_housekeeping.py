"""What falls due by time: campaigns that begin, end and are complete, with their summary written in the end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.channel import Report
from engine.housekeeping import Housekeeping
from engine.ops.trail import Trail
from engine.purging import Purging
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
    purging = Purging(settings, desk.writer, clock, desk.log)
    reports = Reports(settings, clock, desk.log)
    found = Housekeeping(
        settings, desk.writer, desk.agenda, desk.ledger, {}, trail, retention, purging, reports, None, lambda: None, clock, desk.log
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


async def asked(desk, person, *others, **manifest) -> None:
    """Somebody was promised a callback in an hour; the others wait for their first call."""
    await desk.campaign("spring", person(1), *others, max_channels=1, **manifest)
    desk.start()
    await desk.until(lambda: desk.exchange.written)
    [attempt] = desk.written()
    desk.agenda.campaigns[1].max_channels = 0  # nobody else is dialed
    desk.follower.take(Report(attempt, 1, "callback", "3600>", desk.clock.now()))
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: desk.rows("SELECT state FROM callbacks") == ["due"])


@pytest.mark.usefixtures("house")
async def test_a_promise_outlasts_its_campaign(desk, person) -> None:
    await asked(desk, person, person(2), person(3))
    desk.agenda.campaigns[1].end = desk.clock.now() - 1.0
    await desk.until(lambda: desk.rows("SELECT count(*) FROM contacts WHERE state = 'done'") == [2])
    await asyncio.sleep(1.5)
    assert desk.rows("SELECT state, disposition FROM contacts ORDER BY row") == [
        ("pending", "ANSWERED_HUMAN"), ("done", "EXPIRED"), ("done", "EXPIRED"),
    ]  # fmt: skip
    assert desk.rows("SELECT state FROM callbacks") == ["due"]
    assert desk.events("callback.missed") == desk.events("campaign.completed") == []


@pytest.mark.usefixtures("house")
async def test_and_is_missed_when_that_time_is_over_too(desk, person) -> None:
    await asked(desk, person, callbacks_after_end=0)
    desk.agenda.campaigns[1].end = desk.clock.now() - 1.0
    await desk.until(lambda: desk.events("campaign.completed"))
    await asyncio.sleep(1.5)
    [line] = desk.events("callback.missed")
    assert (line["log_level"], line["campaign"], line["callbacks"], line["why"]) == (
        "error",
        "spring",
        1,
        "campaign_over",
    )
    assert desk.rows("SELECT state FROM callbacks") == ["missed"]
