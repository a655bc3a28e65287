"""The figures of a campaign's report: plain values. How they are counted: `engine.ops.report.read`.

Instants in POSIX seconds, spans in seconds, shares between 0 and 1. "Sent" are attempts that ended and of which it is not proven that
nothing was dialed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.ops.summary import Summary


@dataclass(frozen=True, slots=True)
class Column:
    """Attempts that left within one span of time, by disposition."""

    at: float
    attempts: dict[str, int]


@dataclass(slots=True)
class Hour:
    """Attempts at one hour of one weekday, by the clock at the callee's place. Monday is 0."""

    weekday: int
    hour: int
    sent: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """People for whom so many attempts were sent, and how many of them answered one in person."""

    attempts: int
    contacts: int
    reached: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answering-machine detection said of answered calls, and why: AMDSTATUS and AMDCAUSE (app_amd). Empty: it said nothing."""

    verdict: str
    reason: str
    calls: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key at one node of the flow."""

    node: str
    key: str
    presses: int
    calls: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of many spans, and what 95 in 100 stay below, to a twentieth of a second. Of `count` that were measured."""

    count: int
    median: float
    most: float


@dataclass(frozen=True, slots=True)
class Ending:
    """Unanswered attempts of a trunk that ended alike."""

    trunk: str
    disposition: str
    sip: int
    cause: int
    attempts: int


@dataclass(slots=True)
class Trunk:
    """What a trunk did for the campaign."""

    name: str
    sent: int = 0
    answered: int = 0
    talk: float = 0.0
    congested: int = 0
    """Attempts that it, or the network behind it, had no room for."""
    delay: Spread | None = None
    """From the Originate to the first ringing (post-dial delay); None: of none is it known."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What the law of a country allows, in percent: the campaign slows down at `throttle`, and stops at `stop`."""

    region: str
    rule: str
    percent: float
    throttle: float
    stop: float


@dataclass(frozen=True, slots=True)
class Day:
    """Calls of one day (UTC) that a live person answered, and those of them that were abandoned."""

    at: float
    live: int
    abandoned: int


@dataclass(slots=True)
class Abandonment:
    """Live people who heard nothing in time (engine.rules.abandonment)."""

    days: list[Day] = field(default_factory=list)
    live: int = 0
    """Of the last 30 days, over which the law counts."""
    abandoned: int = 0
    limits: list[Limit] = field(default_factory=list)
    wait: Spread | None = None
    """From the end of the greeting to the first audio."""

    @property
    def share(self) -> float | None:
        return self.abandoned / self.live if self.live else None


@dataclass(slots=True)
class Figures:
    """Everything that the page shows."""

    at: float
    """When it was counted."""
    summary: Summary
    """Its answers and goals without what may be somebody's number."""
    width: float = 0.0
    """Of a column."""
    columns: list[Column] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)
    """Those with attempts."""
    placeless: int = 0
    """Attempts that are in no hour: the callee's place has several clocks, or is not known."""
    rounds: list[Round] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    keys: list[Pressed] = field(default_factory=list)
    """Not of nodes where digits are typed."""
    typed: dict[str, int] = field(default_factory=dict)
    """Questions whose answers are not told, for they may be somebody's number, or there are too many different ones -> times."""
    trunks: list[Trunk] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    heard: float | None = None
    """The mean share of the message that people heard."""
    abandonment: Abandonment = field(default_factory=Abandonment)

    @property
    def contacts(self) -> int:
        return sum(self.summary.contacts.values()) + self.summary.open_contacts

    @property
    def reached(self) -> int:
        """People who answered in person at least once."""
        return sum(one.reached for one in self.rounds)
