"""What an operator changes while things run, through the control door: real files, a real database with its writer."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.clock import Clock
from engine.config import Settings
from engine.dialing.agenda import Agenda, Running
from engine.dialing.agents import Agents
from engine.halts import Halts
from engine.intake.asking import send
from engine.intake.control import Control
from engine.intake.queue import QueueDirs
from engine.rules.hours import Window
from engine.store import campaigns
from engine.store import halts as stored
from engine.store.database import open_writer
from engine.store.writer import Writer
from tests.intake.lists.test_desk import Lines, no_call, until
from tests.ops.filled import Books, person, settings_in

DAY = {"days": [0, 1, 2, 3, 4], "from": "10:00:00", "to": "18:00:00", "timezone": "callee"}


@dataclass
class Door:
    """An engine's control door, with all that hears of a change."""

    settings: Settings
    writer: Writer
    halts: Halts
    log: Lines
    changed: list[float] = field(default_factory=list)
    cut: int = 0

    async def ask(self, **request: Any) -> dict[str, Any]:
        name = f"r{time.time_ns()}"
        where = send(self.settings.engine.queue, {"by": "anna", "reason": "asked", **request}, name)
        await until(where.exists)
        found: dict[str, Any] = json.loads(where.read_text("utf-8"))
        return found

    async def refused(self, **request: Any) -> list[str]:
        reply = await self.ask(**request)
        assert reply["ok"] is False
        return [f"{one['where']}: {one['what']}" for one in reply["problems"]]

    def rows(self, sql: str) -> list[Any]:
        with sqlite3.connect(self.settings.database) as connection:
            found = connection.execute(sql).fetchall()
        return [row[0] for row in found] if found and len(found[0]) == 1 else found

    def audit(self) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self.rows("SELECT action, actor, details FROM audit ORDER BY id")
        return [(action, actor, json.loads(details)) for action, actor, details in rows]

    def cut_off(self) -> int:
        self.cut += 1
        return 7


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, law={"countries": ["FR"]})


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    def fill() -> None:
        books = Books(settings)
        people = [person(row, f"+3319900{row:04d}") for row in range(1, 5)]
        books.campaign("shots", people, window=[], cps=2, priority=40)
        books.campaign("lawful", [person(1, "+33142685301")], window=[], purpose="marketing")
        books.campaign("over", [])
        books.connection.execute("UPDATE campaigns SET state = 'cancelled' WHERE name = 'over'")
        books.close()

    await asyncio.to_thread(fill)
    connection = await open_writer(settings.database)
    writer = Writer(connection, 0.0)
    writing = asyncio.create_task(writer.run())
    found = Door(settings, writer, Halts(), Lines())
    control = Control(
        settings, writer, Clock(), found.log, changed=lambda: found.changed.append(time.time()),
        suppressed=lambda ids: None, unsuppressed=lambda ids: None, steered=lambda campaign, state: None,
        trunk_steered=lambda trunk, drained: None,
        halts=found.halts, cut_off=found.cut_off, call=no_call,
    )  # fmt: skip
    running = asyncio.create_task(control.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    writer.close()
    await writing
    await connection.close()


async def test_the_group_may_drop_requests(door: Door) -> None:
    """Whatever the umask, and though the control door is opened before the rest of the queue is there."""
    queue = QueueDirs(door.settings.engine.queue)
    await until(queue.done.is_dir)
    assert stat.S_IMODE(queue.control.stat().st_mode) == 0o2770


async def test_a_campaign_changes_and_the_audit_log_has_what_was_before(door: Door) -> None:
    agenda = Agenda(door.settings, Agents({}))
    agenda.refresh(await door.writer.submit(campaigns.open_campaigns))
    running = next(one for one in agenda.campaigns.values() if one.name == "shots")
    reply = await door.ask(action="set", campaign="shots", cps=5, max_channels=20, priority=3, window=[DAY])
    assert reply == {
        "ok": True, "campaign": "shots", "state": "running",
        "changed": {
            "cps": [2.0, 5.0], "max_channels": [None, 20], "window": [None, [DAY]], "priority": [40, 3],
        },
    }  # fmt: skip
    assert door.changed
    assert door.audit()[-1][0] == "campaign.changed"
    assert door.audit()[-1][2] == {"changes": reply["changed"], "reason": "asked"}
    assert door.audit()[-1][1].startswith("anna (as ")

    agenda.refresh(await door.writer.submit(campaigns.open_campaigns))  # what the engine does when it is told
    assert agenda.campaigns[running.id] is running
    assert (running.max_channels, running.priority) == (20, 3)
    assert running.pace is not None
    assert running.pace.interval == pytest.approx(1 / (5 * 0.95))
    assert running.rules.hours.windows == (Window.model_validate(DAY),)
    assert running.rules.accepted is not None
    row = await door.writer.submit(lambda connection: campaigns.campaign(connection, running.id))
    again = Running(row, door.settings)  # what a restart makes of it
    assert (again.max_channels, again.priority, again.rules.hours.windows) == (
        20,
        3,
        running.rules.hours.windows,
    )

    same = await door.ask(action="set", campaign="shots", cps=5)
    assert same["changed"] == {}
    assert len(door.audit()) == 1  # what changed nothing leaves no entry
    back = await door.ask(action="set", campaign="shots", reset=True, max_channels=10)
    assert back["changed"] == {
        "cps": [5.0, 2.0], "max_channels": [20, 10], "window": [[DAY], None], "priority": [3, 40],
    }  # fmt: skip
    assert door.rows("SELECT priority, steered FROM campaigns WHERE name = 'shots'") == [
        (40, '{"max_channels": 10}')
    ]


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"campaign": "nobody", "cps": 1}, ["campaign: there is no campaign 'nobody'"]),
    ({"campaign": "over", "cps": 1}, ["campaign: over is cancelled"]),
    (
        {"cps": 11, "max_channels": 41},
        [
            "cps: 11 is more than 10, limits.cps in the settings",
            "max_channels: 41 is more than 40, the max_channels of its trunks together",
        ],
    ),
    ({"cps": 0}, ["greater than 0"]),
    ({"priority": 101}, ["less than or equal to 100"]),
    ({"max_channels": 0}, ["greater than or equal to 1"]),
    ({"window": [{"from": "25:00", "to": "9:00"}]}, ["window.0.from", "window.0.to"]),
    ({"window": [{"from": "10:00", "to": "18:00", "days": ["nonday"]}]}, ["is no day"]),
    ({"window": [{"from": "10:00", "to": "18:00", "days": []}]}, ["there is no day in it"]),
    ({"window": []}, ["there is no day in it"]),
    ({"window": [{"from": "10:00", "to": "18:00", "timezone": "Paris"}]}, ["no IANA time zone"]),
    ({}, ["give at least one of"]),
    ({"owner": "me"}, ["owner"]),
    (
        {"campaign": "lawful", "window": [{"from": "21:00", "to": "23:00"}]},
        ["window: none of the campaign's contacts could ever be called in these hours"],
    ),
]


async def test_what_is_outside_the_limits_is_refused_and_changes_nothing(door: Door) -> None:
    for request, told in WRONG:
        problems = await door.refused(**{"action": "set", "campaign": "shots", **request})
        assert len(problems) == len(told), problems
        for problem, words in zip(problems, told, strict=True):
            assert words in problem
    assert door.rows("SELECT DISTINCT steered FROM campaigns") == ["{}"]
    assert door.audit() == []


async def test_who_waits_for_the_old_hours_is_looked_at_again_and_nobody_else(door: Door) -> None:
    later = time.time() + 3600.0
    with sqlite3.connect(door.settings.database) as connection:
        for row, (verdict, due) in enumerate(
            [("outside_hours", later), ("gap", later), ("quiet_hours", later + 1), ("outside_hours", 1e12)], 1
        ):
            connection.execute(
                "UPDATE contacts SET verdict = ?, due_at = ? WHERE row = ? AND campaign_id = 1",
                (verdict, due, row),
            )
    assert (await door.ask(action="set", campaign="shots", window=[DAY]))["ok"]
    assert door.rows("SELECT due_at < 1e10 AND due_at < (SELECT max(at) FROM audit) + 60 FROM contacts WHERE campaign_id = 1") == [
        1, 0, 1, 0,
    ]  # fmt: skip


async def test_stop_and_go(door: Door) -> None:
    assert "by" in (await door.refused(action="stop_all", by=""))[0]
    assert "reason" in (await door.refused(action="stop_all", reason=" "))[0]
    assert not door.halts.word(time.time())
    reply = await door.ask(action="stop_all", reason="the wrong recording")
    assert reply == {"ok": True, "hung_up": 0, "dialing": False}
    assert door.halts.word(time.time()) == "all dialing is stopped"
    assert Halts(await door.writer.submit(stored.halts)).word(0.0) == "all dialing is stopped"  # a restart
    assert (await door.ask(action="stop_all", hang_up=True, reason="really"))["hung_up"] == 7
    assert door.cut == 1
    assert (await door.ask(action="go", reason="mended")) == {"ok": True, "lifted": True, "dialing": True}
    assert (await door.ask(action="go", reason="mended")) == {"ok": True, "lifted": False, "dialing": True}
    assert [(action, details) for action, _, details in door.audit()] == [
        ("dialing.stopped", {"reason": "the wrong recording"}),
        ("dialing.stopped", {"hang_up": True, "reason": "really"}),
        (
            "dialing.resumed",
            {
                "laid_by": door.audit()[1][1],
                "lifted": "stop",
                "reason": "mended",
                "since": door.audit()[2][2]["since"],
            },
        ),
    ]
    assert [event for event, _ in door.log.seen if event.startswith("dialing")] == [
        "dialing.stopped", "dialing.stopped", "dialing.resumed",
    ]  # fmt: skip


async def test_a_quiet_time_and_a_stop_do_not_lift_each_other(door: Door) -> None:
    soon = "2099-01-01T00:00:00+00:00"
    assert "31 days" in (await door.refused(action="quiet", until=soon))[0]
    assert "is over" in (await door.refused(action="quiet", until="2026-01-01T00:00:00Z"))[0]
    assert "offset from UTC" in (await door.refused(action="quiet", until="2026-01-01T00:00:00"))[0]
    at = time.time() + 3600
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    assert (await door.ask(action="quiet", until=until)) == {"ok": True, "dialing": False}
    await door.ask(action="stop_all")
    assert (await door.ask(action="go")) == {"ok": True, "lifted": True, "dialing": False}
    assert door.halts.word(at - 2) == "it is a quiet time"
    assert door.halts.word(at + 1) == ""
    assert (await door.ask(action="quiet")) == {"ok": True, "lifted": True, "dialing": True}
    assert (await door.ask(action="quiet"))["lifted"] is False


async def test_a_stop_holds_in_the_engine_even_where_it_cannot_be_written(door: Door) -> None:
    await door.writer.submit(lambda connection: connection.execute("DROP TABLE halts"))
    reply = await door.ask(action="stop_all")
    assert reply["ok"] is False
    assert door.halts.word(time.time()) == "all dialing is stopped"
