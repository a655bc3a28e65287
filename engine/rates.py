"""Whom a trunk serves, and what a minute to each costs: by E.164 prefix and by country.

The longest prefix counts; a country counts as two digits and a half, as with the areas of caller IDs
(`engine.rules.caller_ids`). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_COUNTRY = 25
"""Tenths of a digit."""


class Rates:
    """One trunk's. Without areas it serves everybody; without a price of its own a destination costs `price`."""

    __slots__ = ("_areas", "_price", "_prices")

    def __init__(
        self, price: float = 0.0, prices: Mapping[str, float] | None = None, areas: Sequence[str] = ()
    ) -> None:
        self._price = price
        self._prices = dict(prices or {})
        self._areas = frozenset(areas)

    def __repr__(self) -> str:
        return f"<Rates {self._price:g} prices={len(self._prices)} areas={len(self._areas)}>"

    @property
    def plain(self) -> bool:
        """Is everybody served, at one price?"""
        return not self._areas and not self._prices

    @property
    def least(self) -> float:
        """The cheapest minute."""
        return min(self._price, *self._prices.values()) if self._prices else self._price

    def serves(self, e164: str, region: str) -> bool:
        """Does the trunk carry calls to this number? `region`: ISO 3166-1, empty where it is not known."""
        return not self._areas or best(self._areas, e164, region) is not None

    def price(self, e164: str, region: str) -> float:
        """What a minute to this number costs."""
        if not self._prices:
            return self._price
        found = best(self._prices, e164, region)
        return self._price if found is None else self._prices[found]


def best(areas: Mapping[str, object] | frozenset[str], e164: str, region: str) -> str | None:
    """The area among these that fits a number best; None when it is in none of them."""
    country = bool(region) and region in areas
    for digits in range(len(e164) - 1, 0, -1):
        if country and 10 * digits < _COUNTRY:
            return region
        if e164[: digits + 1] in areas:
            return e164[: digits + 1]
    return region if country else None


def ranges_of(prefixes: Mapping[str, object], e164: str) -> list[str]:
    """Every prefix among these that the number begins with, the longest first."""
    return [e164[: digits + 1] for digits in range(len(e164) - 1, 0, -1) if e164[: digits + 1] in prefixes]
