"""Data of people goes when its time is over: once an hour, in steps, told in the log; what cannot be deleted is told too."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from engine.config import Settings
from engine.errors import StoreError
from engine.intake.queue import QueueDirs
from engine.ops.audit import verify
from engine.purging import AGAIN, EVERY, STEPS, Purging
from engine.retention_settings import LEAST
from engine.store.purge import A_UNIT
from tests.dialing.test_retention import Ahead


class Room:
    """Purging at work on the desk's database and a queue directory, `days` after now."""

    def __init__(self, desk: Any, folder: Path) -> None:
        self.desk = desk
        self.queue = QueueDirs(folder)
        self.queue.ensure()
        self.clock = Ahead(time.time())

    def keep(self, **retention: Any) -> Purging:
        table = self.desk.settings.model_dump(mode="json", exclude_none=True)
        table["retention"] = retention
        table["engine"]["queue"] = str(self.queue.root)
        return Purging(Settings.model_validate(table), self.desk.writer, self.clock, self.desk.log)

    async def hour(self, purging: Purging) -> None:
        self.clock.go_on(EVERY)
        await purging.tick()


@pytest.fixture
def room(desk, tmp_path: Path) -> Room:
    return Room(desk, tmp_path / "queue")


async def over(desk, person, count: int = 2) -> None:
    """A campaign that has ended; nobody of it was called."""
    await desk.campaign("spring", *(person(at + 1) for at in range(count)))
    await desk.writer.submit(
        lambda one: one.execute("UPDATE contacts SET state = 'done', fields = '{\"A\":1}'")
    )
    await desk.writer.submit(
        lambda one: one.execute(
            "UPDATE campaigns SET state = 'completed', open_contacts = 0, closed_at = ?", (time.time(),)
        )
    )
    desk.agenda.refresh([])


async def test_contacts_go_when_their_time_is_over(desk, room: Room, person) -> None:
    await over(desk, person)
    purging = room.keep(contacts=LEAST)
    await room.hour(purging)
    assert desk.events("contacts.purged") == []
    room.clock.time += LEAST
    await room.hour(purging)
    [line] = desk.events("contacts.purged")
    assert (line["campaign"], line["contacts"]) == ("spring", 2)
    assert [line["numbers"] for line in desk.events("numbers.purged")] == [2]
    assert desk.rows("SELECT fields FROM contacts") == ["{}", "{}"]
    await room.hour(purging)
    assert len(desk.events("contacts.purged")) == 1
    assert (await desk.writer.submit(lambda one: one.execute("PRAGMA foreign_key_check").fetchall())) == []
    (file,) = desk.rows("SELECT file FROM pragma_database_list WHERE name = 'main'")
    assert verify(Path(file)).broken is None
    assert repr(purging) == "<Purging idle>"


async def test_by_default_nothing_goes(desk, room: Room, person) -> None:
    await over(desk, person)
    (room.queue.accepted / "spring").mkdir()
    room.clock.time += 100 * LEAST
    await room.hour(room.keep())
    assert desk.rows("SELECT fields FROM contacts") == ['{"A":1}', '{"A":1}']
    assert (room.queue.accepted / "spring").exists()
    assert desk.events("contacts.purged") + desk.events("jobs.purged") == []


async def test_a_turn_has_an_end_and_the_next_goes_on(desk, room: Room, person) -> None:
    await over(desk, person, count=1)

    def multiply(one: Any) -> None:
        one.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)"
            " INSERT INTO contacts (campaign_id, job_id, row, state, due_at, number_id, fields)"
            " SELECT campaign_id, job_id, i, 'done', 0, number_id, fields FROM contacts JOIN n WHERE id = 1",
            (A_UNIT * STEPS,),
        )

    await desk.writer.submit(multiply)
    purging = room.keep(contacts=LEAST)
    room.clock.time += 2 * LEAST
    await room.hour(purging)
    assert desk.rows("SELECT count(*) FROM contacts WHERE row = 0") == [A_UNIT * STEPS]
    assert repr(purging) == "<Purging under way>"
    assert desk.events("contacts.purged") == []
    await purging.tick()
    assert desk.rows("SELECT count(*) FROM contacts WHERE row > 0") == [0]
    assert len(desk.events("contacts.purged")) == 1


async def test_what_a_start_finds_half_done_is_done(desk, room: Room, person) -> None:
    """Killed after the contacts, before the numbers: nothing is overdue any more, and the numbers go all the same."""
    await over(desk, person)
    room.clock.time += 2 * LEAST
    await desk.writer.submit(lambda one: one.execute("UPDATE campaigns SET purged_at = closed_at + 1"))
    await room.hour(room.keep(contacts=LEAST))
    assert [line["numbers"] for line in desk.events("numbers.purged")] == [2]


async def test_a_database_that_refuses_is_asked_again_soon(desk, room: Room, person) -> None:
    await over(desk, person)
    purging = room.keep(contacts=LEAST)
    room.clock.time += 2 * LEAST
    refuse = (
        "CREATE TRIGGER no BEFORE UPDATE OF purging_at ON campaigns BEGIN SELECT RAISE(ABORT, 'not now'); END"
    )
    await desk.writer.submit(lambda one: one.execute(refuse))
    with pytest.raises(StoreError, match="not now"):
        await room.hour(purging)
    await purging.tick()
    await desk.writer.submit(lambda one: one.execute("DROP TRIGGER no"))
    room.clock.go_on(AGAIN)
    await purging.tick()
    assert len(desk.events("contacts.purged")) == 1


async def test_old_jobs_go_and_those_that_cannot_are_told(desk, room: Room, person) -> None:
    for name in ("spring", "summer"):
        (room.queue.accepted / name).mkdir()
    purging = room.keep(jobs="30d")
    await room.hour(purging)
    assert desk.events("jobs.purged") == []
    room.clock.time += 31 * 86_400
    await room.hour(purging)
    assert [line["entries"] for line in desk.events("jobs.purged")] == [2]
    assert list(room.queue.accepted.iterdir()) == []
    assert desk.rows(
        "SELECT subject, json_extract(details, '$.entries') FROM audit WHERE action = 'jobs.purged'"
    ) == [("queue", 2)]
    assert desk.events("jobs.kept") == []
