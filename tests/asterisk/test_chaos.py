"""Five faults of every kind under load of over 100 calls a second, and the books held against the callee's own log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.places import REPOSITORY
from tests import log_lines

pytestmark = [pytest.mark.asterisk, pytest.mark.load]
RUN = REPOSITORY / "var" / "chaos" / "ci" / "run"


def test_nobody_is_called_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "--each", "5", "--dir", str(RUN.parent)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "no violation" in done.stdout
    logs = [log for place in ("kept", "disk") for log in (RUN / place).glob("volley.log")]
    assert logs, "the engine's log is kept"
    for log in logs:
        log_lines.hold(log.read_bytes().splitlines())
