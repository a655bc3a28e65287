"""SIGTERM and SIGINT: the first begins the orderly end, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal

from engine.ops import log as events
from engine.ops.log import Lines, Log


def heed(stop: asyncio.Event, lines: Lines | None, log: Log) -> None:
    """Set `stop` at the first signal."""

    def signalled() -> None:
        if stop.is_set():
            log.warning(events.ENGINE_STOPPED, how="at once: second signal")
            if lines is not None:
                lines.flush()
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
