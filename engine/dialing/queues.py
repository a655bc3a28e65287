"""Asks queues how many of their agents are free, while campaigns run that may lead there.

What they tell goes to `Agents`: a campaign is dialed no faster than somebody is there to take its callees. Of a queue that cannot
tell (there is none of that name) the target's `places` alone count; a PBX whose link is down has nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from engine.dialing.agents import Agents
from engine.errors import AmiError
from engine.ops import log as events
from engine.ops.log import Log

ASK_EVERY = 1.0
"""Seconds between two questions to a queue."""


class Pbx(Protocol):
    """What is asked of a PBX."""

    up: bool

    async def queue(self, name: str) -> tuple[int, int]: ...


class Queues:
    """Owns what is known of the queues' agents."""

    def __init__(
        self,
        agents: Agents,
        pbxs: Mapping[str, Pbx],
        targets: Callable[[], Iterable[str]],
        wake: Callable[[], None],
        log: Log,
    ) -> None:
        """`targets()`: the transfer targets of the campaigns that run; `wake()` is told when there is room again."""
        self._agents = agents
        self._pbxs = pbxs
        self._targets = targets
        self._wake = wake
        self._log = log
        self._told: dict[tuple[str, str], str] = {}
        """What was logged last of a target's queue on a PBX."""

    def __repr__(self) -> str:
        return f"<Queues {self._told}>"

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(ASK_EVERY)

    async def look(self) -> None:
        """Ask once each queue that a running campaign may lead to."""
        for target, queue in self._agents.queues(set(self._targets())).items():
            for name, pbx in self._pbxs.items():
                free: int | None = 0
                why = ""
                if pbx.up:
                    try:
                        available, waiting = await pbx.queue(queue)
                        free = max(0, available - waiting)
                    except AmiError as error:
                        free, why = None, str(error)
                    self._tell(target, name, free, why)
                if self._agents.staffed(target, name, free):
                    self._wake()

    def _tell(self, target: str, pbx: str, free: int | None, why: str) -> None:
        """Log it when nobody is free, when somebody is again, and when the queue cannot be asked."""
        word = "unknown" if free is None else ("free" if free else "busy")
        if self._told.get((target, pbx), "free") == word:
            return
        self._told[target, pbx] = word
        if free is None:
            self._log.warning(events.QUEUE_STAFFED, target=target, pbx=pbx, word=word, free=None, why=why)
        else:
            self._log.info(events.QUEUE_STAFFED, target=target, pbx=pbx, word=word, free=free, why=why)
