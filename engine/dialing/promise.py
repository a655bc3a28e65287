"""A callback that somebody asked for: when, and with what it begins. Pure; instants are POSIX seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.rules.hours import zone

_AFTER = re.compile(r"[0-9]{1,8}")
"""Three years at most: a manifest cannot say more than 400 days, a context of one's own anything."""
_AT = re.compile(r"at([01][0-9]|2[0-3])([0-5][0-9])(\+1)?")
UNREADABLE = 3600.0
"""Seconds until the callback of a wish that cannot be read: it was one all the same."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for at `at`."""

    at: float
    after: float | None
    """So many seconds later; None: at a time of day."""
    hour: int = 0
    minute: int = 0
    tomorrow: bool = False
    start: str = ""
    """The node with which the callback begins; empty: as any call."""

    def instant(self, zones: tuple[str, ...]) -> float:
        """When that is. A time of day is read at the first of the callee's zones (UTC where none is known): the next time
        that it is so late there, or that time on the next day."""
        if self.after is not None:
            return self.at + self.after
        where = (zone(zones[0]) if zones else None) or UTC
        here = datetime.fromtimestamp(self.at, where)
        days = 1 if self.tomorrow else 0
        while True:
            local = (here + timedelta(days=days)).replace(
                hour=self.hour, minute=self.minute, second=0, microsecond=0
            )
            for fold in (0, 1):  # a time that happens twice (PEP 495): the first one that is still to come
                then = local.replace(fold=fold).timestamp()
                if then > self.at:
                    return then
            days += 1


def asked(value: str, at: float) -> Asked:
    """The dialplan's words: `3600`, `at1430`, `at1000+1`; after a `>` the node with which the callback begins."""
    when, _, start = value.partition(">")
    if _AFTER.fullmatch(when):
        return Asked(at, float(when), start=start)
    found = _AT.fullmatch(when)
    if found is None:
        return Asked(at, UNREADABLE, start=start)
    return Asked(at, None, int(found[1]), int(found[2]), found[3] is not None, start)
