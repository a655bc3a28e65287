"""Five faults of every kind under load of over 100 calls a second, and the books held against the callee's own log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.places import REPOSITORY

pytestmark = pytest.mark.asterisk


def test_nobody_is_called_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "--each", "1", "--dir", str(REPOSITORY / "var" / "chaos" / "ci")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "no violation" in done.stdout
