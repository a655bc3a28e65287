"""When contacts could be called first, and why not sooner: the gate's answers for many contacts, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.contacts import Contact
from engine.intake.lawful import never_dialed
from engine.rules.gate import CampaignRules, Past, Reason, decide


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

    def add(self, rules: CampaignRules, contact: Contact, past: Past, suppressed: bool, now: float) -> None:
        """Put a new contact to the gate at `now`."""
        verdict = decide(rules, never_dialed(contact, contact.numbers[0], suppressed=suppressed), past, now)
        if verdict.allowed:
            self.at_once += 1
        elif verdict.at is None:
            self.never[verdict.reason] = self.never.get(verdict.reason, 0) + 1
        else:
            later = self.later.setdefault(Reason(verdict.reason), Later())
            later.contacts += 1
            later.earliest, later.latest = min(later.earliest, verdict.at), max(later.latest, verdict.at)
