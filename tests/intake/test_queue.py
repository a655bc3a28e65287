"""The queue directory: what is complete, and how jobs move. `engine.intake.queue`, `.arrivals`, `.watch`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.errors import InputError, Problem, VolleyError
from engine.intake import arrivals
from engine.intake.inspection import COMPLETE_NAME
from engine.intake.queue import Job, JobEntry, QueueDirs
from engine.intake.watch import watch
from tests.intake.privilege import modes_hold
from tests.patience import PATIENCE

SETTLE = 0.2


@pytest.fixture
def dirs(tmp_path: Path) -> QueueDirs:
    queue = QueueDirs(tmp_path / "queue", settle=SETTLE)
    queue.ensure()
    return queue


def make(folder: Path, contacts: str = "phone\n0199001234\n") -> Path:
    folder.mkdir(parents=True)
    (folder / "campaign.toml").write_text('id = "x"')
    (folder / "people.csv").write_text(contacts)
    return folder


def age(path: Path, seconds: float = 100.0) -> None:
    """Make a job look as if it had been finished a while ago."""
    for found in [*path.rglob("*"), path]:
        os.utime(found, (time.time() - seconds,) * 2, follow_symlinks=False)


def names(entries: list[JobEntry]) -> list[str]:
    return [entry.name for entry in entries]


def claimed(dirs: QueueDirs, name: str = "spring", build: Callable[[Path], object] = make) -> Job:
    path = dirs.incoming / name
    build(path)
    age(path)
    (entry,) = dirs.scan()
    job = dirs.claim(entry)
    assert job is not None
    return job


# --- the directories ---------------------------------------------------------------------------------------------------


def test_ensure_makes_what_is_missing_and_leaves_what_is_there(dirs: QueueDirs) -> None:
    assert stat.S_IMODE(dirs.incoming.stat().st_mode) == 0o2770
    assert stat.S_IMODE(dirs.accepted.stat().st_mode) == 0o750
    assert dirs.done.is_dir()
    dirs.accepted.chmod(0o700)
    dirs.ensure()
    assert stat.S_IMODE(dirs.accepted.stat().st_mode) == 0o700


def test_ensure_says_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "incoming").touch()
    with pytest.raises(VolleyError, match="incoming is in the way"):
        QueueDirs(tmp_path / "queue").ensure()


def test_ensure_refuses_a_queue_on_several_file_systems(tmp_path: Path) -> None:
    queue = QueueDirs(tmp_path / "queue")
    queue.root.mkdir()
    here = tmp_path.stat().st_dev
    places = [place for place in (Path("/dev/shm"), Path(__file__).parent) if place.stat().st_dev != here]
    with tempfile.TemporaryDirectory(prefix="volley-test-", dir=places[0]) as elsewhere:
        queue.accepted.symlink_to(elsewhere)
        with pytest.raises(VolleyError, match="several file systems"):
            queue.ensure()


# --- what is complete --------------------------------------------------------------------------------------------------


def test_what_is_being_copied_has_to_settle(dirs: QueueDirs) -> None:
    job = make(dirs.incoming / "spring")
    assert dirs.scan() == []
    time.sleep(SETTLE / 2)
    with (job / "people.csv").open("a") as stream:
        stream.write("0199001235\n")
    assert dirs.scan() == []
    time.sleep(SETTLE / 2)
    assert dirs.scan() == [], "it changed meanwhile"
    time.sleep(SETTLE)
    assert names(dirs.scan()) == ["spring"]


def test_a_file_deep_inside_counts_too(dirs: QueueDirs) -> None:
    job = make(dirs.incoming / "spring")
    (job / "a" / "b").mkdir(parents=True)
    dirs.scan()
    time.sleep(SETTLE)
    (job / "a" / "b" / "hello.wav").write_bytes(b"x")
    assert dirs.scan() == []


def test_a_finished_job_that_is_renamed_in_is_seen_at_once(dirs: QueueDirs, tmp_path: Path) -> None:
    age(make(tmp_path / "spring"))
    os.rename(tmp_path / "spring", dirs.incoming / "spring")
    assert names(dirs.scan()) == ["spring"]


def test_a_job_seen_under_its_temporary_name_is_complete_under_its_final_one(dirs: QueueDirs) -> None:
    make(dirs.incoming / ".spring")
    (dirs.incoming / "autumn.toml.part").write_text('id = "y"')
    assert dirs.scan() == []
    os.rename(dirs.incoming / ".spring", dirs.incoming / "spring")
    os.rename(dirs.incoming / "autumn.toml.part", dirs.incoming / "autumn.toml")
    assert set(names(dirs.scan())) == {"spring", "autumn.toml"}


def test_a_job_marked_complete_is_seen_at_once(dirs: QueueDirs) -> None:
    (make(dirs.incoming / "spring") / COMPLETE_NAME).touch()
    assert names(dirs.scan()) == ["spring"]


def test_a_clock_that_is_ahead_takes_nothing_early(dirs: QueueDirs, monkeypatch: pytest.MonkeyPatch) -> None:
    # The file system's clock decides, not ours: on a network file system they differ.
    monkeypatch.setattr(time, "time", lambda: 4e9)
    make(dirs.incoming / "spring")
    assert dirs.scan() == []


@pytest.mark.parametrize(
    "name", [".spring", "spring.tmp", "spring.part", "spring.filepart", "spring~", ".nfs000012"]
)
def test_temporary_names_are_never_jobs(dirs: QueueDirs, name: str) -> None:
    age(make(dirs.incoming / name))
    dirs.scan()
    time.sleep(SETTLE)
    assert dirs.scan() == []


def test_a_folder_without_a_manifest_is_given_time(dirs: QueueDirs, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dirs.incoming / "spring"
    folder.mkdir()
    (folder / "people.csv").write_text("phone\n")
    age(folder)
    dirs.scan()
    time.sleep(SETTLE)
    assert dirs.scan() == []
    monkeypatch.setattr(arrivals, "UNFINISHED_SECONDS", 0.0)
    assert names(dirs.scan()) == ["spring"], "it is rejected in the end, not forgotten"


def test_the_longest_waiting_comes_first(dirs: QueueDirs) -> None:
    for name in ("b", "a", "c"):
        age(make(dirs.incoming / name))
        time.sleep(0.02)
    assert names(dirs.scan()) == ["b", "a", "c"]
    entry = dirs.next_entry()
    assert entry is not None
    assert entry.name == "b"


def test_anything_that_lies_there_is_told_in_the_end(dirs: QueueDirs) -> None:
    (dirs.incoming / "people.csv").write_text("phone\n")
    (dirs.incoming / "link").symlink_to("/etc")
    os.mkfifo(dirs.incoming / "pipe")
    dirs.scan()
    time.sleep(SETTLE)
    assert sorted(names(dirs.scan())) == ["link", "people.csv", "pipe"]


# --- claiming ----------------------------------------------------------------------------------------------------------


def test_a_folder_is_claimed_by_rename(dirs: QueueDirs) -> None:
    job = claimed(dirs)
    assert job.path.parent == dirs.processing
    assert job.source == "spring"
    assert job.manifest == job.path / "campaign.toml"
    assert not (dirs.incoming / "spring").exists()
    assert dirs.in_processing() == [job]


def test_a_manifest_alone_becomes_a_folder(dirs: QueueDirs) -> None:
    job = claimed(dirs, "autumn.json", lambda path: path.write_text("{}"))
    assert job.path.is_dir()
    assert job.manifest == job.path / "autumn.json"


def test_a_link_is_claimed_as_what_it_is(dirs: QueueDirs, tmp_path: Path) -> None:
    target = make(tmp_path / "elsewhere")
    job = claimed(dirs, "link", lambda path: path.symlink_to(target))
    with pytest.raises(InputError, match="symbolic link"):
        dirs.inspect(job)
    assert (target / "campaign.toml").exists()
    dirs.reject(job, [Problem("link", "is a symbolic link")])
    assert (dirs.rejected / "link" / "link").is_symlink()
    assert (target / "campaign.toml").exists()


def test_two_engines_claim_a_job_once(dirs: QueueDirs) -> None:
    age(make(dirs.incoming / "spring"))
    (dirs.incoming / "autumn.toml").write_text("")
    age(dirs.incoming / "autumn.toml")
    other = QueueDirs(dirs.root, settle=SETTLE)
    mine, theirs = dirs.scan(), other.scan()
    assert names(mine) == names(theirs)
    jobs = [dirs.claim(entry) for entry in mine]
    assert all(job is not None for job in jobs)
    assert [other.claim(entry) for entry in theirs] == [None, None]
    assert len(dirs.in_processing()) == 2
    assert len(list(dirs.processing.iterdir())) - (dirs.processing / ".clock").exists() == 2


@pytest.mark.parametrize("name", ["a b", "x\ny", "é", "-rf", "x..", "a" * 200, "$(reboot)", "a;b"])
def test_names_are_made_safe(dirs: QueueDirs, name: str) -> None:
    job = claimed(dirs, name)
    assert job.source.isascii()
    assert all(sign.isalnum() or sign in "._-" for sign in job.source)
    assert len(job.source) <= 80
    target = dirs.reject(job, [Problem("x", "y")])
    assert target.parent == dirs.rejected


def test_what_an_engine_left_is_found_again_in_its_order(dirs: QueueDirs) -> None:
    first, second = claimed(dirs, "b"), claimed(dirs, "a")
    (dirs.processing / "20260101T000000-00000000-half").mkdir()  # a claim that came no further
    (dirs.processing / "somebody's notes").mkdir()
    again = QueueDirs(dirs.root).in_processing()
    assert sorted(again, key=lambda job: job.source) == [second, first]
    assert [job.id for job in again] == sorted(job.id for job in again)


def test_a_job_that_cannot_be_moved_is_told_once(dirs: QueueDirs) -> None:
    age(make(dirs.incoming / "spring"))
    dirs.incoming.chmod(0o550)
    try:
        with modes_hold():
            _stuck(dirs)
    finally:
        dirs.incoming.chmod(0o770)


def test_a_job_that_cannot_be_moved_is_told_once_also_to_root(dirs: QueueDirs) -> None:
    # A name that is taken by something else cannot be renamed over: here the whole of processing/ is gone.
    age(make(dirs.incoming / "spring"))
    (entry,) = dirs.scan()
    shutil.rmtree(dirs.processing)
    dirs.processing.touch()
    _stuck(dirs, entry)


def _stuck(dirs: QueueDirs, entry: JobEntry | None = None) -> None:
    if entry is None:
        (entry,) = dirs.scan()
    with pytest.raises(InputError, match="cannot be moved out of incoming/"):
        dirs.claim(entry)
    reason = json.loads((dirs.rejected / "spring.reason.json").read_text())
    assert "cannot be moved out of incoming/" in reason["problems"][0]["what"]
    assert dirs.scan() == [], "it is left alone"
    (dirs.incoming / "spring" / "new").touch()
    time.sleep(SETTLE)
    dirs.scan()
    time.sleep(SETTLE)
    assert names(dirs.scan()) == ["spring"], "until it changes"


# --- where jobs go -----------------------------------------------------------------------------------------------------


def test_accepting(dirs: QueueDirs) -> None:
    job = claimed(dirs)
    job.rejects.write_text("rejected_row\n")
    target = dirs.accept(job)
    assert target == dirs.accepted / "spring"
    assert (dirs.accepted / "spring.rejects.csv").read_text() == "rejected_row\n"
    assert (target / "people.csv").exists()
    assert dirs.in_processing() == []


def test_rejecting(dirs: QueueDirs) -> None:
    job = claimed(dirs)
    target = dirs.reject(
        job, [Problem("campaign.toml: owner", "is missing", "name somebody"), Problem("a\nb", "x\r\ny")]
    )
    assert target == dirs.rejected / "spring"
    reason = json.loads((dirs.rejected / "spring.reason.json").read_text())
    assert reason["job"] == job.id
    assert reason["problems"][0] == {
        "where": "campaign.toml: owner",
        "what": "is missing",
        "todo": "name somebody",
    }
    text = (dirs.rejected / "spring.reason.txt").read_text()
    assert "- campaign.toml: owner: is missing (name somebody)\n- a b: x y\n" in text


def test_the_same_name_again_gets_a_number_and_nothing_is_overwritten(dirs: QueueDirs) -> None:
    for expected in ("spring", "spring.2", "spring.3"):
        assert dirs.reject(claimed(dirs), [Problem("x", expected)]).name == expected
    for expected in ("spring", "spring.2"):
        job = claimed(dirs)
        job.rejects.write_text(expected)
        assert dirs.accept(job).name == expected
    assert (
        json.loads((dirs.rejected / "spring.2.reason.json").read_text())["problems"][0]["what"] == "spring.2"
    )
    assert (dirs.accepted / "spring.rejects.csv").read_text() == "spring"


def test_whatever_lies_in_the_way_stays(dirs: QueueDirs) -> None:
    (dirs.accepted / "spring").write_text("a file")
    (dirs.rejected / "spring.reason.json").write_text("not ours")
    assert dirs.accept(claimed(dirs)).name == "spring.2"
    assert dirs.reject(claimed(dirs), [Problem("x", "y")]).name == "spring.2"
    assert (dirs.accepted / "spring").read_text() == "a file"
    assert (dirs.rejected / "spring.reason.json").read_text() == "not ours"


def test_a_rejection_that_was_interrupted_is_taken_up(
    dirs: QueueDirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = claimed(dirs)
    rename = os.rename

    def power_fails(source: Path, target: Path) -> None:
        if Path(source) == job.path:
            raise KeyboardInterrupt
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", power_fails)
        with pytest.raises(KeyboardInterrupt):
            dirs.reject(job, [Problem("x", "first")])
    assert (dirs.rejected / "spring.reason.json").exists(), "the reasons are there first"
    (again,) = QueueDirs(dirs.root).in_processing()
    assert dirs.reject(again, [Problem("x", "second")]) == dirs.rejected / "spring"
    assert json.loads((dirs.rejected / "spring.reason.json").read_text())["problems"][0]["what"] == "second"
    assert len(list(dirs.rejected.iterdir())) == 3


def test_inspecting_and_fingerprinting_a_job(dirs: QueueDirs) -> None:
    job = claimed(dirs)
    dirs.inspect(job)
    before = dirs.fingerprint(job)
    job.rejects.write_text("while it is taken in")
    assert dirs.fingerprint(job) == before
    assert dirs.fingerprint(claimed(dirs, "other")) == before


# --- watching ----------------------------------------------------------------------------------------------------------


async def test_watching_tells_at_once_of_a_change(tmp_path: Path) -> None:
    async with aclosing(watch([tmp_path], tick=30.0)) as looks:
        await anext(looks)
        waiting = asyncio.ensure_future(anext(looks))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        started = time.monotonic()
        (tmp_path / "job").mkdir()
        await asyncio.wait_for(waiting, PATIENCE)
        assert time.monotonic() - started < 2


async def test_watching_ticks_without_any_change(tmp_path: Path) -> None:
    async with aclosing(watch([tmp_path], tick=0.1)) as looks:
        for _ in range(3):
            await asyncio.wait_for(anext(looks), PATIENCE)


async def test_watching_ticks_where_there_are_no_notifications(tmp_path: Path) -> None:
    async with aclosing(watch([tmp_path / "not there"], tick=0.05)) as looks:
        for _ in range(4):
            await asyncio.wait_for(anext(looks), PATIENCE)


async def test_watching_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    async def look() -> None:
        async with aclosing(watch([tmp_path], tick=30.0)) as looks:
            async for _ in looks:
                pass

    task = asyncio.create_task(look())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE)


async def test_a_job_is_found_by_watching_the_queue(dirs: QueueDirs) -> None:
    async def found() -> str:
        async with aclosing(dirs.watch(30.0)) as looks:
            async for _ in looks:
                entry = await asyncio.to_thread(dirs.next_entry)
                if entry is not None:
                    return entry.name
        raise AssertionError("no more looks")

    task = asyncio.create_task(found())
    await asyncio.sleep(0.2)
    make(dirs.incoming / "spring")
    assert await asyncio.wait_for(task, PATIENCE) == "spring"
