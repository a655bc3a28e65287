"""What goes into a claim and what comes out of it. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.rules.gate import CampaignRules, Verdict
from engine.values import hot_value


@hot_value(frozen=True, slots=True)
class Claimant:
    """A running campaign as the claim sees it."""

    campaign_id: int
    rules: CampaignRules
    flow_version: str
    trunks: frozenset[str]
    room: int
    """How many more calls its own limits allow now."""
    start_room: Mapping[str, int] = field(default_factory=dict)
    """How many callbacks that begin with a node (its name) find somebody free there."""
    all_trunks: frozenset[str] = frozenset()
    """Those that it may use beside, which have no free channel now."""
    congestion_delay: float = 120.0
    """Seconds for which a trunk that refused a contact is not tried again for it, while others may be."""
    most_of: Callable[[str, str], Mapping[str, float]] | None = None
    """What a call to a number (E.164, region) may come to, by trunk, where it hangs on the number."""


@hot_value(frozen=True, slots=True)
class Claim:
    """A durable attempt that is to be sent."""

    attempt: int
    contact_id: int
    campaign_id: int
    number_id: int
    e164: str
    dialed: str
    caller_id: str
    trunk: str
    kind: str
    position: int
    numbers: int
    attempts: int
    tries: dict[str, int]
    invalid: frozenset[int]
    callback_id: int | None
    callbacks: int
    """Callbacks dialed before this attempt."""
    flow_version: str
    language: str
    fields: str
    """JSON object of the contact's own columns."""
    created_at: float
    zones: tuple[str, ...] = ()
    """Where the callee may be, by the contact's own word or by the number: IANA names, the likeliest first."""
    spoken: str = "{}"
    """JSON object: fields that are spoken, as the say applications take them."""
    start: str = ""
    """The node of the flow with which a callback begins; empty: as any call."""
    speech: str = ""
    """JSON list: names of the sounds that are this contact's alone, in the order of the campaign's texts; empty: none."""
    region: str = ""
    """The number's country (ISO 3166-1), for its price."""
    refused_by: frozenset[str] = frozenset()
    """Trunks that refused this contact just now: the call is tried by another one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contact that the gate did not let through; `final` when it never will."""

    contact_id: int
    campaign_id: int
    e164: str
    verdict: Verdict
    changed: bool
    missed: bool = False
    """The call would have kept a callback that was promised, and no other will."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """What a campaign's share of abandoned calls means for it, and by which rule."""

    word: Literal["free", "slowed", "stopped"]
    """Slowed: SLOW seconds until its next call."""
    rule: str = ""
    detail: str = ""


FREE = Throttle("free")


@hot_value(frozen=True, slots=True)
class ClaimResult:
    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]
    exhausted: dict[int, float | None]
    """Campaigns with nothing due: campaign id -> when the next contact falls due, None when none is pending."""
    throttles: Mapping[int, Throttle] = field(default_factory=dict)
    """What the share of abandoned calls means for the campaigns that were looked at."""
