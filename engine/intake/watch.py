"""Tells when to look at the queue directory again.

By the kernel's notifications where there are any, and by the clock where there are none: on network file
systems nobody tells of what another machine did, and a job that is being copied in settles without a further
event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import watchfiles


async def watch(folders: Sequence[Path], tick: float) -> AsyncGenerator[None]:
    """Yields at once, after every change in `folders` (not below them), and every `tick` seconds at least.

    Where notifications cannot be had (no inotify watches left, a file system without them) the clock alone
    remains.
    """
    yield None
    try:
        async for _ in watchfiles.awatch(
            *folders,
            recursive=False,
            debounce=50,
            step=50,
            rust_timeout=round(tick * 1000),
            yield_on_timeout=True,
        ):
            yield None
    except (OSError, RuntimeError, ExceptionGroup):  # the group: a name that is not UTF-8
        while True:
            await asyncio.sleep(tick)
            yield None
