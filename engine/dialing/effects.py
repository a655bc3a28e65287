"""What a call asks of whoever drives it: the values that `Call.handle` returns."""

from __future__ import annotations

from engine.channel import Report
from engine.dialing.disposition import Disposition, Ending
from engine.values import hot_value


@hot_value(frozen=True, slots=True)
class StartRingTimer:
    """It rings: hang up when the ring time-out passes without an answer."""


@hot_value(frozen=True, slots=True)
class AwaitHangup:
    """The Originate failed and no Hangup was seen yet: wait a little for it, then call `give_up`."""


@hot_value(frozen=True, slots=True)
class TakeKey:
    """A key came while the dialplan listens for none (answering-machine detection): send the channel to the key's
    place."""

    digit: str
    channel: str


@hot_value(frozen=True, slots=True)
class HeardKey:
    """A key during the flow. The dialplan may not be listening (a voicemail message, a confirmation): an opt-out counts all the same."""

    digit: str


@hot_value(frozen=True, slots=True)
class Keep:
    """Store this report with the call."""

    report: Report


@hot_value(frozen=True, slots=True)
class End:
    """The call is over. Comes exactly once."""

    disposition: Disposition
    ending: Ending


Effect = StartRingTimer | AwaitHangup | TakeKey | HeardKey | Keep | End
