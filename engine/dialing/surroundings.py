"""What the dialing needs of the world around it: the time, and a PBX's channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from engine.ami.outbox import Evidence

REAP_GRACE = 30.0
"""Seconds added to a call's longest possible length before its missing events are missed."""


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for deadlines; both in seconds."""

    def now(self) -> float: ...

    def mono(self) -> float: ...


class Channels(Protocol):
    """What the follower asks of a PBX."""

    async def hang_up(self, channel: str) -> bool: ...

    async def redirect(self, channel: str, context: str, exten: str) -> bool: ...

    async def set_variables(self, channel: str, values: Mapping[str, str]) -> None: ...

    async def evidence_of(self, attempt: int) -> Evidence | None: ...
