"""Writes how completed campaigns went: the summary at once, then the page, which takes some seconds for a million contacts.

A task of its own, so that nothing else waits for it. What a full disk refuses is tried again.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from engine.clock import Clock
from engine.config import Settings
from engine.errors import StoreFault, VolleyError
from engine.ops import log as events
from engine.ops import summary
from engine.ops.log import Log
from engine.ops.report.write import write

REPORT_RETRY = 10.0
"""Seconds until what could not be written is tried again."""


class Reports:
    """Takes campaigns that are complete."""

    def __init__(self, settings: Settings, clock: Clock, log: Log) -> None:
        self._settings = settings
        self._clock = clock
        self._log = log
        self._unwritten: dict[int, str] = {}
        """Campaigns without a summary: id -> name."""
        self._undrawn: dict[int, str] = {}
        """Campaigns without a page: id -> name."""
        self._due = asyncio.Event()
        self._stopped = threading.Event()

    def __repr__(self) -> str:
        return f"<Reports unwritten={len(self._unwritten)} undrawn={len(self._undrawn)}>"

    def completed(self, campaign_id: int, name: str) -> None:
        """This campaign is complete."""
        self._unwritten[campaign_id] = name
        self._undrawn[campaign_id] = name
        self._due.set()

    async def run(self) -> None:
        """Until cancelled; what is being counted then is given up at once."""
        retry_at = float("-inf")
        try:
            while True:
                await self._due.wait()
                if self._clock.mono() < retry_at:
                    await asyncio.sleep(1.0)
                    continue
                try:
                    await self._write()
                    await self._draw()
                    if not self._unwritten:
                        self._due.clear()
                except (VolleyError, OSError) as error:
                    retry_at = self._clock.mono() + REPORT_RETRY
                    if not isinstance(error, StoreFault):  # that one is told by the writer's health
                        self._log.error(events.STORE_FAILED, error=str(error))
        finally:
            self._stopped.set()

    async def _write(self) -> None:
        for campaign_id, name in list(self._unwritten.items()):
            counts = await asyncio.to_thread(summary.dispositions, self._settings.database, campaign_id)
            await asyncio.to_thread(summary.write, self._settings, campaign_id)
            del self._unwritten[campaign_id]
            self._log.info(
                events.CAMPAIGN_COMPLETED,
                campaign=name,
                contacts=sum(counts.values()),
                dispositions=counts,
            )

    async def _draw(self) -> None:
        while self._undrawn and not self._unwritten:  # a summary never waits for a page
            campaign_id = next(iter(self._undrawn))
            await asyncio.to_thread(self._page, campaign_id)
            del self._undrawn[campaign_id]

    def _page(self, campaign_id: int) -> Path:
        return write(self._settings, campaign_id, self._clock.now(), self._stopped.is_set)
