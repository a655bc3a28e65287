"""What a channel in Asterisk tells, and the id that is ours on it.

The words in which `engine.ami` (which produces them) and `engine.dialing` (which understands them) speak: typed
events, one a fact. Knows nothing of AMI messages nor of campaigns.

An attempt's id is a 63-bit integer, time-ordered; as text it is `v` and 16 hexadecimal digits. That text is the
ActionID, the ChannelId (so the channel's Uniqueid) and the channel variable VOLLEY_ATTEMPT. It is fixed-width
because Asterisk matches channel ids by prefix.
"""

from __future__ import annotations

import re

from engine.values import hot_value

_OURS = re.compile(r"v[0-9a-f]{16}")
BUCKET_SECONDS = 20
"""AstDB entries of attempts made within the same twenty seconds share a bucket, dropped as a whole: short, so that
what a reconnecting engine has to read is about what it does not know yet."""


def channel_id(attempt: int) -> str:
    """The id of an attempt as Asterisk sees it."""
    return f"v{attempt:016x}"


def attempt_of(text: str) -> int | None:
    """The attempt behind a channel id; None for channels that are not ours."""
    return int(text[1:], 16) if _OURS.fullmatch(text) else None


def attempt_id(now: float, last: int) -> int:
    """A new attempt id at `now` (POSIX seconds), above `last` also when the clock went backwards."""
    return max(int(now * 1000) << 16, last + 1)


def created_at(attempt: int) -> float:
    """The instant (POSIX seconds) in an attempt's id."""
    return (attempt >> 16) / 1000


def bucket_of(attempt: int) -> int:
    """The AstDB bucket of an attempt: its creation time in units of BUCKET_SECONDS."""
    return int(created_at(attempt)) // BUCKET_SECONDS


@hot_value(frozen=True, slots=True)
class Queued:
    """Asterisk acknowledged the Originate. Not a result."""

    attempt: int


@hot_value(frozen=True, slots=True)
class Refused:
    """Asterisk refused the Originate at once: nothing was dialed."""

    attempt: int
    why: str


@hot_value(frozen=True, slots=True)
class Ringing:
    """The callee's side rings."""

    attempt: int


@hot_value(frozen=True, slots=True)
class Up:
    """The callee's side answered."""

    attempt: int


@hot_value(frozen=True, slots=True)
class OriginateFailed:
    """OriginateResponse: Failure. May come before or after the Hangup, or alone when there never was a channel."""

    attempt: int
    reason: int


@hot_value(frozen=True, slots=True)
class Report:
    """A line that the dialplan reported: UserEvent and AstDB entry alike. `seq` numbers the lines of one call from
    1.

    Kinds: `amd` (STATUS/CAUSE), `play` (node), `key` (digit@node), `optout` (node), `callback` (delay in seconds),
    `result` (word), `end`.
    """

    attempt: int
    seq: int
    kind: str
    value: str
    at: float


@hot_value(frozen=True, slots=True)
class KeyPressed:
    """DTMFEnd: the callee pressed a key, heard by the channel whatever the dialplan was doing."""

    attempt: int
    digit: str
    channel: str
    """The channel's name, for a Redirect."""


@hot_value(frozen=True, slots=True)
class HungUp:
    """The channel is gone. `sip` is the final SIP status, 0 when there was none."""

    attempt: int
    cause: int
    sip: int
    at: float
    """When, POSIX seconds."""
    answered: bool = False
    """The channel was up when it was hung up."""
    rang: bool = False
    """The channel was ringing when it was hung up."""


@hot_value(frozen=True, slots=True)
class InboundOptOut:
    """Somebody who called one of our numbers back pressed the key for never again. UserEvent and AstDB entry alike; it
    belongs to no attempt, so it is no ChannelEvent."""

    call: str
    """The channel's Uniqueid, without signs other than letters, digits and dots."""
    number: str
    """The calling number as it arrived: digits, with at most a plus before them."""
    called: str
    """The number of ours that was called, as it arrived: digits."""
    at: float


ChannelEvent = Queued | Refused | Ringing | Up | OriginateFailed | Report | KeyPressed | HungUp
