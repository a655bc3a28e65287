"""Numbers that are never dialed. `engine.rules.tolls`."""

from __future__ import annotations

from typing import get_args

import phonenumbers
import pytest

from engine.rules.numbers import Kind, NumberError, parse_number
from engine.rules.tolls import CODES, KINDS, toll_problem

DENIED = [
    ("+19005550123", "premium-rate"),
    ("+33899123456", "premium-rate"),
    ("+18005550123", "toll-free"),
    ("+441612345678", None),
    ("+33612345678", None),
    ("+881612345678", "+881 is satellite"),
    ("+870773111632", "+870 is Inmarsat"),
    ("+979123456789", "+979 is international premium rate"),
    ("+80012345678", "+800 is international freephone"),
    ("+88213000001", "+882 is international networks"),
    ("+8801712345678", None),  # Bangladesh
    ("+886912345678", None),  # Taiwan
]


@pytest.mark.parametrize(("written", "named"), DENIED)
def test_classes(written: str, named: str | None) -> None:
    try:
        number = parse_number(written, None)
        e164, region, kind = number.e164, number.region, str(number.kind)
    except NumberError:
        e164, region, kind = written, "", ""
    problem = toll_problem(e164, region, kind)
    if named is None:
        assert problem is None
    else:
        assert problem is not None
        assert named in problem
        assert "never dialed" in problem


def test_every_kind_is_judged() -> None:
    ordinary = {"mobile", "fixed", "fixed_or_mobile", "voip", "uan"}
    assert ordinary | set(KINDS) == set(get_args(Kind))
    for kind in get_args(Kind):
        assert (toll_problem("+33199001234", "FR", kind) is None) == (kind in ordinary), kind


@pytest.mark.parametrize(
    ("e164", "region", "kind"),
    [("33199001234", "FR", "fixed"), ("", "", ""), ("+33199001234", "", "fixed"), ("+33199001234", "001", "fixed"),
     ("+33199001234", "FR", ""), ("+33199001234", "FR", "unheard_of"), ("+87012345678", "FR", "fixed")],
)  # fmt: skip
def test_what_is_not_known_is_not_dialed(e164: str, region: str, kind: str) -> None:
    assert toll_problem(e164, region, kind)


def test_the_codes_are_of_no_country() -> None:
    for code in CODES:
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ("001",))
        assert regions == ("001",), code
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if regions == ("001",):
            assert str(code) in CODES, code
