"""Who dropped a file."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from engine.intake.owner import asker, owner_of

ME = pwd.getpwuid(os.getuid()).pw_name
NOBODY = 3_999_999_999
"""A user id that has no name."""


def test_the_owner_of_a_file(tmp_path: Path) -> None:
    assert owner_of(tmp_path) == ME
    with pytest.raises(FileNotFoundError):
        owner_of(tmp_path / "gone")


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_an_owner_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.touch()
    os.chown(path, NOBODY, -1)
    assert owner_of(path) == f"uid {NOBODY}"
    assert asker(path, "anna") == f"anna (as uid {NOBODY})"


@pytest.mark.parametrize(("by", "told"), [("", ME), (ME, ME), ("anna", f"anna (as {ME})")])
def test_what_a_request_says_stands_beside_what_the_system_says(tmp_path: Path, by: str, told: str) -> None:
    assert asker(tmp_path, by) == told
