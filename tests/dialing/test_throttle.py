"""The hard cap, on a real loop and a real clock: little more than a second in all."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine.dialing.throttle import Cap


async def taken(cap: Cap, calls: int) -> list[float]:
    """When each of `calls` calls was let through."""
    at = []
    for _ in range(calls):
        await cap.take()
        at.append(time.monotonic())
    return at


CONTRACTS = [
    # calls a second, calls that are tried, calls within a window of so many seconds
    (100.0, 150, 100, 1.0),
    (4.0, 7, 4, 1.0),
    (2.5, 4, 2, 0.8),
    (1.6, 3, 1, 0.625),
]


async def within_its_contract(cps: float, calls: int, within: int, window: float) -> None:
    at = await taken(Cap(cps), calls)
    for first, last in zip(at, at[within:], strict=False):
        assert last - first >= window - 0.001


async def no_wait_for_what_fits() -> None:
    began = time.monotonic()
    await taken(Cap(50.0), 50)
    assert time.monotonic() - began < 0.3


async def nothing_taken_by_a_waiter_that_was_cancelled() -> None:
    cap = Cap(2.0)
    await taken(cap, 2)
    waiter = asyncio.create_task(cap.take())
    await asyncio.sleep(0.9)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await asyncio.sleep(0.12)
    began = time.monotonic()
    await taken(cap, 2)
    assert time.monotonic() - began < 0.5


async def one_call_in_a_longer_window() -> None:
    cap = Cap(0.5)
    await cap.take()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await cap.take()


async def test_no_window_carries_more_than_the_contract_and_nothing_waits_without_need() -> None:
    """Each cap has one task that awaits it, as in the engine; they run side by side to save time."""
    async with asyncio.TaskGroup() as group:
        for contract in CONTRACTS:
            group.create_task(within_its_contract(*contract))
        group.create_task(no_wait_for_what_fits())
        group.create_task(nothing_taken_by_a_waiter_that_was_cancelled())
        group.create_task(one_call_in_a_longer_window())
