"""When contacts could be called first, and why not sooner: the gate's answers for many contacts, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.contacts import Contact, consent_text
from engine.rules.gate import CampaignRules, Candidate, Past, Reason, decide


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
        verdict = decide(rules, candidate(contact, suppressed), past, now)
        if verdict.allowed:
            self.at_once += 1
        elif verdict.at is None:
            self.never[verdict.reason] = self.never.get(verdict.reason, 0) + 1
        else:
            later = self.later.setdefault(Reason(verdict.reason), Later())
            later.contacts += 1
            later.earliest, later.latest = min(later.earliest, verdict.at), max(later.latest, verdict.at)


def candidate(contact: Contact, suppressed: bool) -> Candidate:
    """A contact that was never dialed, as the gate sees it."""
    number = contact.numbers[0]
    return Candidate(
        e164=number.e164,
        region=number.region,
        kind=number.kind,
        zones=number.zones,
        suppressed=suppressed,
        line_in_use=False,
        attempts=0,
        callback=False,
        callbacks=0,
        last_attempt_at=None,
        timezone=contact.timezone or "",
        subdivision=contact.subdivision or "",
        postal_code=contact.postal_code or "",
        consent=consent_text(contact.consent),
        call_from=contact.call_from,
        call_to=contact.call_to,
        not_before=None if contact.not_before is None else contact.not_before.timestamp(),
        expires=None if contact.expires is None else contact.expires.timestamp(),
    )
