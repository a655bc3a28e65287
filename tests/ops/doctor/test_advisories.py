"""Which advisories are open for which version; and that the table is whole."""

from __future__ import annotations

import pytest

from engine.ops.doctor.advisories import is_certified, number, table
from engine.ops.doctor.facts import Severity

ALL = {one.id for one in table().advisories}
ORIGINATE, NOTIFY, HEADER = "GHSA-c4cg-9275-6w44", "GHSA-589g-qgf8-m6mx", "GHSA-64qc-9x89-rx5j"


def still_open(version: str) -> set[str]:
    return {one.id for one in table().advisories if one.mended_in(version) is not None}


def test_the_table_is_whole() -> None:
    assert len(ALL) == len(table().advisories) >= 8
    for one in table().advisories:
        assert one.severity in {Severity.ERROR, Severity.WARNING}
        assert one.date <= table().checked
        assert one.fixed or one.only
        for branch, version in one.fixed.items():
            assert number(version)[0] == int(branch)


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", set(), ALL),
        ("22.10.0", {NOTIFY}, {ORIGINATE, HEADER}),
        ("22.5.1", {NOTIFY, HEADER}, {ORIGINATE}),
        ("20.9.1", {NOTIFY, HEADER, ORIGINATE}, set()),
        ("20.9.2", {NOTIFY, HEADER}, {ORIGINATE}),
        ("20.8.0", {"GHSA-qqxj-v78h-hrf9"}, set()),
        ("20.8.1", set(), {"GHSA-qqxj-v78h-hrf9"}),
        ("24.0.0", set(), ALL),
        ("18.26.4", {NOTIFY, ORIGINATE}, set()),
        ("certified/20.7-cert1", {ORIGINATE}, {HEADER}),
        ("certified/20.7-cert2", set(), {ORIGINATE}),
        ("certified/22.8-cert2", {NOTIFY}, {ORIGINATE}),
    ],
)
def test_what_is_open(version: str, has: set[str], has_not: set[str]) -> None:
    found = still_open(version)
    assert has <= found
    assert not has_not & found


def test_versions() -> None:
    assert number("22.10.1+dfsg") == (22, 10, 1)
    assert number("GIT-master-1a2b3c") == ()
    assert is_certified("certified/20.7-cert5")
    assert not is_certified("20.7.0")
