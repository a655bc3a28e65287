"""Directories that others could use against the engine, and requests that are no plain files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import InputError, SettingsError
from engine.intake import control
from engine.intake.control import parse
from engine.intake.queue import QueueDirs
from engine.intake.queue_guard import guard


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    QueueDirs(tmp_path / "queue").ensure()
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path / "queue"


def refused(queue: Path) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        guard(queue, queue.parent / "state")
    return [str(problem) for problem in raised.value.problems]


def test_what_the_engine_makes_is_right(queue: Path, tmp_path: Path) -> None:
    guard(queue, tmp_path / "state")
    guard(tmp_path / "nowhere", tmp_path / "nothing")


def test_everybody_may_write_nowhere(queue: Path, tmp_path: Path) -> None:
    (queue / "incoming").chmod(0o2777)
    (queue / "control").chmod(0o1777)
    (tmp_path / "state").chmod(0o703)
    found = refused(queue)
    assert len(found) == 3
    assert f"chmod o-w {queue / 'incoming'}" in found[0]
    assert "everybody on this machine may write to it (mode 1777)" in found[1]
    assert str(tmp_path / "state") in found[2]


def test_its_own_folders_lead_nowhere_else(queue: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (queue / "control" / "done").rmdir()
    (queue / "control" / "done").symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in refused(queue)[0]


def test_a_request_is_a_plain_file_of_a_bearable_size(queue: Path, tmp_path: Path) -> None:
    folder = queue / "control"
    secret = tmp_path / "secret.json"
    secret.write_text('{"action": "pause", "campaign": "x"}', encoding="utf-8")
    (folder / "link.json").symlink_to(secret)
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    with (folder / "large.json").open("wb") as large:
        large.truncate(control.REQUEST_BYTES + 1)
    (folder / "deep.json").write_text("[" * 200_000, encoding="utf-8")
    (folder / "torn.json").write_bytes(b'{"action": "pause", "campaign": "\xff"}')
    for name, why in {
        "link.json": "symbolic link",
        "pipe.json": "is not a regular file",
        "folder.json": "is not a regular file",
        "large.json": "too large",
        "deep.json": "cannot read the request",
        "torn.json": "cannot read the request",
        "gone.json": "there is no file",
    }.items():
        with pytest.raises(InputError) as raised:
            parse(folder / name)
        assert why in str(raised.value), name
        assert "pause" not in str(raised.value)
    (folder / "good.json").write_bytes(b'\xef\xbb\xbf{"action": "pause", "campaign": "x"}')
    assert parse(folder / "good.json").action == "pause"
