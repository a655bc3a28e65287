"""What a receiver's answer means, and what follows: for the event that was sent, and for the receiver.

Decides only: no clock, no dice of its own (`dice` is a number from 0 to 1). Seconds everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

FIRST_WAIT = 1.0
LONGEST_WAIT = 300.0
"""Between two tries: doubled from the first to the longest."""
LONGEST_HEEDED = 3600.0
"""What a receiver may ask for by Retry-After."""
REFUSALS = 5
"""Tries of an event that a receiver may refuse, one with another; then it is given up."""
FAILURES = 3
"""Failures in a row after which it is the receiver that is taken for ill, and not the event."""


class Meaning(Enum):
    """Of an answer."""

    TAKEN = "taken"
    LATER = "later"
    """Not now: no answer at all, 408, 429, 5xx (RFC 9110, sections 15.5.9 and 15.6; RFC 6585, section 4)."""
    REFUSED = "refused"
    """Not this: any other status. A redirect (3xx) is one: an address is what the settings say, and nobody else."""
    GONE = "gone"
    """Never again: 410 (RFC 9110, section 15.5.11)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 when there was no answer; `error` is empty when the event was taken."""

    meaning: Meaning
    status: int = 0
    error: str = ""
    retry_after: float | None = None
    """Seconds that the receiver asked to be left alone."""


def of_status(status: int, reason: str, retry_after: float | None = None) -> Answer:
    """The answer in an HTTP status."""
    if 200 <= status <= 299:
        return Answer(Meaning.TAKEN, status)
    if status == 410:
        meaning = Meaning.GONE
    elif status in (408, 429) or 500 <= status <= 599:
        meaning = Meaning.LATER
    else:
        meaning = Meaning.REFUSED
    told = f"answered {status} {reason}".rstrip()
    if 300 <= status <= 399:
        told += "; redirects are not followed: put the final address into url"
    return Answer(meaning, status, told, retry_after)


def wait(tries: int, dice: float) -> float:
    """Seconds until the next try after so many: doubled each time, and anything from half of that to all of it, so that
    what failed together does not come back together."""
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 30))
    return longest * (0.5 + dice / 2.0)


def gives_up(answer: Answer, refused: int) -> bool:
    """Is an event given up that was refused so often, this answer among them?"""
    return answer.meaning is Meaning.REFUSED and refused >= REFUSALS


class Health:
    """How a receiver fares. One that fails is left alone, longer each time, and then asked with a single event."""

    __slots__ = ("failures", "rests_until")

    def __init__(self) -> None:
        self.failures = 0
        """In a row."""
        self.rests_until = float("-inf")
        """Nothing is sent before this instant, monotonic."""

    def __repr__(self) -> str:
        return f"<Health failures={self.failures} rests_until={self.rests_until:.1f}>"

    @property
    def ill(self) -> bool:
        return self.failures >= FAILURES

    def room(self, parallel: int, mono: float) -> int:
        """How many events may be under way."""
        if mono < self.rests_until:
            return 0
        return 1 if self.ill else parallel

    def note(self, answer: Answer, mono: float, dice: float) -> None:
        """Take an answer into account."""
        if answer.meaning is Meaning.TAKEN:
            self.failures = 0
            return
        self.failures += 1
        if self.ill:
            self.rests_until = max(self.rests_until, mono + wait(self.failures - FAILURES + 1, dice))
        if answer.retry_after is not None:
            asked = min(max(0.0, answer.retry_after), LONGEST_HEEDED)
            self.rests_until = max(self.rests_until, mono + asked)
