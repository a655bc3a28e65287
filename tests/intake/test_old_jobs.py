"""What has lain in the queue directory for long goes, and nothing else does."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.intake.old_jobs import Old, delete, old_entries, stay_here
from engine.intake.queue import QueueDirs

LATER = 1e12
"""Before this instant everything was last changed."""


@pytest.fixture
def dirs(tmp_path: Path) -> QueueDirs:
    found = QueueDirs(tmp_path / "queue")
    found.ensure()
    return found


def job(folder: Path, name: str) -> Path:
    made = folder / name
    (made / "prompts").mkdir(parents=True)
    (made / "campaign.toml").write_text('id = "x"')
    (made / "prompts" / "hello.wav").write_bytes(b"RIFF")
    return made


def purge(dirs: QueueDirs, before: float = LATER) -> list[str]:
    found = old_entries(dirs.root, before)
    for one in found:
        delete(one)
    return [str(one).removeprefix(f"{dirs.root}/") for one in found]


def test_what_is_past_goes_and_what_waits_stays(dirs: QueueDirs) -> None:
    job(dirs.accepted, "spring")
    (dirs.accepted / "spring.rejects.csv").write_text("row\n")
    job(dirs.rejected, "bad")
    (dirs.rejected / "bad.reason.txt").write_text("no")
    (dirs.done / "1.json").write_text("{}")
    (dirs.done / "1.reply.json").write_text("{}")
    kept = [job(dirs.incoming, "new"), job(dirs.processing, "20261127T000000-00000000-mine")]
    (dirs.control / "wish.json").write_text("{}")
    (dirs.control / "files").mkdir()
    (dirs.control / "files" / "list.csv").write_text("1")
    assert purge(dirs) == [
        "accepted/spring", "accepted/spring.rejects.csv", "control/done/1.json", "control/done/1.reply.json", "rejected/bad",
        "rejected/bad.reason.txt",
    ]  # fmt: skip
    assert [list(folder.iterdir()) for folder in (dirs.accepted, dirs.rejected, dirs.done)] == [[], [], []]
    assert all((one / "prompts" / "hello.wav").exists() for one in kept)
    assert (dirs.control / "wish.json").exists()
    assert (dirs.control / "files" / "list.csv").exists()
    assert purge(dirs) == []


def test_the_move_into_the_folder_counts(dirs: QueueDirs) -> None:
    """However old its files say they are: the time begins when it is taken in."""
    made = job(dirs.incoming, "spring")
    for path in (made / "campaign.toml", made):
        os.utime(path, (0, 0))
    begun = time.time()
    made.rename(dirs.accepted / "spring")
    assert purge(dirs, begun - 1) == []
    assert purge(dirs, time.time() + 1) == ["accepted/spring"]


def test_a_link_is_removed_and_never_followed(dirs: QueueDirs, tmp_path: Path) -> None:
    outside = job(tmp_path, "precious")
    made = job(dirs.accepted, "spring")
    (made / "link").symlink_to(outside)
    (made / "prompts" / "file").symlink_to(outside / "campaign.toml")
    (dirs.accepted / "whole").symlink_to(outside)
    (dirs.rejected / "one").symlink_to(outside / "campaign.toml")
    assert purge(dirs) == ["accepted/spring", "accepted/whole", "rejected/one"]
    assert (outside / "campaign.toml").read_text() == 'id = "x"'
    assert (outside / "prompts" / "hello.wav").exists()
    assert list(dirs.accepted.iterdir()) == []


def test_a_folder_that_is_a_link_is_not_the_queues(dirs: QueueDirs, tmp_path: Path) -> None:
    outside = job(tmp_path, "precious")
    dirs.accepted.rmdir()
    dirs.accepted.symlink_to(outside)
    job(dirs.rejected, "bad")
    assert purge(dirs) == ["rejected/bad"]
    delete(Old(dirs.accepted, "campaign.toml"))
    assert (outside / "campaign.toml").exists()


@pytest.mark.parametrize("swapped", [True, False])
def test_what_changed_since_it_was_listed(dirs: QueueDirs, tmp_path: Path, swapped: bool) -> None:
    outside = job(tmp_path, "precious")
    made = job(dirs.accepted, "spring")
    [one] = old_entries(dirs.root, LATER)
    made.rename(tmp_path / "elsewhere")
    if swapped:
        made.symlink_to(outside)
    delete(one)
    assert not os.path.lexists(made)
    assert (outside / "prompts" / "hello.wav").exists()
    assert (tmp_path / "elsewhere" / "campaign.toml").exists()


def test_a_queue_that_is_not_there_yet(tmp_path: Path) -> None:
    assert old_entries(tmp_path / "nowhere", LATER) == []


def test_another_file_system_is_left_alone(dirs: QueueDirs) -> None:
    made = job(dirs.accepted, "spring")
    root, accepted = os.open("/", os.O_RDONLY), os.open(dirs.accepted, os.O_RDONLY)
    try:
        stay_here(accepted, made.name)
        with pytest.raises(OSError, match="another file system is mounted on proc"):
            stay_here(root, "proc")
    finally:
        os.close(root)
        os.close(accepted)
