"""Requests about trunks: one that is worked on gets no new calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from engine.config import Settings
from engine.errors import InputError, Problem
from engine.intake.requests import TrunkRequest
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import trunks
from engine.store.writer import Writer


class Maintenance:
    """Drains trunks and resumes them. `steered(trunk, drained)` is told of it once it is stored."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        now: Callable[[], float],
        log: Log,
        steered: Callable[[str, bool], None],
    ) -> None:
        self._known = tuple(settings.trunk)
        self._writer = writer
        self._now = now
        self._log = log
        self._steered = steered

    async def do(self, request: TrunkRequest, asker: str) -> dict[str, Any]:
        """Do it; the reply. `asker` goes into the audit log. Raises InputError when there is no such trunk."""
        name = request.trunk
        if name not in self._known:
            known = "known: " + ", ".join(self._known)
            raise InputError([Problem("trunk", f"there is no trunk {name!r} in the settings", known)])
        drain = request.action == "drain_trunk"
        live = await self._writer.submit(
            partial(trunks.steer, name=name, drain=drain, now=self._now(), actor=asker, reason=request.reason)
        )
        self._steered(name, drain)
        event = events.TRUNK_DRAINED if drain else events.TRUNK_RESUMED
        self._log.info(event, trunk=name, by=request.by, live=live)
        return {"trunk": name, "drained": drain, "live_calls": live}
