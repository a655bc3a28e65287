"""Keeps the process that hears alive, and the PBXs told where it is.

A PBX without the detector's address, or with that of a dead one, tells people from machines by Asterisk's AMD() (volley-call). So
nothing waits for the detector, and nothing ends with it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Protocol

import orjson

from engine.child import Child, child, how
from engine.detector_settings import DetectorSettings
from engine.errors import AmiError
from engine.ops import log as events
from engine.ops.log import Log

FAMILY = "volleydetector"
"""AstDB family, read by [volley-call]: `at` is the address."""
SILENCE = 6.0
"""Seconds without a word from it after which it is stuck; it says one every second."""
RETRY, RETRY_MOST = 1.0, 30.0
"""Seconds until it is started again; twice as many each time that it did not live for RETRY_MOST."""


class Reached(Protocol):
    """A PBX, as far as the detector goes."""

    detector: str

    async def tell_detector(self) -> None:
        """Write the address where calls look for it. Raises AmiError."""


def entries(address: str) -> dict[str, str]:
    """The family's entries."""
    return {"at": address} if address else {}


class Keeper:
    """Starts the detector, again and again."""

    def __init__(
        self,
        settings: DetectorSettings,
        hosts: Mapping[str, str],
        pbxs: Mapping[str, Reached],
        late: Callable[[str, str], None],
        log: Log,
    ) -> None:
        """`late` is told of a channel that turns out to be a machine while its message plays, with the cause."""
        self._settings = settings
        self._late = late
        self._pbxs: list[Reached] = [pbx for name, pbx in pbxs.items() if settings.reaches(hosts[name])]
        self._log = log
        self.counts: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Keeper {self._settings.listen} {self.counts}>"

    @property
    def needed(self) -> bool:
        """Is there a PBX that could reach it?"""
        return bool(self._pbxs)

    async def run(self) -> None:
        """Until cancelled."""
        wait = RETRY
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                why = await self._live()
            finally:
                self._set("")
            wait = RETRY if loop.time() - began > RETRY_MOST else min(2 * wait, RETRY_MOST)
            self._log.error(events.DETECTOR_LOST, why=why, retry_in=wait, calls="told by AMD()")
            await self._tell()
            await asyncio.sleep(wait)

    async def _live(self) -> str:
        """One life of the process. Returns why it ended."""
        try:
            async with child("engine.detection.process", self._request()) as process:
                return await self._listen(process)
        except OSError as error:
            return f"cannot be started: {error}"

    async def _listen(self, process: Child) -> str:
        try:
            messages: AsyncGenerator[dict[str, Any]] = process.messages(SILENCE)
            async with aclosing(messages):
                async for message in messages:
                    if "address" in message:
                        self._set(message["address"])
                        self._log.info(events.DETECTOR_STARTED, address=message["address"])
                        await self._tell()
                    elif "late" in message:
                        self._late(message["late"], message["cause"])
                    else:
                        self.counts = message
        except TimeoutError:
            return f"said nothing for {SILENCE:g} seconds"
        status, words = await process.ended()
        return words.splitlines()[-1] if words else how(status)

    def _request(self) -> bytes:
        host, port = self._settings.address
        return orjson.dumps(
            {
                "host": host,
                "port": port,
                "allow": [str(one) for one in self._settings.allow],
                "most": self._settings.calls,
                "parent": os.getpid(),
            }
        )

    def _set(self, address: str) -> None:
        for pbx in self._pbxs:
            pbx.detector = address

    async def _tell(self) -> None:
        """Tell every PBX that is linked; the others are told when they are."""
        for pbx in self._pbxs:
            with suppress(AmiError):  # its next login tells it
                await pbx.tell_detector()
