"""The campaigns that may dial now, in the order in which they get their turn.

Kept in memory and refreshed when a campaign changes, so that a claim asks the database only for campaigns with
something due: each knows when its next contact falls due.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.campaign import Campaign
from engine.config import Settings
from engine.dialing.agents import Agents
from engine.dialing.pacing import Pace
from engine.dialing.retry import Policy
from engine.flow.actions import MESSAGE
from engine.flow.compiled import opt_out_keys
from engine.rules.caller_ids import CallerIds
from engine.rules.gate import CampaignRules
from engine.rules.hours import Hours, Window
from engine.rules.numbers import parse_number
from engine.rules.transfers import Transfer
from engine.store.campaigns import CampaignRow
from engine.store.claims import Claimant
from engine.tariff import Tariff

NEVER = float("inf")
CAREFUL_HOURS = Hours([Window.model_validate({"from": "09:00", "to": "20:00"})])
"""Hours of a campaign that names none, with settings that name none."""


class Running:
    """A campaign at work."""

    def __init__(self, row: CampaignRow, settings: Settings) -> None:
        self.id = row.id
        self.name = row.name
        self._limits(row, settings)
        self.flow_version = row.flow_version
        self.state = row.state
        # A start that nobody named is no instant to wait for, whatever the clock was when the job came.
        self.start = self.campaign.start.timestamp() if self.campaign.start else 0.0
        self.end = row.end_at
        self.live = 0
        self.next_due = 0.0
        self.served = 0
        self.throttle = "free"
        """The word that was logged last of what its share of abandoned calls means."""
        self.slow_until = float("-inf")
        """Monotonic instant before which it makes no call: too many of its calls were abandoned."""
        campaign = self.campaign
        self.policy: Policy = campaign.retry.policy
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
            caller_ids=CallerIds(ours),
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

    def __repr__(self) -> str:
        return f"<Running {self.name} {self.state} live={self.live} next_due={self.next_due:.0f}>"

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
        self.pace = None if campaign.cps is None else Pace(campaign.cps)
        self.max_channels = campaign.max_channels or settings.limits.max_channels
        self._hours = _hours(campaign.window, settings)
        accepted = Campaign.model_validate(row.manifest).window if "window" in row.steered else None
        self._accepted = None if accepted is None else _hours(accepted, settings)
        """Its hours as it was accepted, where they were changed since."""

    def steer(self, row: CampaignRow, settings: Settings) -> None:
        """Take rate, channels, hours and priority as they are now."""
        self._limits(row, settings)
        self.rules = replace(self.rules, hours=self._hours, accepted=self._accepted)

    def set_state(self, state: str) -> None:
        self.state = state
        self.rules = replace(self.rules, running=state == "running")

    def room(self, mono: float, horizon: float) -> int:
        """How many calls its own limits allow until `horizon` seconds from now."""
        free = self.max_channels - self.live
        return free if self.pace is None or free <= 0 else min(free, self.pace.room(mono, horizon))

    def wait(self, now: float, mono: float, horizon: float) -> float:
        """Seconds until it may have something to dial; infinite while it has not."""
        if self.state != "running" or self.live >= self.max_channels:
            return NEVER
        pause = 0.0 if self.pace is None else self.pace.peek(mono) - horizon - mono
        return max(self.next_due - now, pause, self.slow_until - mono)

    def due(self, at: float) -> None:
        """A contact of this campaign is due at `at`."""
        self.next_due = min(self.next_due, at)


def _hours(window: Sequence[Window], settings: Settings) -> Hours:
    named = window or settings.defaults.window
    return Hours(named) if named else CAREFUL_HOURS


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


class Agenda:
    """All campaigns that are not over."""

    def __init__(self, settings: Settings, agents: Agents) -> None:
        self._settings = settings
        self._agents = agents
        self._turns = itertools.count(1)
        self.campaigns: dict[int, Running] = {}

    def refresh(self, rows: Iterable[CampaignRow]) -> None:
        """Take the state of all open campaigns from the database."""
        seen = set()
        for row in rows:
            seen.add(row.id)
            known = self.campaigns.get(row.id)
            if known is None:
                known = self.campaigns[row.id] = Running(row, self._settings)
            elif known.state != row.state:
                known.set_state(row.state)
            if known.steered != row.steered:
                known.steer(row, self._settings)
            known.next_due = 0.0
        gone = [self.campaigns.pop(key) for key in list(self.campaigns) if key not in seen]
        for known in gone:
            known.set_state("over")  # calls of it that were claimed and not sent are void

    def wait(self, now: float, mono: float, horizon: float) -> float:
        """Seconds until some campaign may have something to dial."""
        return min((self._wait(one, now, mono, horizon) for one in self.campaigns.values()), default=NEVER)

    def _wait(self, one: Running, now: float, mono: float, horizon: float) -> float:
        return NEVER if one.targets and self._agents.room(one.targets) == 0 else one.wait(now, mono, horizon)

    def targets(self) -> frozenset[str]:
        """Transfer targets of the campaigns that run."""
        running = [one for one in self.campaigns.values() if one.state == "running"]
        return frozenset().union(*(found for one in running for found in (one.targets, *one.starts.values())))

    def trunks(self, now: float, mono: float, horizon: float) -> frozenset[str]:
        """Trunks that campaigns with something due may use."""
        due = [one.trunks for one in self.campaigns.values() if self._wait(one, now, mono, horizon) <= 0]
        return frozenset().union(*due)

    def claimants(
        self, now: float, mono: float, horizon: float, trunks: frozenset[str], most: int = 50
    ) -> list[tuple[Running, Claimant]]:
        """Campaigns with something due and channels left, highest priority first, those of one priority in turn."""
        due = [
            one
            for one in self.campaigns.values()
            if self._wait(one, now, mono, horizon) <= 0 and one.trunks & trunks
        ]
        due.sort(key=lambda one: (-one.priority, one.served))
        return [
            (
                one,
                Claimant(
                    one.id,
                    one.rules,
                    one.flow_version,
                    one.trunks & trunks,
                    self._room(one, mono, horizon),
                    self._start_room(one),
                ),
            )
            for one in due[:most]
        ]

    def _room(self, one: Running, mono: float, horizon: float) -> int:
        own, agents = one.room(mono, horizon), self._agents.room(one.targets) if one.targets else None
        return own if agents is None else min(own, agents)

    def _start_room(self, one: Running) -> dict[str, int]:
        """Callbacks that may be made now, by the node with which they begin; those that nothing limits are not in it."""
        rooms = {start: self._agents.room(targets) for start, targets in one.starts.items()}
        return {start: room for start, room in rooms.items() if room is not None}

    def serve(self, running: Running) -> None:
        """This campaign got a call: others of its priority come first the next time."""
        running.served = next(self._turns)
