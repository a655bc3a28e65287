"""Recorded answers go when their time is over: the file and the mark in the books; what cannot be deleted is told, and not too often."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel import Report, Up, channel_id
from engine.pbx_settings import PbxSettings
from engine.retention import AT_ONCE, EVERY, TELL_EVERY, Retention, file_of
from engine.store import outcomes
from engine.store.recordings import Recording

KEEP = 3600.0
STORY = {
    "kind": "record", "consent": ["may.wav"], "prompts": ["speak.wav"], "keep": KEEP, "then": "end",
}  # fmt: skip
FLOW = {"menu": {"keys": {"1": "go:story"}}, "nodes": {"story": STORY}}


class Ahead:
    """A clock that a test sets."""

    def __init__(self, now: float) -> None:
        self.time = now
        self.hand = 0.0

    def now(self) -> float:
        return self.time

    def mono(self) -> float:
        return self.hand

    def go_on(self, seconds: float) -> None:
        self.time += seconds
        self.hand += seconds


class Room:
    """Retention at work on the desk's database, and a PBX's directory."""

    def __init__(self, desk, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.folder.mkdir()
        self.clock = Ahead(desk.clock.now())
        self.settings = PbxSettings.model_validate(
            {"secret_env": "X", "sounds_dir": "/sounds", "recordings_dir": folder}
        )
        self.keep_house({"lab": self.settings})

    def keep_house(self, pbxs: dict[str, PbxSettings]) -> None:
        self.retention = Retention(pbxs, self.desk.writer, self.clock, self.desk.log)

    async def minutes(self, count: int) -> None:
        for _ in range(count):
            self.clock.go_on(EVERY)
            await self.retention.tick()

    def file(self, attempt: int, node: str = "story") -> Path:
        return self.folder / f"{channel_id(attempt)}-{node}.wav"

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def marked(self) -> list:
        return self.desk.rows("SELECT attempt_id FROM recordings WHERE deleted_at NOT NULL ORDER BY 1")


@pytest.fixture
def room(desk, tmp_path: Path) -> Room:
    return Room(desk, tmp_path / "recordings")


async def recorded(desk, *people) -> list[int]:
    """Calls in which something was recorded; they have ended."""
    await desk.campaign("spring", *people, **FLOW)
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == len(people))
    for attempt in desk.written():
        desk.follower.take(Up(attempt))
        desk.follower.take(Report(attempt, 1, "record", "story", desk.clock.now()))
        desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: len(desk.events("call.ended")) == len(people))
    return desk.written()


async def test_a_recording_goes_when_its_time_is_over(desk, room: Room, person) -> None:
    one, two = await recorded(desk, person(1), person(2))
    for attempt in (one, two):
        room.file(attempt).write_bytes(b"RIFF")
    (room.folder / "of-somebody-else.wav").write_bytes(b"RIFF")
    await room.minutes(1)
    assert len(room.left()) == 3
    assert desk.events("recordings.deleted") == []
    room.clock.go_on(KEEP)
    await room.minutes(1)
    assert room.left() == ["of-somebody-else.wav"]
    assert room.marked() == sorted([one, two])
    assert [line["recordings"] for line in desk.events("recordings.deleted")] == [2]
    await room.minutes(3)
    assert len(desk.events("recordings.deleted")) == 1
    assert desk.events("recordings.kept") == []


async def test_it_looks_once_a_minute(desk, room: Room, person) -> None:
    [attempt] = await recorded(desk, person(1))
    room.clock.go_on(KEEP + 1)
    await room.retention.tick()
    assert room.marked() == [attempt], "at the start it looks at once"
    await desk.writer.submit(lambda one: one.execute("UPDATE recordings SET deleted_at = NULL"))
    room.clock.go_on(EVERY - 1)
    await room.retention.tick()
    assert room.marked() == []
    room.clock.go_on(1)
    await room.retention.tick()
    assert room.marked() == [attempt]
    assert repr(room.retention) == f"<Retention looked={KEEP + 1 + EVERY:.0f}>"


async def test_a_file_that_is_gone_already_is_gone(desk, room: Room, person) -> None:
    [attempt] = await recorded(desk, person(1))
    room.clock.go_on(KEEP)
    await room.minutes(1)
    assert room.marked() == [attempt]


async def test_what_cannot_be_deleted_is_told_once_an_hour_and_tried_each_minute(
    desk, room: Room, person
) -> None:
    stuck, other = await recorded(desk, person(1), person(2))
    room.file(stuck).mkdir()
    room.file(other).write_bytes(b"RIFF")
    room.clock.go_on(KEEP)
    await room.minutes(1)
    assert room.marked() == [other], "the others go all the same"
    await room.minutes(round(TELL_EVERY / EVERY))
    [line] = desk.events("recordings.kept")
    assert (line["log_level"], line["recordings"]) == ("error", 1)
    assert str(room.file(stuck)) in line["why"]
    assert "recordings_dir" in line["todo"]
    await room.minutes(1)
    assert len(desk.events("recordings.kept")) == 2, "and the next hour again"
    room.file(stuck).rmdir()
    await room.minutes(1)
    assert room.marked() == sorted([stuck, other])


@pytest.mark.parametrize("known", [True, False])
async def test_a_pbx_that_tells_no_directory(desk, room: Room, person, known: bool) -> None:
    """It has left the settings, or its recordings_dir has: nobody knows where the file is, so it is not taken for deleted."""
    [attempt] = await recorded(desk, person(1))
    bare = PbxSettings.model_validate({"secret_env": "X", "sounds_dir": "/sounds"})
    room.keep_house({"lab": bare} if known else {"office": room.settings})
    room.file(attempt).write_bytes(b"RIFF")
    room.clock.go_on(KEEP)
    await room.minutes(2)
    [line] = desk.events("recordings.kept")
    assert line["why"] == "PBX lab has no recordings_dir in the settings"
    assert (room.marked(), room.left()) == ([], [room.file(attempt).name])
    room.keep_house({"lab": room.settings})
    await room.minutes(1)
    assert (room.marked(), room.left()) == ([attempt], [])


async def test_those_that_cannot_be_deleted_keep_no_other(desk, room: Room, person) -> None:
    """However many there are: the one that can goes in the same minute."""
    [attempt] = await recorded(desk, person(1))
    room.file(attempt).write_bytes(b"RIFF")

    def fill(one: sqlite3.Connection) -> None:
        one.executemany(
            "INSERT INTO recordings (attempt_id, node, keep_until) VALUES (?, ?, 0)",
            [
                (attempt, f"N{at}") for at in range(AT_ONCE + 50)
            ],  # no node is called so: nothing is touched for it
        )

    await desk.writer.submit(fill)
    room.clock.go_on(KEEP)
    await room.minutes(1)
    assert room.left() == []
    assert room.marked() == [attempt]
    assert [line["recordings"] for line in desk.events("recordings.kept")] == [AT_ONCE + 50]


async def test_many_go_in_one_minute(desk, room: Room, person) -> None:
    [attempt] = await recorded(desk, person(1))
    reports = [Report(attempt, 10 + at, "record", f"n{at}", 0.0) for at in range(2 * AT_ONCE + 1)]
    await desk.writer.submit(partial(outcomes.keep_reports, reports=reports))
    for report in reports:
        room.file(attempt, report.value).touch()
    room.clock.go_on(KEEP)
    await room.minutes(1)
    assert room.left() == []
    assert sum(line["recordings"] for line in desk.events("recordings.deleted")) == len(reports) + 1


@given(
    st.integers(0, (1 << 63) - 1),
    st.one_of(st.text(), st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)),
)
def test_no_name_leads_out_of_the_directory(attempt: int, node: str) -> None:
    settings = PbxSettings.model_validate(
        {"secret_env": "X", "sounds_dir": "/sounds", "recordings_dir": "/recordings"}
    )
    path = file_of(Recording(attempt, node, "lab"), settings)
    if path is not None:
        assert path.parent == Path("/recordings")
        assert path.name == f"{channel_id(attempt)}-{node}.wav"
    bare = PbxSettings.model_validate({"secret_env": "X", "sounds_dir": "/sounds"})
    assert file_of(Recording(attempt, node, "lab"), bare) is None
