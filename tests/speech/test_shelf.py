"""Sounds are put where another user reads them, whatever the umask: the unit's is 0027."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.speech.shelf import put


@pytest.fixture(params=[0o022, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_everybody_may_read_a_sound_and_pass_to_it(tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"sound")
    target = tmp_path / "speech-1" / "fr" / "hello.alaw"
    put(tmp_path / "made", target)
    assert target.read_bytes() == b"sound"
    assert [mode(path) for path in (target, target.parent, target.parent.parent)] == [0o644, 0o755, 0o755]
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.usefixtures("umask")
def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"sound")
    group = tmp_path / "sounds"
    group.mkdir()
    group.chmod(0o2750)
    put(tmp_path / "made", group / "fr" / "hello.alaw")
    assert mode(group) == 0o2750
    assert mode(group / "fr") & 0o777 == 0o755
