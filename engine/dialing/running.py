"""A campaign at work: what it may do by its manifest and the settings, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from engine.campaign import Campaign
from engine.config import Settings, problems_of
from engine.dialing.disposition import Disposition
from engine.dialing.pacing import Pace
from engine.dialing.retry import Policy
from engine.errors import StoreError
from engine.flow.actions import MESSAGE
from engine.flow.compiled import opt_out_keys
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.gate import CampaignRules, Candidate, Past, Verdict, decide
from engine.rules.hours import Hours, Window
from engine.rules.numbers import parse_number
from engine.rules.transfers import Transfer
from engine.rules.verdict import no_trunk
from engine.store.campaigns import CampaignRow
from engine.tariff import Tariff

NEVER = float("inf")
CAREFUL_HOURS = Hours([Window.model_validate({"from": "09:00", "to": "20:00"})])
"""Hours of a campaign that names none, with settings that name none."""


_GONE = object()


def _nobody(running: Running) -> None:
    """Nobody keeps its place."""


def _without(table: dict[str, Any], paths: Iterable[Sequence[int | str]]) -> dict[str, Any]:
    """A copy without what lies at these paths, or as far along them as there is something: pydantic names alternatives of ours in
    between, and what is missing."""
    table = deepcopy(table)
    key: Any
    for path in paths:
        at: Any = table
        found: tuple[Any, Any] | None = None
        for key in path:
            if (isinstance(at, dict) and key in at) or (isinstance(at, list) and key in range(len(at))):
                found, at = (at, key), at[key]
        if found is not None:
            found[0][found[1]] = _GONE
    kept: dict[str, Any] = _kept(table)
    return kept


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _kept(one) for key, one in value.items() if one is not _GONE}
    return [_kept(one) for one in value if one is not _GONE] if isinstance(value, list) else value


class Running:
    """A campaign at work. Who keeps its place among the others is told (`touched`) when that may have changed."""

    def __init__(self, row: CampaignRow, settings: Settings) -> None:
        self.id = row.id
        self.name = row.name
        self.touched: Callable[[Running], None] = _nobody
        self._live = 0
        self._limits(row, settings)
        self.flow_version = row.flow_version
        self.state = row.state
        # A start that nobody named is no instant to wait for, whatever the clock was when the job came.
        self.start = self.campaign.start.timestamp() if self.campaign.start else 0.0
        self.end = row.end_at
        self._next_due = 0.0
        self._slow_until = float("-inf")
        self.turn = 0
        """When it was served last, by a count over all campaigns."""
        self.passed = 0.0
        """Calls that it had, each counted as so many as its share makes of it: who has the least among its equals comes first."""
        self.throttle = "free"
        """The word that was logged last of what its share of abandoned calls means."""
        campaign = self.campaign
        self.share = campaign.share
        self.policy: Policy = campaign.retry.policy
        self.congestion_delay = self.policy.rule(Disposition.CONGESTION).delay
        self.callback_policy = replace(self.policy, max_attempts=campaign.max_callbacks)
        self.ring_timeout = campaign.ring_timeout or settings.limits.ring_timeout
        # The flow keeps the limit of the day on which it was written, whatever the settings say now.
        self.max_call = row.max_call or campaign.max_call or settings.limits.max_call
        self.tariff = Tariff.of(campaign, settings, self.max_call)
        self.trunks = frozenset(campaign.trunks or settings.trunk)
        self._opt_out_keys = opt_out_keys(campaign)
        self.sent_fields = frozenset(campaign.fields)
        self.texts = campaign.personal()
        """What is spoken to each contact with its own fields."""
        self.targets = campaign.targets_from(MESSAGE)
        """Transfer targets to which a call may lead, as far as it does not begin elsewhere."""
        self.starts = {start: campaign.targets_from(start) for start in campaign.callback_starts()}
        """Those of a callback, by the node with which it begins."""
        self.caller_names = {item.number: item.name for item in settings.caller_id}
        ours = [item.caller_id for item in settings.caller_id if item.number in campaign.caller_id]
        emergency = campaign.emergency
        self.rules = CampaignRules(
            running=self.state == "running",
            start=self.start,
            end=self.end,
            hours=self._hours,
            accepted=self._accepted,
            quiet=settings.quiet.hours,
            max_attempts=campaign.retry.max_attempts,
            min_gap=campaign.retry.min_gap,
            max_callbacks=campaign.max_callbacks,
            caller_ids=_caller_ids(tuple(ours)),
            proof_days=settings.limits.proof_days,
            purpose=campaign.purpose,
            topics=frozenset(campaign.topics),
            book=settings.law.book,
            countries=frozenset(settings.law.countries),
            ring=self.ring_timeout,
            message=row.message_seconds,
            lists=campaign.lists,
            approved_until=None if emergency is None else emergency.expires.timestamp(),
            transfers=transfers(settings, campaign.transfer_targets()),
            callbacks_after_end=campaign.callbacks_after_end,
            calls_a_day=campaign.calls_per_day,
            cost_a_day=campaign.cost_per_day,
            most_per_call={trunk: self.tariff.most(trunk) for trunk in self.trunks},
        )

    @classmethod
    def to_settle(cls, row: CampaignRow, settings: Settings) -> Running:
        """A campaign of which calls are to be settled and none are to be made: where another version has stored it, without the words
        of it that this one does not know. Raises StoreError when too little is left."""
        try:
            return cls(row, settings)
        except ValidationError as error:
            unknown = [item["loc"] for item in error.errors()]
        manifest, steered = _without(row.manifest, unknown), _without(row.steered, unknown)
        try:
            return cls(replace(row, manifest=manifest, steered=steered), settings)
        except ValidationError as error:
            raise StoreError(
                f"campaign {row.name} was stored by another version of Volley and cannot be read: "
                + "; ".join(str(one) for one in problems_of(error))
                + "; run that version until the calls of the campaign have ended"
            ) from error

    def __repr__(self) -> str:
        return f"<Running {self.name} {self.state} live={self.live} next_due={self.next_due:.0f}>"

    @property
    def live(self) -> int:
        """Its calls from their claim to their end."""
        return self._live

    @live.setter
    def live(self, calls: int) -> None:
        full = self._live >= self.max_channels
        self._live = calls
        if full is not (calls >= self.max_channels):
            self.touched(self)

    @property
    def next_due(self) -> float:
        """POSIX seconds: when the next of its contacts falls due, as far as is known."""
        return self._next_due

    @next_due.setter
    def next_due(self, at: float) -> None:
        self._next_due = at
        self.touched(self)

    @property
    def slow_until(self) -> float:
        """Monotonic instant before which it makes no call: too many of its calls were abandoned."""
        return self._slow_until

    @slow_until.setter
    def slow_until(self, at: float) -> None:
        self._slow_until = at
        self.touched(self)

    def opt_out_keys(self, nodes: Sequence[str]) -> frozenset[str]:
        """The keys that mean never again in a call that has come to these nodes of the flow, the last first, one at least. In
        one that listens to no key of its own those of the menu before it do; the 1 of a recording is a yes."""
        here = nodes[0]
        if here in self._opt_out_keys:
            return self._opt_out_keys[here]
        before = (keys for node in nodes if (keys := self._opt_out_keys.get(node)))
        found = next(before, self._opt_out_keys[MESSAGE])
        return found - {"1"} if here in self.campaign.records else found

    def _limits(self, row: CampaignRow, settings: Settings) -> None:
        """What can be changed while it is there."""
        self.steered = row.steered
        self.campaign = campaign = Campaign.model_validate({**row.manifest, **row.steered})
        self.priority = row.priority
        self.rank = (campaign.purpose == "emergency", row.priority)
        """An emergency goes before everything else."""
        self.pace = None if campaign.cps is None else Pace(campaign.cps)
        self.max_channels = campaign.max_channels or settings.limits.max_channels
        self._hours = _hours_of(campaign.window, settings)
        accepted = Campaign.model_validate(row.manifest).window if "window" in row.steered else None
        self._accepted = None if accepted is None else _hours_of(accepted, settings)
        """Its hours as it was accepted, where they were changed since."""

    def steer(self, row: CampaignRow, settings: Settings) -> None:
        """Take rate, channels, hours and priority as they are now."""
        self._limits(row, settings)
        self.rules = replace(self.rules, hours=self._hours, accepted=self._accepted)
        self.next_due = 0.0

    def set_state(self, state: str) -> None:
        self.state = state
        self.rules = replace(self.rules, running=state == "running")
        self.touched(self)

    def serving(self, e164: str, region: str) -> frozenset[str]:
        """Those of its trunks that carry calls to this number."""
        rates = self.tariff.rates
        if not self.tariff.by_number:
            return self.trunks & rates.keys()
        return frozenset(name for name in self.trunks if name in rates and rates[name].serves(e164, region))

    def ask(self, rules: CampaignRules, contact: Candidate, past: Past, at: float) -> Verdict:
        """What a claim at `at` would be told of this contact, by whatever trunk; `rules`: the campaign's, as they are then."""
        serving = self.serving(contact.e164, contact.region)
        if rules.cost_a_day is not None and self.tariff.by_number:
            rules = replace(rules, most_per_call=self.most_of(contact.e164, contact.region))
        verdict = decide(rules, contact, past, at, sorted(serving or self.trunks))
        return verdict if serving or not verdict.allowed else no_trunk(verdict, at)

    def most_of(self, e164: str, region: str) -> dict[str, float]:
        """What a call to this number may come to, by trunk."""
        return {trunk: self.tariff.most(trunk, e164, region) for trunk in self.trunks}

    def room(self, mono: float, horizon: float) -> int:
        """How many calls its own limits allow until `horizon` seconds from now."""
        free = self.max_channels - self.live
        return free if self.pace is None or free <= 0 else min(free, self.pace.room(mono, horizon))

    def held_until(self, horizon: float) -> float:
        """Monotonic instant before which its own limits let nothing leave."""
        paced = float("-inf") if self.pace is None else self.pace.peek(float("-inf")) - horizon
        return max(paced, self._slow_until)

    def wait(self, now: float, mono: float, horizon: float) -> float:
        """Seconds until it may have something to dial; infinite while it has not."""
        if self.state != "running" or self._live >= self.max_channels:
            return NEVER
        return max(self._next_due - now, self.held_until(horizon) - mono)

    def due(self, at: float) -> None:
        """A contact of this campaign is due at `at`."""
        if at < self._next_due:
            self.next_due = at


def _hours_of(window: Sequence[Window], settings: Settings) -> Hours:
    named = window or settings.defaults.window
    return _hours(tuple(named)) if named else CAREFUL_HOURS


@lru_cache(maxsize=256)
def _hours(window: tuple[Window, ...]) -> Hours:
    """Shared by all campaigns that have the same: what is worked out of them for a place and a day is worked out once."""
    return Hours(window)


@lru_cache(maxsize=256)
def _caller_ids(given: tuple[CallerId, ...]) -> CallerIds:
    """As with hours."""
    return CallerIds(given)


def transfers(settings: Settings, targets: Iterable[str]) -> tuple[Transfer, ...]:
    """The numbers among these transfer targets, for the gate."""
    found = []
    for name in sorted(targets):
        target = settings.transfer.get(name)
        if target is None or target.number is None or target.trunk is None:
            continue
        number = parse_number(target.number, None)
        ours = [item.caller_id for item in settings.caller_id if item.number == target.caller_id]
        found.append(
            Transfer(
                name, number.e164, number.region, number.kind, number.zones, target.trunk, CallerIds(ours)
            )
        )
    return tuple(found)
