"""Putting a job into the queue. `engine.intake.submit`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import InputError, VolleyError
from engine.intake.inspection import fingerprint
from engine.intake.queue import QueueDirs
from engine.intake.submit import submit
from tests.intake.privilege import modes_hold


@pytest.fixture
def dirs(tmp_path: Path) -> QueueDirs:
    queue = QueueDirs(tmp_path / "queue")
    queue.ensure()
    return queue


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "spring"
    (folder / "prompts").mkdir(parents=True)
    (folder / "campaign.toml").write_text('id = "x"')
    (folder / "people.csv").write_text("phone\n" + "0199001234\n" * 300_000)
    (folder / "prompts" / "hello.wav").write_bytes(b"RIFF")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    return folder


def test_a_folder(dirs: QueueDirs, job: Path) -> None:
    told: list[tuple[int, int]] = []
    where = submit(job, dirs.root, progress=lambda done, total: told.append((done, total)))
    assert where == dirs.incoming / "spring"
    (entry,) = dirs.scan()
    assert entry.name == "spring", "it is seen at once"
    claimed = dirs.claim(entry)
    assert claimed is not None
    dirs.inspect(claimed)
    assert dirs.fingerprint(claimed) == fingerprint(job)
    assert not (claimed.path / ".git").exists()
    total = sum(
        path.stat().st_size
        for path in (job / "campaign.toml", job / "people.csv", job / "prompts" / "hello.wav")
    )
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 3


def test_a_manifest_with_the_files_that_it_names(dirs: QueueDirs, job: Path) -> None:
    where = submit(job / "campaign.toml", dirs.root, ["people.csv", "./prompts/hello.wav"])
    assert where == dirs.incoming / "campaign"
    assert sorted(path.name for path in where.rglob("*") if path.is_file()) == [
        ".complete",
        "campaign.toml",
        "hello.wav",
        "people.csv",
    ]


def test_the_same_name_again_gets_a_number(dirs: QueueDirs, job: Path) -> None:
    assert [submit(job, dirs.root).name for _ in range(3)] == ["spring", "spring.2", "spring.3"]


@pytest.mark.parametrize(
    ("name", "becomes"),
    [(".spring", "spring"), ("spring.tmp", "spring.tmp-job"), ("...", "job"), ("x~", "x~-job")],
)
def test_a_name_that_would_never_be_seen_is_changed(
    dirs: QueueDirs, job: Path, name: str, becomes: str
) -> None:
    folder = job.rename(job.with_name(name))
    assert submit(folder, dirs.root).name == becomes
    assert [entry.name for entry in dirs.scan()] == [becomes]


def test_the_group_can_take_it_whatever_the_umask(dirs: QueueDirs, job: Path) -> None:
    before = os.umask(0o077)
    try:
        where = submit(job, dirs.root)
    finally:
        os.umask(before)
    for path in [where, *where.rglob("*")]:
        assert path.stat().st_mode & 0o070 == (0o070 if path.is_dir() else 0o060), path


def test_nothing_half_done_is_left(dirs: QueueDirs, job: Path) -> None:
    (job / "people.csv").unlink()
    (job / "people.csv").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="symbolic link"):
        submit(job, dirs.root)
    with pytest.raises(InputError, match="symbolic link"):
        submit(job / "campaign.toml", dirs.root, ["people.csv"])
    with pytest.raises(InputError, match=r"there is no file 'none\.csv'"):
        submit(job / "campaign.toml", dirs.root, ["none.csv"])
    assert list(dirs.incoming.iterdir()) == []


def test_an_interrupted_copy_leaves_nothing(dirs: QueueDirs, job: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submit(job, dirs.root, progress=stop)
    assert list(dirs.incoming.iterdir()) == []


@pytest.mark.parametrize("files", [["../queue/x"], ["/etc/passwd"], ["prompts"]])
def test_files_outside_the_job(dirs: QueueDirs, job: Path, files: list[str]) -> None:
    with pytest.raises(InputError):
        submit(job / "campaign.toml", dirs.root, files)
    assert list(dirs.incoming.iterdir()) == []


def test_what_is_no_job(dirs: QueueDirs, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        submit(tmp_path / "none", dirs.root)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="is a symbolic link"):
        submit(tmp_path / "link", dirs.root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="manifest: there is none"):
        submit(tmp_path / "empty", dirs.root)
    (tmp_path / "people.csv").write_text("phone\n")
    with pytest.raises(InputError, match="manifest: there is none"):
        submit(tmp_path / "people.csv", dirs.root)
    assert list(dirs.incoming.iterdir()) == []


def test_no_queue(job: Path, tmp_path: Path) -> None:
    with pytest.raises(VolleyError, match="there is no queue at"):
        submit(job, tmp_path / "nowhere")


def test_a_queue_that_one_may_not_write_to(dirs: QueueDirs, job: Path) -> None:
    dirs.incoming.chmod(0o550)
    try:
        with modes_hold(), pytest.raises(VolleyError, match="in the directory's group"):
            submit(job, dirs.root)
    finally:
        dirs.incoming.chmod(0o770)
