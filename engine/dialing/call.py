"""The life of one call, as a state machine without input or output.

Theory of operation. A call is CLAIMED when its attempt row is durable, SENT when its Originate is written; from
there on Asterisk tells: RINGING, UP, ENDED. `handle(event)` changes the state and returns what to do about it;
whoever drives the call does it. A call ends exactly once, whatever the order and the repetition of events:

- OriginateResponse comes before or after the Hangup of the same call. A failure without a hangup yet only asks for patience
  (AwaitHangup): the truth (cause, SIP status) is in the Hangup, and if none comes the call ends without. An answered call that `failed`
  was answered just when the Originate's time was up: it has a channel, so its Hangup comes.
- An event that skips a state (Up without Ringing, Hangup without Queued, a report without Up) is a fact all the same and moves the call
  there.
- Reports are numbered by the dialplan; a number that was seen is not taken twice.
- After ENDED nothing changes any more; a late report is still handed out, so that no key press and no opt-out is lost.

What we do ourselves is strict: sending a call that was sent, or of which Asterisk has told already, raises
ProtocolError.

Knows nothing of campaigns, rows, or AMI. Instants are POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from engine.channel import (
    ChannelEvent,
    HungUp,
    KeyPressed,
    OriginateFailed,
    Queued,
    Refused,
    Report,
    Ringing,
    Up,
)
from engine.dialing.disposition import Disposition, Ending, classify
from engine.dialing.effects import AwaitHangup, Effect, End, HeardKey, Keep, StartRingTimer, TakeKey
from engine.dialing.promise import Asked, asked


class State(StrEnum):
    CLAIMED = "claimed"
    SENT = "sent"
    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


class ProtocolError(Exception):
    """We erred: the call was driven in a way that its state does not allow."""


TIMEOUT_SLACK = 1.0
"""Seconds before its time-out from which on an unanswered call counts as given up by us; AstDB keeps whole seconds."""

WHOLE_SECOND = 1.0
"""What AstDB says happened at a second happened within it."""
OURS = frozenset({0, 408, 480, 487})
"""SIP statuses of a call that we gave up: none, Request Timeout, Request Terminated (our CANCEL); 480 is what Asterisk makes of
its own time-out (cause 19) before anything rang."""

REFUSED = "=refused"
"""End of the answer of who would not be recorded, or said nothing when asked: no key need have been pressed."""

_RINGING_OR_LATER = frozenset({State.RINGING, State.UP})


def verdict(reports: Sequence[Report]) -> str:
    """The last verdict on who answered, as STATUS/CAUSE; empty when there is none. The dialplan listens on after its
    first one, and reports may come in any order."""
    given = [one for one in reports if one.kind == "amd"]
    return max(given, key=lambda one: one.seq).value if given else ""


class Call:
    """One call. Feed it events; do what it returns."""

    __slots__ = (
        "amd",
        "answered",
        "answered_at",
        "asked",
        "attempt",
        "connected",
        "early_key",
        "ended_at",
        "granted",
        "heard_at",
        "opted_out",
        "pressed",
        "queued",
        "rang",
        "rang_at",
        "refusal",
        "reports",
        "result",
        "ring_timeout",
        "seen",
        "sent_at",
        "state",
        "timeout",
        "withdrawn",
    )

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.state = State.CLAIMED
        self.sent_at: float | None = None
        self.timeout = float("inf")
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.queued = False
        """Asterisk acknowledged the Originate, or showed by something else that it has it."""
        self.heard_at: float | None = None
        """When Asterisk first told of it. Its INVITE left before that, but perhaps long after `sent_at`."""
        self.rang = False
        self.rang_at: float | None = None
        """When that was seen; None also for a call of which it was learned at its end that it had rung."""
        self.ring_timeout = False
        self.withdrawn = False
        self.amd = ""
        self.pressed = False
        self.opted_out = False
        self.asked: Asked | None = None
        """The callback that the person asked for."""
        self.granted: float | None = None
        """When that callback can be made, as the person was told."""
        self.answered = False
        """A question was answered, whatever became of the call."""
        self.connected = False
        """Somebody to whom the callee was transferred has answered."""
        self.result = ""
        self.refusal = ""
        self.early_key = False
        self.seen: set[int] = set()
        self.reports: list[Report] = []

    def __repr__(self) -> str:
        return f"<Call v{self.attempt:016x} {self.state} reports={len(self.seen)}>"

    @property
    def unheard(self) -> bool:
        """Its Originate was written, and Asterisk has not told anything about it yet."""
        return self.state is State.SENT and not self.queued

    @property
    def nodes(self) -> list[str]:
        """The nodes of the flow that were begun, the last first."""
        return [report.value for report in reversed(self.reports) if report.kind == "play"]

    def dialed_by(self, now: float) -> float:
        """The latest instant at which its INVITE can have left: gaps and delays count from there. `now` for a call of
        which nothing was ever heard."""
        if self.heard_at is None:
            return now
        # What was read from AstDB is in the PBX's time, which may be behind ours.
        return max(self.heard_at, self.sent_at or self.heard_at)

    # -- what we do ----------------------------------------------------------------------------------------------------

    def sent(self, now: float, timeout: float) -> None:
        """The Originate has been written; Asterisk gives up `timeout` seconds after it."""
        if self.state is not State.CLAIMED:
            raise ProtocolError(f"{self!r} was already sent")
        self.state = State.SENT
        self.sent_at = now
        self.timeout = timeout

    def ring_timed_out(self) -> bool:
        """The ring time-out passed. True when the call must be hung up for it."""
        if self.state is not State.RINGING:
            return False
        self.ring_timeout = True
        return True

    def withdraw(self) -> bool:
        """The call is no longer wanted. True when the channel must be hung up; an answered call is left alone."""
        if self.state not in (State.SENT, State.RINGING):
            return False
        self.withdrawn = True
        return True

    def clock_was_set(self, jump: float) -> None:
        """The wall clock jumped by so many seconds: what is reckoned from goes with it."""
        if self.sent_at is not None:
            self.sent_at += jump
        if self.heard_at is not None:
            self.heard_at += jump
        if self.rang_at is not None:
            self.rang_at += jump
        if self.answered_at is not None:
            self.answered_at += jump
        if self.asked is not None:
            self.asked = replace(self.asked, at=self.asked.at + jump)
        if self.granted is not None:
            self.granted += jump
        self.reports = [replace(report, at=report.at + jump) for report in self.reports]

    def give_up(self, disposition: Disposition, now: float) -> list[Effect]:
        """End a call that Asterisk will say no more about, as `disposition`. Nothing when it has ended."""
        if self.state is State.ENDED:
            return []
        ending = Ending(
            answered=self.state is State.UP,
            rang=self.rang,
            gave_up=self.ring_timeout,
            withdrawn=self.withdrawn,
            amd=self.amd,
            pressed=self.pressed,
        )
        return self._end(disposition, ending, now)

    # -- what Asterisk tells -------------------------------------------------------------------------------------------

    def handle(self, event: ChannelEvent, now: float) -> list[Effect]:
        """Take one fact about the call; return what to do about it."""
        if isinstance(event, Report):
            return self._report(event, now)
        if self.state is State.ENDED:
            return []
        self._heard(min(now, event.at + WHOLE_SECOND) if isinstance(event, HungUp) else now)
        match event:
            case HungUp():
                return self._hung_up(event)
            case Up():
                if self.state is not State.UP:
                    self.state = State.UP
                    self.answered_at = now
            case Ringing():
                if self.state not in _RINGING_OR_LATER:
                    self.state = State.RINGING
                    self.rang = True
                    self.rang_at = now
                    return [StartRingTimer()]
            case KeyPressed():
                return self._key(event)
            case OriginateFailed():
                return [] if self.state is State.UP else [AwaitHangup()]
            case Refused():
                self.refusal = event.why
                return self._end(Disposition.FAILED, Ending(), now)
            case Queued():
                pass
        return []

    def _heard(self, now: float) -> None:
        self.queued = True
        if self.heard_at is None:
            self.heard_at = now

    def _report(self, report: Report, now: float) -> list[Effect]:
        if report.seq in self.seen:
            return []
        self.seen.add(report.seq)
        self.reports.append(report)
        if self.state is not State.ENDED:
            self._heard(min(now, report.at + WHOLE_SECOND))
            self.state = State.UP  # the dialplan runs in answered calls only
        if self.answered_at is None:
            self.answered_at = report.at
        match report.kind:
            case "amd":
                self.amd = verdict(self.reports).partition("/")[0]
                self.pressed = self.pressed or self.amd == "KEY"
            case "key":
                self.pressed = True
            case "optout":
                self.pressed = self.opted_out = True
            case "callback":
                self.pressed = True
                self.asked = asked(report.value, report.at)
            case "answer":
                if not report.value.endswith(REFUSED):
                    self.pressed = self.answered = True
            case "transfer":
                # A callback may begin with it, so it shows no key; where one led here, that was reported.
                if report.value.endswith("/answered"):
                    self.connected = True
                    self.result = "transferred"
            case "result":
                self.result = report.value
        return [Keep(report)]

    def _key(self, event: KeyPressed) -> list[Effect]:
        """A key before the verdict goes to its place, once; of later ones the dialplan hears those that it listens for. Keys
        that are pressed while somebody of ours talks are for them."""
        if self.state is not State.UP or self.connected:
            return []
        if self.amd or self.early_key or self.seen:
            return [HeardKey(event.digit)]
        self.early_key = True
        self.pressed = True
        return [TakeKey(event.digit, event.channel)]

    def _hung_up(self, event: HungUp) -> list[Effect]:
        answered = event.answered or self.state is State.UP
        self.rang = self.rang or event.rang
        began = self.heard_at if self.sent_at is None else self.sent_at
        # A final answer of the far end says more than our clock, which may have been set meanwhile.
        timed_out = (
            event.sip in OURS and began is not None and event.at - began >= self.timeout - TIMEOUT_SLACK
        )
        ending = Ending(
            answered=answered,
            rang=self.rang,
            cause=event.cause,
            sip=event.sip,
            gave_up=self.ring_timeout or timed_out,
            withdrawn=self.withdrawn,
            amd=self.amd,
            pressed=self.pressed,
        )
        return self._end(classify(ending), ending, event.at)

    def _end(self, disposition: Disposition, ending: Ending, now: float) -> list[Effect]:
        self.state = State.ENDED
        self.ended_at = now
        return [End(disposition, ending)]
