"""Reconciliation: what became of the attempts that are open, told from what Asterisk knows now.

`settle` is pure: from an attempt and the evidence to one fate. Evidence is the list of live channels, the `sent` marker that Asterisk wrote
before the INVITE, and the `end` that the hangup handler wrote. What cannot be proven is UNKNOWN; it counts as an attempt and is not
redialed before the minimum gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.channel import HungUp, Report


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


NOTHING = Witness()


def settle(witness: Witness, *, same_asterisk: bool, session_gone: bool) -> Fate:
    """The fate of an open attempt.

    `same_asterisk`: it has not been restarted since the attempt was claimed, so that an absent marker proves something. `session_gone`: the
    AMI session that may have carried the Originate has ended, so that nothing more can come out of it.
    """
    if witness.live:
        return Fate.LIVES
    if witness.end is not None:
        return Fate.ENDED
    if witness.sent_at is None and same_asterisk and session_gone:
        return Fate.NOT_SENT
    return Fate.UNKNOWN
