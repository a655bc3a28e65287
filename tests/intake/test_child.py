"""A process of our own is never left behind, at whatever moment somebody loses interest."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from engine.child import child
from tests.intake.processes import running
from tests.patience import PATIENCE

MODULE = "engine.intake.lists.builder"


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
async def test_whoever_is_cancelled_leaves_nobody_behind(rounds: int) -> None:
    """Cancelled in the very round of the loop in which the process is there, or some rounds later. It is held, so that it does not
    end by itself."""

    async def ask() -> None:
        async with child(MODULE, b"") as process:
            await process.ended()

    asking = asyncio.create_task(ask())
    while not (there := running(MODULE)):  # noqa: ASYNC110 -- this very round is what it is about
        await asyncio.sleep(0)
    for pid in there:
        os.kill(pid, signal.SIGSTOP)
    for _ in range(rounds):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    deadline = time.monotonic() + PATIENCE
    try:
        while running(MODULE):  # killed, and on a busy machine not gone yet
            assert time.monotonic() < deadline, "a process was left behind"
            await asyncio.sleep(0.01)
    finally:
        for pid in running(MODULE):
            os.kill(pid, signal.SIGKILL)
