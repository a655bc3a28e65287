"""The desk's queue: requests that may take long, done one after another while the control door answers the others.

A request at the desk still lies in `control/`: it is answered by this engine, or begun anew by the next.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from engine.config import Settings
from engine.errors import StoreError
from engine.intake.durable import write_whole
from engine.intake.lists.desk import Desk
from engine.intake.lists.people import Clock
from engine.intake.lists.requests import DeskRequest, ForgetRequest
from engine.ops import log as events
from engine.ops.log import Log
from engine.store.writer import Writer

Settle = Callable[[Path, DeskRequest, Awaitable[dict[str, Any]]], Awaitable[None]]
"""Waits for the work on a request, and answers it."""


class Errands:
    """Requests at the desk, by the names of their files."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        clock: Clock,
        log: Log,
        suppressed: Callable[[list[int]], None],
        settle: Settle,
    ) -> None:
        self._desk = Desk(settings, writer, clock, log, suppressed)
        self._log = log
        self._settle = settle
        self._waiting: asyncio.Queue[tuple[Path, DeskRequest, str]] = asyncio.Queue()
        self._names: set[str] = set()
        self._broken: set[str] = set()
        """Requests that could not even be answered; they are left where they lie."""

    def __contains__(self, name: object) -> bool:
        """Is the request in this file taken care of?"""
        return name in self._names or name in self._broken

    def take(self, path: Path, request: DeskRequest, asker: str) -> None:
        """Do it when its turn comes. `asker` goes into the audit log."""
        self._names.add(path.name)
        self._waiting.put_nowait((path, request, asker))

    async def run(self) -> None:
        """Look after the lists once, and do requests until cancelled."""
        await self._desk.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._check(), name="control-lists")
            while True:
                path, request, asker = await self._waiting.get()
                try:
                    await self._settle(path, request, self._desk.do(request, asker))
                except Exception as error:  # a request must not stop the engine, nor come back at every look
                    self._broken.add(path.name)
                    self._log.error(events.CONTROL_REJECTED, request=ascii(path.name), problems=[repr(error)])
                finally:
                    self._names.discard(path.name)

    async def _check(self) -> None:
        """Is every list file what was written? Reads them whole, beside everything else."""
        try:
            await self._desk.check()
        except StoreError as error:
            self._log.error(events.STORE_FAILED, error=str(error))


def trace(path: Path, request: object, reply: dict[str, Any]) -> None:
    """A request that was done is kept beside its reply, but not the numbers of people who were to be forgotten."""
    if isinstance(request, ForgetRequest) and reply["ok"]:
        kept = request.model_dump(mode="json") | {"numbers": [f"{len(request.numbers)} forgotten"]}
        write_whole(path, json.dumps(kept, ensure_ascii=False) + "\n")
