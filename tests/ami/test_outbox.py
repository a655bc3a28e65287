"""What the dialplan kept in AstDB, with entries that a real Asterisk 22 gave back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ami.outbox import Evidence, read, read_inbound
from engine.ami.protocol import parse
from engine.channel import HungUp, InboundOptOut, Report, attempt_of

RECORDED = Path(__file__).with_name("recorded.ami").read_bytes()
ENTRIES = [
    (item["Key"], item["Val"])
    for item in map(parse, RECORDED.split(b"\r\n\r\n"))
    if item.get("Event") == "DBGetTreeResponse"
]
OURS = "v01a20b9a82c10003"
A = int(OURS[1:], 16)


def attempt(channel: str) -> int:
    found = attempt_of(channel)
    assert found is not None
    return found


def test_a_call_that_asked_to_be_called_back() -> None:
    assert read(ENTRIES)[A] == Evidence(
        A,
        2992485,
        1795491005.0,
        HungUp(A, 16, 0, 1795491013.0, answered=True),
        [
            Report(A, 1, "amd", "HUMAN/HUMAN-800-800", 1795491007.0),
            Report(A, 2, "play", "message", 1795491007.0),
            Report(A, 3, "key", "2@message", 1795491012.0),
            Report(A, 4, "callback", "60", 1795491012.0),
            Report(A, 5, "result", "call_back", 1795491012.0),
        ],
    )


@pytest.mark.parametrize(
    ("channel", "cause", "sip", "answered", "rang"),
    [
        ("v01a20b9a82c20002", 17, 486, False, False),
        ("v01a20b9a82c20003", 21, 603, False, True),
        ("v01a20b9a82c20004", 1, 404, False, False),
        ("v01a20b9a82c20005", 34, 503, False, False),
        ("v01a20b9a82c20006", 19, 480, False, True),
        ("v01a20b9a82c20007", 19, 0, False, True),
        ("v01a20b9a82c10001", 16, 0, True, False),
    ],
)
def test_how_a_call_ended(channel: str, cause: int, sip: int, answered: bool, rang: bool) -> None:
    evidence = read(ENTRIES)[attempt(channel)]
    assert evidence.end is not None
    assert (evidence.end.cause, evidence.end.sip) == (cause, sip)
    assert (evidence.end.answered, evidence.end.rang) == (answered, rang)
    assert evidence.sent_at == 1795491005.0
    assert evidence.reports == []


def test_nothing_of_the_recording_is_lost() -> None:
    found = read(ENTRIES)
    told = sum(len(one.reports) + (one.end is not None) + (one.sent_at is not None) for one in found.values())
    assert told == len(ENTRIES) == 55


@given(st.permutations(ENTRIES))
def test_any_order_reads_the_same(entries: list[tuple[str, str]]) -> None:
    assert read(entries) == read(ENTRIES)


KEY = f"/volley/1/{OURS}/"


@pytest.mark.parametrize(
    ("entry", "evidence"),
    [
        ((KEY + "sent", "1795491005"), Evidence(A, 1, 1795491005.0)),
        ((KEY + "sent", ""), Evidence(A, 1)),
        ((KEY + "sent", "soon"), Evidence(A, 1)),
        ((KEY + "end", "17|Down|SIP 486|1795491005"), Evidence(A, 1, end=HungUp(A, 17, 486, 1795491005.0))),
        (
            (KEY + "end", "16|Up||1795491005"),
            Evidence(A, 1, end=HungUp(A, 16, 0, 1795491005.0, answered=True)),
        ),
        ((KEY + "end", "19|Ringing|SIP 180|x"), Evidence(A, 1, end=HungUp(A, 19, 0, 0.0, rang=True))),
        ((KEY + "end", ""), Evidence(A, 1, end=HungUp(A, 0, 0, 0.0))),
        ((KEY + "end", "17|Down|Q|SIP 486|9"), Evidence(A, 1, end=HungUp(A, 17, 0, 9.0))),
        (
            (KEY + "1", "amd|HUMAN/HUMAN-1-1|9"),
            Evidence(A, 1, reports=[Report(A, 1, "amd", "HUMAN/HUMAN-1-1", 9.0)]),
        ),
        ((KEY + "2", "play|a|b|9"), Evidence(A, 1, reports=[Report(A, 2, "play", "a|b", 9.0)])),
        ((KEY + "3", "optout"), Evidence(A, 1, reports=[Report(A, 3, "optout", "", 0.0)])),
        ((KEY + "other", "x"), Evidence(A, 1)),
    ],
)
def test_entries(entry: tuple[str, str], evidence: Evidence) -> None:
    assert read([entry]) == {A: evidence}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/volley",
        "/volleyflow/1/x/sent",
        f"/volley/{OURS}/sent",
        f"/volley/x/{OURS}/sent",
        "/volley/1/1795491005.12/sent",
        f"/volley/1/{OURS}/n/1",
        f"/other/1/{OURS}/sent",
    ],
)
def test_what_is_not_ours_is_passed_over(key: str) -> None:
    assert read([(key, "1795491005")]) == {}


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.text(max_size=30), st.sampled_from([KEY + "sent", KEY + "end", KEY + "1", KEY + "²"])
            ),
            st.text(max_size=30),
        )
    )
)
def test_nothing_that_stands_there_raises(entries: list[tuple[str, str]]) -> None:
    assert set(read(entries)) <= {A}


# -- people who call back ----------------------------------------------------------------------------------------------

CALL = "/volley/inbound/1795491005.12"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        (CALL, "optout|+33199001001|33162000001|1795491005", InboundOptOut("1795491005.12", "+33199001001", "33162000001", 1795491005.0)),
        (CALL, "optout|0199001001|0162000001|5", InboundOptOut("1795491005.12", "0199001001", "0162000001", 5.0)),
        ("/volley/inbound/pbx1.17.3", "optout|3319900|1|5", InboundOptOut("pbx1.17.3", "3319900", "1", 5.0)),
    ],
)  # fmt: skip
def test_an_opt_out_of_somebody_who_called_back(key: str, value: str, found: InboundOptOut) -> None:
    assert read_inbound([(key, value)]) == ([found], [])
    assert read([(key, value)]) == {}


@pytest.mark.parametrize(
    "value",
    [
        "", "optout", "optout||33162000001|5", "optout|123456|33162000001|5", "optout|++33199001001|33162000001|5",
        "optout|33+199001001|33162000001|5", "optout|anonymous|33162000001|5", "optout|33199001001||5",
        "optout|33199001001|33162000001|", "optout|33199001001|33162000001|soon", "optout|33199001001|33162000001|5|6",
        "hello|33199001001|33162000001|5", "optout|331990010013319900100|33162000001|5", "optout|١٢٣٤٥٦٧|1|5",
        "optout|33199001001\n|33162000001|5",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_not_dropped(value: str) -> None:
    assert read_inbound([(CALL, value)]) == ([], ["1795491005.12"])


def test_only_the_inbound_branch_is_read_oldest_first() -> None:
    late, early = (
        InboundOptOut(call, "33199001001", "33162000001", at) for call, at in (("2.1", 9.0), ("3.1", 5.0))
    )
    entries = [
        (f"/volley/inbound/{one.call}", f"optout|{one.number}|{one.called}|{one.at:.0f}")
        for one in (late, early)
    ]
    assert read_inbound([*ENTRIES, *entries, ("/volleyinbound/33162000001/number", "+33162000001")]) == (
        [early, late],
        [],
    )


@given(st.lists(st.tuples(st.one_of(st.text(max_size=30), st.just(CALL)), st.text(max_size=40))))
def test_no_inbound_entry_however_odd_raises(entries: list[tuple[str, str]]) -> None:
    found, unreadable = read_inbound(entries)
    assert len(found) + len(unreadable) == sum(key.strip("/").split("/")[:2] == ["volley", "inbound"] and key.strip("/").count("/") == 2
                                               for key, _ in entries)  # fmt: skip
