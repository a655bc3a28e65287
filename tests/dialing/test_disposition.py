"""The table from what the PBX saw to one disposition, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.disposition import (
    ANSWERED,
    CAUSE,
    SIP,
    UNCOUNTED,
    Disposition,
    Ending,
    Telling,
    classify,
    telling,
)

D = Disposition

# What was really seen: cause, SIP status and rang are as Asterisk 22 told them of the practice carrier.
SEEN: list[tuple[str, dict[str, Any], Disposition]] = [
    ("a person", {"answered": True, "rang": True, "cause": 16, "amd": "HUMAN"}, D.ANSWERED_HUMAN),
    ("a person, no ringing before", {"answered": True, "cause": 16, "amd": "HUMAN"}, D.ANSWERED_HUMAN),
    ("a machine", {"answered": True, "rang": True, "cause": 16, "amd": "MACHINE"}, D.ANSWERED_MACHINE),
    ("not sure", {"answered": True, "rang": True, "cause": 16, "amd": "NOTSURE"}, D.ANSWERED_UNSURE),
    (
        "hung up during detection",
        {"answered": True, "rang": True, "cause": 16, "amd": "HANGUP"},
        D.ANSWERED_UNSURE,
    ),
    ("hung up before any verdict", {"answered": True, "rang": True, "cause": 16}, D.ANSWERED_UNSURE),
    ("a verdict nobody knows", {"answered": True, "amd": "ALIEN"}, D.ANSWERED_UNSURE),
    ("a key during detection", {"answered": True, "amd": "KEY", "pressed": True}, D.ANSWERED_HUMAN),
    (
        "a key, and the verdict was machine",
        {"answered": True, "amd": "MACHINE", "pressed": True},
        D.ANSWERED_HUMAN,
    ),
    (
        "a key, and the verdict was not sure",
        {"answered": True, "amd": "NOTSURE", "pressed": True},
        D.ANSWERED_HUMAN,
    ),
    ("a key, and no verdict", {"answered": True, "pressed": True}, D.ANSWERED_HUMAN),
    ("answered as our time was up", {"answered": True, "gave_up": True, "amd": "HUMAN"}, D.ANSWERED_HUMAN),
    ("answered as it was withdrawn", {"answered": True, "withdrawn": True}, D.ANSWERED_UNSURE),
    ("answered, whatever the status", {"answered": True, "sip": 486, "cause": 17}, D.ANSWERED_UNSURE),
    ("486", {"cause": 17, "sip": 486}, D.BUSY),
    ("486 after ringing", {"cause": 17, "sip": 486, "rang": True}, D.BUSY),
    ("600", {"cause": 17, "sip": 600}, D.BUSY),
    ("busy, no status", {"cause": 17}, D.BUSY),
    ("480 after ringing", {"cause": 19, "sip": 480, "rang": True}, D.NO_ANSWER),
    ("480 at once: the callee is not there", {"cause": 19, "sip": 480}, D.NO_ANSWER),
    ("our CANCEL after ringing", {"cause": 19, "sip": 487, "rang": True}, D.NO_ANSWER),
    ("our CANCEL, never rang", {"cause": 19, "sip": 487}, D.FAILED),
    ("408 after ringing", {"cause": 18, "sip": 408, "rang": True}, D.NO_ANSWER),
    ("408, never rang", {"cause": 18, "sip": 408}, D.FAILED),
    ("no user responding, rang", {"cause": 18, "rang": True}, D.NO_ANSWER),
    ("no user responding, never rang", {"cause": 18}, D.FAILED),
    ("no answer, rang", {"cause": 19, "rang": True}, D.NO_ANSWER),
    ("no answer, never rang", {"cause": 19}, D.FAILED),
    ("we gave up, rang", {"cause": 16, "rang": True, "gave_up": True}, D.NO_ANSWER),
    ("we gave up, never rang", {"cause": 16, "gave_up": True}, D.FAILED),
    ("withdrawn while it rang", {"cause": 16, "rang": True, "withdrawn": True}, D.CANCELLED),
    ("withdrawn before it rang", {"cause": 16, "withdrawn": True}, D.CANCELLED),
    ("withdrawn, and our time was up", {"withdrawn": True, "gave_up": True, "rang": True}, D.CANCELLED),
    ("603", {"cause": 21, "sip": 603}, D.REJECTED),
    ("603 after ringing", {"cause": 21, "sip": 603, "rang": True}, D.REJECTED),
    ("607 unwanted", {"cause": 21, "sip": 607}, D.REJECTED),
    ("608 rejected by the network", {"cause": 21, "sip": 608}, D.REJECTED),
    ("rejected, no status", {"cause": 21}, D.REJECTED),
    ("404", {"cause": 1, "sip": 404}, D.INVALID_NUMBER),
    ("410", {"cause": 22, "sip": 410}, D.INVALID_NUMBER),
    ("484", {"cause": 28, "sip": 484}, D.INVALID_NUMBER),
    ("604", {"cause": 1, "sip": 604}, D.INVALID_NUMBER),
    ("unallocated, no status", {"cause": 1}, D.INVALID_NUMBER),
    ("no route to destination", {"cause": 3}, D.INVALID_NUMBER),
    ("number changed", {"cause": 22}, D.INVALID_NUMBER),
    ("invalid number format", {"cause": 28}, D.INVALID_NUMBER),
    ("503", {"cause": 34, "sip": 503}, D.CONGESTION),
    ("500", {"cause": 38, "sip": 500}, D.CONGESTION),
    ("502", {"cause": 38, "sip": 502}, D.CONGESTION),
    ("504", {"cause": 38, "sip": 504}, D.CONGESTION),
    ("501: a server that cannot do it", {"cause": 79, "sip": 501}, D.CONGESTION),
    ("505: a server of another version", {"cause": 127, "sip": 505}, D.CONGESTION),
    ("513: a server to which it is too large", {"cause": 127, "sip": 513}, D.CONGESTION),
    ("580: a server that cannot reserve what it needs", {"cause": 38, "sip": 580}, D.CONGESTION),
    ("429: the trunk limits our rate", {"cause": 0, "sip": 429}, D.CONGESTION),
    ("a callee's cause under a trunk's status", {"cause": 17, "sip": 503}, D.CONGESTION),
    ("no circuit", {"cause": 34}, D.CONGESTION),
    ("network out of order", {"cause": 38}, D.CONGESTION),
    ("temporary failure", {"cause": 41}, D.CONGESTION),
    ("switch congestion", {"cause": 42}, D.CONGESTION),
    ("channel not available", {"cause": 44}, D.CONGESTION),
    ("the trunk is not reachable", {"cause": 20}, D.CONGESTION),
    ("403: not from this trunk", {"cause": 21, "sip": 403}, D.FAILED),
    ("401: wrong credentials, which Asterisk calls rejected", {"cause": 21, "sip": 401}, D.FAILED),
    ("407: wrong credentials, which Asterisk calls rejected", {"cause": 21, "sip": 407}, D.FAILED),
    ("420: an extension, which Asterisk calls no route", {"cause": 3, "sip": 420}, D.FAILED),
    ("482: a loop", {"cause": 127, "sip": 482}, D.FAILED),
    ("483: too many hops, which Asterisk calls no answer", {"cause": 19, "sip": 483}, D.FAILED),
    ("483 after ringing, all the same", {"cause": 19, "sip": 483, "rang": True}, D.FAILED),
    ("a status that nobody knows, no answer, never rang", {"cause": 19, "sip": 499}, D.FAILED),
    ("no route to transit network", {"cause": 2}, D.FAILED),
    ("destination out of order", {"cause": 27}, D.FAILED),
    ("cleared without an answer", {"cause": 16, "rang": True}, D.FAILED),
    ("nothing known at all", {}, D.FAILED),
    ("a status that nobody knows: the cause decides", {"cause": 17, "sip": 499}, D.BUSY),
    ("neither is known", {"cause": 99, "sip": 499}, D.FAILED),
    ("488 codecs", {"cause": 58, "sip": 488}, D.FAILED),
    ("a key before any answer", {"cause": 17, "sip": 486, "pressed": True}, D.BUSY),
    ("a verdict without an answer", {"cause": 17, "sip": 486, "amd": "HUMAN"}, D.BUSY),
]


@pytest.mark.parametrize(
    ("seen", "disposition"), [(seen, word) for _, seen, word in SEEN], ids=[row[0] for row in SEEN]
)
def test_table(seen: dict[str, Any], disposition: Disposition) -> None:
    assert classify(Ending(**seen)) is disposition


def test_every_row_of_the_tables_in_the_code_is_in_the_table_here() -> None:
    statuses = {seen.get("sip", 0) for _, seen, _ in SEEN}
    causes = {seen.get("cause", 0) for _, seen, _ in SEEN}
    assert set(SIP) <= statuses
    assert set(CAUSE) <= causes


endings = st.builds(
    Ending,
    answered=st.booleans(),
    rang=st.booleans(),
    cause=st.one_of(st.integers(-1, 200), st.sampled_from(sorted(CAUSE))),
    sip=st.one_of(st.integers(-1, 999), st.sampled_from(sorted(SIP))),
    gave_up=st.booleans(),
    withdrawn=st.booleans(),
    amd=st.one_of(
        st.text(max_size=10), st.sampled_from(["HUMAN", "MACHINE", "NOTSURE", "HANGUP", "KEY", ""])
    ),
    pressed=st.booleans(),
)


@given(endings)
def test_any_ending_has_a_disposition_that_an_attempt_can_have(ending: Ending) -> None:
    found = classify(ending)
    assert (found in ANSWERED) == ending.answered
    assert found not in (D.UNKNOWN, D.NOT_SENT, D.SUPPRESSED, D.EXPIRED)
    if ending.answered:
        assert (found is D.ANSWERED_HUMAN) == (ending.pressed or ending.amd == "HUMAN")
    elif ending.withdrawn:
        assert found is D.CANCELLED
    if found is D.NO_ANSWER:
        assert ending.rang or ending.sip == 480


@given(
    endings.filter(lambda ending: not ending.answered and ending.sip not in SIP and ending.cause not in CAUSE)
)
def test_what_nobody_knows_counts_as_an_attempt_and_is_no_success(ending: Ending) -> None:
    found = classify(ending)
    assert found in (D.FAILED, D.NO_ANSWER, D.CANCELLED)
    assert (found in UNCOUNTED) == ending.withdrawn


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"answered": True, "cause": 16}, Telling.WORKED),
        ({"rang": True, "gave_up": True}, Telling.WORKED),
        ({"rang": True, "sip": 503, "cause": 34}, Telling.WORKED),  # it carried the call as far as the callee
        ({"sip": 486, "cause": 17}, Telling.WORKED),
        ({"sip": 404, "cause": 1}, Telling.WORKED),
        ({"sip": 603, "cause": 21}, Telling.WORKED),
        ({"sip": 480, "cause": 19}, Telling.WORKED),
        ({"sip": 503, "cause": 34}, Telling.FAILED),
        ({"sip": 500, "cause": 38}, Telling.FAILED),
        ({"sip": 429}, Telling.FAILED),
        ({"cause": 42}, Telling.FAILED),
        ({"cause": 20}, Telling.FAILED),
        ({"sip": 401, "cause": 21}, Telling.FAILED),
        (
            {"sip": 403, "cause": 21},
            Telling.NOTHING,
        ),  # this callee, this caller ID, or all of us: nobody knows
        ({"gave_up": True}, Telling.NOTHING),
        ({"sip": 408, "cause": 18}, Telling.NOTHING),
        ({"cause": 1}, Telling.NOTHING),  # by the PBX itself
        ({"withdrawn": True}, Telling.NOTHING),
        ({}, Telling.NOTHING),
    ],
)
def test_what_a_call_tells_of_its_trunk(seen: dict[str, Any], told: Telling) -> None:
    ending = Ending(**seen)
    assert telling(classify(ending), ending) is told
