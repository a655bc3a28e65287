"""The hard cap, on a real loop and a real clock: some two seconds in all."""

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


async def test_no_window_carries_more_than_the_contract() -> None:
    """Each cap has one task that awaits it; they run side by side."""
    found = await asyncio.gather(*(taken(Cap(cps), calls) for cps, calls, _, _ in CONTRACTS))
    for at, (_, _, within, window) in zip(found, CONTRACTS, strict=True):
        for first, last in zip(at, at[within:], strict=False):
            assert last - first >= window - 0.001


async def test_what_fits_does_not_wait() -> None:
    cap = Cap(50.0)
    began = time.monotonic()
    await taken(cap, 50)
    assert time.monotonic() - began < 0.2


async def test_a_waiter_that_is_cancelled_takes_nothing() -> None:
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


async def test_a_rate_below_one_a_second_is_one_call_in_a_longer_window() -> None:
    cap = Cap(0.5)
    await cap.take()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await cap.take()
