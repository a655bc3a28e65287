"""Books that a test fills."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.filled import Books, settings_in


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    found = Books(settings_in(tmp_path))
    yield found
    found.close()
