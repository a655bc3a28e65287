"""Whom a trunk serves and at which price."""

from __future__ import annotations

import pytest

from engine.rates import Rates, ranges_of

PRICES = {"+33": 0.01, "FR": 0.02, "+336": 0.05, "+3367": 0.07, "GP": 0.09, "+1": 0.03}


@pytest.mark.parametrize(
    ("number", "region", "price"),
    [
        ("+33199001001", "FR", 0.02),  # a country is more than two digits
        ("+33199001001", "", 0.01),
        ("+33612345678", "FR", 0.05),
        ("+33671234567", "FR", 0.07),
        ("+590690123456", "GP", 0.09),
        ("+12125550100", "US", 0.03),
        ("+4930123456", "DE", 0.5),
    ],
)
def test_the_longest_prefix_counts(number: str, region: str, price: float) -> None:
    assert Rates(0.5, PRICES).price(number, region) == price


@pytest.mark.parametrize(
    ("areas", "number", "region", "serves"),
    [
        ((), "+33199001001", "FR", True),
        (("FR",), "+33199001001", "FR", True),
        (("FR",), "+4930123456", "DE", False),
        (("+331", "DE"), "+33612345678", "FR", False),
        (("+331", "DE"), "+33199001001", "FR", True),
        (("+331", "DE"), "+4930123456", "DE", True),
        (("US",), "+12125550100", "", False),
    ],
)
def test_whom_a_trunk_serves(areas: tuple[str, ...], number: str, region: str, serves: bool) -> None:
    assert Rates(areas=areas).serves(number, region) is serves


def test_plain_ones() -> None:
    assert Rates(0.5).plain
    assert not Rates(0.5, {"FR": 0.1}).plain
    assert not Rates(areas=["FR"]).plain
    assert (Rates(0.5).least, Rates(0.5, {"FR": 0.1}).least) == (0.5, 0.1)


def test_every_range_that_a_number_is_in() -> None:
    assert ranges_of({"+3": 1, "+336": 1, "+337": 1}, "+33612345678") == ["+336", "+3"]
