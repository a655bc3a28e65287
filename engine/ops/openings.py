"""When contacts could be called first, and why not sooner: the gate's answers for many contacts, counted. Each is asked for
itself, as if it were the only one that is called: what calls of a job do to each other (a day's cap, a number that is in it
twice) is not in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.rules.gate import Reason, Verdict


@dataclass(slots=True)
class Later:
    """Contacts that one reason puts off. Instants in POSIX seconds."""

    contacts: int = 0
    earliest: float = float("inf")
    latest: float = float("-inf")


@dataclass(slots=True)
class Openings:
    """How many contacts may be called at once, later, never."""

    at_once: int = 0
    later: dict[str, Later] = field(default_factory=dict)
    """By the gate's reason."""
    never: dict[str, int] = field(default_factory=dict)
    """By the gate's reason."""

    @property
    def first(self) -> float | None:
        """The first instant at which a contact of those put off may be called."""
        return min((one.earliest for one in self.later.values()), default=None)

    def add(self, verdict: Verdict) -> None:
        """Count an answer of the gate."""
        if verdict.allowed:
            self.at_once += 1
        elif verdict.at is None:
            self.never[verdict.reason] = self.never.get(verdict.reason, 0) + 1
        else:
            later = self.later.setdefault(Reason(verdict.reason), Later())
            later.contacts += 1
            later.earliest, later.latest = min(later.earliest, verdict.at), max(later.latest, verdict.at)
