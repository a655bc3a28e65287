"""The demo is the product's promise: it must end by itself, with nothing differing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lab.demo.places import LOG
from lab.places import REPOSITORY
from tests import log_lines

pytestmark = pytest.mark.asterisk


def test_the_demo_ends_with_nothing_differing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab.demo"],
        cwd=REPOSITORY,
        env={**os.environ, "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "None differing" in done.stdout
    log_lines.hold(LOG.read_bytes().splitlines())
