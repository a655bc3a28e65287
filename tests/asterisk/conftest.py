"""Real calls: the practice lab, up, and an engine beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab import Lab
from tests.asterisk.harness import Engine


@pytest.fixture(scope="session")
def practice() -> Iterator[Lab]:
    """The lab, up. It is left as it was found: down when it was down."""
    before = lab.status().running
    yield lab.up()
    if not before:
        lab.down()


@pytest.fixture
def engine(practice: Lab, tmp_path: Path) -> Iterator[Engine]:
    """An engine that is not started yet; the carrier has forgotten all calls."""
    lab.reset()
    found = Engine(practice, tmp_path)
    yield found
    found.end()
    lab.console("pbx", "channel request hangup all")
