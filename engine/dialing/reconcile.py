"""Reconciliation: what became of the attempts that are open, told from what Asterisk knows now.

`settle` is pure: from an attempt and the evidence to one fate. Evidence is the list of live channels, the `sent`
marker that Asterisk wrote before the INVITE, and the `end` that the hangup handler wrote. What cannot be proven is
UNKNOWN; it counts as an attempt and is not redialed before the minimum gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.channel import HungUp, Report

LOOK_EVERY = 1.5
"""Seconds between two looks at what Asterisk knows."""
CALM = 1.0
"""A look that Asterisk answers within so many seconds is a calm one: it is not behind with what it was told."""
CALM_LOOKS = 3
"""So many calm looks in a row, and the AMI session that may have carried an Originate has nothing in hand any more:
it was reset, its first write after that ended it, and whatever it had begun has left a marker."""
MOST_LOOKS = 10
"""An Asterisk that is not calm by then is too busy for a proof."""


class Fate(StrEnum):
    """What became of an open attempt."""

    LIVES = "lives"
    ENDED = "ended"
    """The hangup handler saw it end."""
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Witness:
    """What Asterisk knows of one attempt."""

    live: bool = False
    ringing: bool = False
    up: bool = False
    sent_at: float | None = None
    end: HungUp | None = None
    reports: tuple[Report, ...] = ()
    bucket: int | None = None
    """Of the outbox, where its entries are."""


NOTHING = Witness()


def settle(witness: Witness, *, same_asterisk: bool, calm_looks: int, looks: int) -> Fate | None:
    """The fate of an open attempt; None: look again.

    `same_asterisk`: it has not been restarted since the attempt was claimed, so that an absent marker proves
    something. A call that has a marker and is neither live nor ended may have come to life between the snapshot and
    the marker's reading (a busy Asterisk works off what it was told before the link was lost), so that is never
    decided at the first look.
    """
    if witness.live:
        return Fate.LIVES
    if witness.end is not None:
        return Fate.ENDED
    if not same_asterisk:
        return Fate.UNKNOWN
    if calm_looks >= CALM_LOOKS:
        return Fate.NOT_SENT if witness.sent_at is None else Fate.UNKNOWN
    return Fate.UNKNOWN if looks >= MOST_LOOKS else None
