"""Decision rows hold all that they stood on, as it was then."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.gate import RULES_VERSION
from engine.store import decisions
from engine.store.decisions import DecisionRecord, local_times

NOW = 1_795_491_000.75
FULL = DecisionRecord(
    at=NOW, contact_id=1, number_id=2, campaign_id=3, reason="registry_too_old", zones=("America/New_York", "America/Chicago"),
    rules="2026-11-24.0a1b2c3d", not_before=NOW + 60, country="US", subdivisions=("US-IN", "US-KY"), rule="us-registry",
    consent="form 4711", lists=(("us-dnc", "2026-11-01"), ("litigators", "2026-10-10")), caller_id="+12125550100",
)  # fmt: skip


def test_all_of_a_record_is_stored(books) -> None:
    books.unit(decisions.insert, FULL)
    [row] = books.rows(
        "SELECT at, contact_id, number_id, campaign_id, attempt_id, reason, not_before, zones, rules, local, country, subdivision,"
        " rule, consent, lists, caller_id FROM decisions"
    )
    assert row == (
        NOW, 1, 2, 3, None, "registry_too_old", NOW + 60, "America/New_York,America/Chicago", "2026-11-24.0a1b2c3d",
        "2026-11-23T22:30:00-05:00,2026-11-23T21:30:00-06:00", "US", "US-IN,US-KY", "us-registry", "form 4711",
        '{"litigators":"2026-10-10","us-dnc":"2026-11-01"}', "+12125550100",
    )  # fmt: skip


def test_what_was_not_looked_at_is_empty(books) -> None:
    books.unit(
        decisions.insert,
        replace(FULL, zones=(), subdivisions=(), lists=(), consent="", rule="", caller_id=""),
    )
    assert books.rows("SELECT zones, local, subdivision, lists, consent, rule, caller_id FROM decisions") == [
        ("", "", "", "{}", "", "", "")
    ]


def test_a_claim_leaves_its_decision(books, person) -> None:
    claim = books.claim_one(books.campaign("spring", person(1, timezone="Asia/Kathmandu")))
    assert books.rows("SELECT attempt_id, zones, local, rules, caller_id FROM decisions") == [
        (claim.attempt, "Asia/Kathmandu", "2026-11-24T09:15:00+05:45", RULES_VERSION, claim.caller_id)
    ]


def test_a_refusal_leaves_its_decision(books, person, phone) -> None:
    books.claim(
        books.campaign("spring", person(1, phone(1, ()), timezone="Mars/Phobos"), person(2, phone(2, ())))
    )
    assert books.rows("SELECT reason, zones, local FROM decisions ORDER BY id") == [
        ("zone_unknown", "Mars/Phobos", "?"),
        ("zone_unknown", "", ""),
    ]


@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("Europe/Paris", "2026-11-24T04:30:00+01:00"),
        ("Asia/Kolkata", "2026-11-24T09:00:00+05:30"),
        ("Pacific/Chatham", "2026-11-24T17:15:00+13:45"),
        ("America/St_Johns", "2026-11-24T00:00:00-03:30"),
        ("Mars/Phobos", "?"),
        ("", "?"),
        ("../../etc/passwd", "?"),
    ],
)
def test_local_times(zone: str, local: str) -> None:
    assert local_times(int(NOW), (zone,)) == local


@given(
    st.integers(0, 4_000_000_000),
    st.lists(st.sampled_from(["Europe/Paris", "America/New_York", "UTC"]), max_size=3),
)
def test_a_local_time_is_the_instant(at: int, zones: list[str]) -> None:
    found = local_times(at, tuple(zones))
    parts = found.split(",") if found else []
    assert [datetime.fromisoformat(part).timestamp() for part in parts] == [at] * len(zones)
    assert all(
        datetime.fromisoformat(part).utcoffset() == datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset()
        for part, zone in zip(parts, zones, strict=True)
    )


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.dates().map(str), max_size=4))
def test_lists_are_the_same_text_in_any_order(lists: dict[str, str]) -> None:
    text = decisions.lists_text(tuple(lists.items()))
    assert text == decisions.lists_text(tuple(reversed(lists.items())))
    assert json.loads(text) == lists


def test_a_column_of_the_contact_cannot_set_the_number_that_is_shown(books, person) -> None:
    names = ("CALLER_ID", "CALLERID", "CALLERID(num)", "CallerID", "caller_id", "CID", "FROM")
    fields = dict.fromkeys(names, "+33999999999")
    claim = books.claim_one(books.campaign("spring", replace(person(1), fields=fields)))
    assert claim.caller_id == "+33162000001"
    assert books.rows("SELECT caller_id FROM attempts") == ["+33162000001"]
    assert books.rows("SELECT caller_id FROM decisions") == ["+33162000001"]
