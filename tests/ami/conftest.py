"""A practice PBX for each test, and a loop that had nothing to complain of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.ami.practice import PracticePbx, listening


@pytest.fixture(autouse=True)
def nothing_that_the_loop_had_to_report(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An exception in a callback reaches nobody but asyncio's own log."""
    yield
    assert [
        record.getMessage() for record in caplog.records if record.name == "asyncio" and record.levelno > 20
    ] == []


@pytest.fixture
async def pbx() -> AsyncIterator[PracticePbx]:
    async with listening() as practice:
        yield practice
