"""What a call of a campaign costs: measured once it has ended, and at most while it lives, so that a day's cap can be kept.

Knows the price of a minute, by trunk, and how long a call may last. Billed by the second, from the answer to the end; a transfer
to a number is a second call beside the first one, from its own answer on. Pure; instants in POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.campaign import Campaign
from engine.channel import Report
from engine.config import Settings
from engine.rates import Rates

SLACK = 5.0
"""Seconds by which the end of a call may be late: Asterisk hangs up at the limit, and tells of it a moment later."""


@dataclass(frozen=True, slots=True)
class Second:
    """The second call of a transfer: the price of its minute, and its longest in seconds, the ringing included."""

    price: float
    longest: float


@dataclass(frozen=True, slots=True)
class Tariff:
    """By which the calls of one campaign are reckoned."""

    rates: Mapping[str, Rates]
    """What a minute to whom costs, by trunk."""
    max_call: float
    """Seconds after which the dialplan ends a call that is not transferred."""
    transfers: Mapping[str, Second]

    @classmethod
    def of(cls, campaign: Campaign, settings: Settings, max_call: float) -> Tariff:
        """By the prices of the settings."""
        rates = {
            name: Rates(trunk.price, trunk.prices, trunk.areas) for name, trunk in settings.trunk.items()
        }
        targets = {
            name: target
            for name in campaign.transfer_targets()
            if (target := settings.transfer.get(name)) is not None
        }
        transfers = {
            name: Second(_price(rates, target.trunk, target.number or "", ""), target.ring + target.max_talk)
            for name, target in targets.items()
        }
        return cls(rates, max_call, transfers)

    @property
    def by_number(self) -> bool:
        """Does what a call costs hang on the number?"""
        return any(not one.plain for one in self.rates.values())

    def most(self, trunk: str, e164: str = "", region: str = "") -> float:
        """What a call on `trunk` comes to when it lasts as long as it may and ends in the longest transfer. Only who is offered a
        transfer again and again, since nobody is free, can be heard longer. Without a number: to whomever has no price of their own."""
        return self._most(_price(self.rates, trunk, e164, region))

    def least(self, trunk: str) -> float:
        """The same of a call to where the trunk is cheapest."""
        return self._most(self.rates[trunk].least)

    def _most(self, price: float) -> float:
        beyond = max((one.longest for one in self.transfers.values()), default=0.0)
        first = (self.max_call + beyond + SLACK) * price
        return (first + max((one.longest * one.price for one in self.transfers.values()), default=0.0)) / 60.0

    def cost(
        self,
        trunk: str,
        answered_at: float | None,
        ended_at: float,
        reports: Sequence[Report],
        e164: str = "",
        region: str = "",
    ) -> float:
        """What a call that ended came to; one that was never answered costs nothing."""
        if answered_at is None:
            return 0.0
        cost = max(0.0, ended_at - answered_at) * _price(self.rates, trunk, e164, region)
        for report in reports:
            target, _, word = report.value.partition("/")
            if report.kind == "transfer" and word == "answered" and target in self.transfers:
                cost += max(0.0, ended_at - report.at) * self.transfers[target].price
        return cost / 60.0


def _price(rates: Mapping[str, Rates], trunk: str | None, e164: str, region: str) -> float:
    found = rates.get(trunk or "")
    return 0.0 if found is None else found.price(e164, region)
