"""The figures of `volley status`: what there is to know of campaigns, trunks and the engine at one moment.

Plain values. How they are counted: `engine.ops.status`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.halts import Halt


@dataclass(slots=True)
class Rates:
    """Attempts begun, ended and answered in a span that ends now. An answer counts when its call has
    ended."""

    begun: int = 0
    ended: int = 0
    answered: int = 0

    @property
    def answer_seizure_ratio(self) -> float | None:
        """Answered of ended; None where none ended."""
        return self.answered / self.ended if self.ended else None

    def add(self, begun: int, ended: int, answered: int) -> None:
        self.begun += begun
        self.ended += ended
        self.answered += answered


@dataclass(slots=True)
class CampaignStatus:
    """One campaign. Instants in POSIX seconds."""

    id: int
    name: str
    title: str
    state: str
    priority: int
    start_at: float
    end_at: float | None
    closed_at: float | None
    contacts: int
    done: int
    pending: int = 0
    in_call: int = 0
    live_calls: int = 0
    next_due: float | None = None
    """When the next contact that waits is looked at; None when none waits."""
    callbacks_due: int = 0
    next_callback: float | None = None
    minute: Rates = field(default_factory=Rates)
    five_minutes: Rates = field(default_factory=Rates)
    dispositions: dict[str, int] = field(default_factory=dict)
    """Attempts by how they ended."""
    dispositions_of: int | None = None
    """How many attempts of all campaigns, the newest, were looked at for that; None: all."""
    contact_dispositions: dict[str, int] | None = None
    """Contacts that are done by their disposition; only where all is counted."""
    steered: dict[str, Any] = field(default_factory=dict)
    """What was changed since it was accepted: keys of the manifest and their values."""


@dataclass(slots=True)
class TrunkStatus:
    """One trunk. Limits are None for a trunk that has left the settings."""

    name: str
    live_calls: int
    max_channels: int | None
    cps: float | None
    minute: Rates
    pbx: str = ""
    priority: int = 0
    weight: float = 0.0
    drained: bool = False
    """It gets no new calls until it is resumed."""
    breaker: str = "closed"
    """`closed`, `open`, `half_open`, as the running engine has it; `closed` where none runs."""
    breaker_reason: str = ""
    breaker_at: float | None = None
    """Since when."""
    linked: bool = True
    """False: the running engine tells that it has no link to its PBX, and dials nothing by it."""


@dataclass(slots=True)
class Kept:
    """Retention: the periods of the settings in seconds, and what became of campaigns whose time is over."""

    contacts: float | None
    """None: contacts are kept for good."""
    jobs: float | None
    """None: what lies in the queue directory is kept for good."""
    overdue: int = 0
    """Campaigns whose contacts are to be purged now, or are being purged."""
    purged: int = 0
    """Campaigns whose contacts were purged."""
    last_purged_at: float | None = None


@dataclass(slots=True)
class Status:
    """Everything at one moment."""

    at: float
    engine_pid: int | None
    """None: no engine runs on this state directory."""
    live_calls: int
    max_channels: int
    cps: float
    minute: Rates
    five_minutes: Rates
    trunks: list[TrunkStatus]
    campaigns: list[CampaignStatus]
    retention: Kept
    halts: list[Halt] = field(default_factory=list)
    """Why nothing at all is dialed now; empty while there is no reason."""
