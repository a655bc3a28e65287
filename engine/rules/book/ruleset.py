"""What binds one call: the strictest of all rules that may hold for it, ready to be evaluated.

Values only; each carries the id of the rule that it comes from, so that a refusal can be explained. How they come
about: `compose`. What they mean for a call: `checks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.rules.book.calendar import Calendar
from engine.rules.book.entry import After, Level, Line, Proof, Purpose, Scope, Topic
from engine.rules.book.weeks import Spans
from engine.rules.hours import Hours


@dataclass(frozen=True, slots=True)
class ConsentNeed:
    """The consent that a call needs; `max_age` in seconds."""

    level: Level
    proof: tuple[Proof, ...]
    max_age: float | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegistryNeed:
    """A list that must be at hand and not be older than `max_age` seconds; `exempt` is the consent that outranks it."""

    registry: str
    max_age: float
    exempt: Level | None
    rule: str


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` calls in any `period` seconds, counted over `scope`; not with the consent `unless`."""

    most: int
    period: float
    scope: Scope
    unless: Level | None
    rule: str


@dataclass(frozen=True, slots=True)
class Gap:
    """No call for `gap` seconds after it happened; None: not before the next calendar day at the callee's place."""

    after: After
    gap: float | None
    rule: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A length of time, in seconds: at least or at most, as the field that holds it says."""

    seconds: float
    rule: str


@dataclass(frozen=True, slots=True)
class CallerIds:
    """Prefixes of E.164 numbers that may be shown (none: all), and that may not."""

    allowed: tuple[str, ...]
    denied: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Abandonment:
    """Shares in percent over `period` seconds."""

    percent: float
    throttle: float
    stop: float
    period: float
    rule: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All that binds a call of one purpose to one place, at one time."""

    region: str
    subdivisions: tuple[str, ...]
    """Those whose own rules were looked for; every one of them is obeyed."""
    purpose: Purpose
    topics: frozenset[Topic]
    line: Line
    version: str
    """Of the book; goes into each decision."""
    rules: tuple[str, ...]
    """Ids of the rules that it was made of, sorted."""
    week: Spans
    calendars: frozenset[Calendar]
    """Nobody is called on the public holidays of these."""
    hours: Hours = field(compare=False)
    """`week` and `calendars`, compiled."""
    consent: ConsentNeed | None
    registries: tuple[RegistryNeed, ...]
    caps: tuple[Cap, ...]
    gaps: tuple[Gap, ...]
    ring: Limit | None
    """Let it ring so long at least."""
    message: Limit | None
    """The message lasts so long at most."""
    silence: Limit | None
    """From the end of the greeting to the first audio at most."""
    caller_ids: tuple[CallerIds, ...]
    abandonment: tuple[Abandonment, ...]

    @property
    def emergency(self) -> bool:
        """An emergency call: it may lack hours, registry and consent, and needs approvals, which the gate asks for."""
        return self.purpose == "emergency"

    def history(self) -> tuple[tuple[Scope, int, float], ...]:
        """What caps need to know: for each scope how many of the newest attempts, and how far back, in seconds."""
        scopes: dict[Scope, tuple[int, float]] = {}
        for cap in self.caps:
            most, period = scopes.get(cap.scope, (0, 0.0))
            scopes[cap.scope] = (max(most, cap.most), max(period, cap.period))
        return tuple((scope, most, period) for scope, (most, period) in scopes.items())

    def afters(self) -> Sequence[After]:
        """Of which events the gaps need to know the last instant."""
        return tuple(dict.fromkeys(gap.after for gap in self.gaps))


@dataclass(frozen=True, slots=True)
class NoRules:
    """Nothing is known that would allow the call: it is blocked. `reason` says what is missing and what to do."""

    reason: str
    version: str
