"""AMI events -> channel events, with events that a real Asterisk 22 sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ami.events import TABLE, inbound, sip_status
from engine.ami.protocol import Fields, parse
from engine.channel import (
    ChannelEvent,
    HungUp,
    InboundOptOut,
    KeyPressed,
    OriginateFailed,
    Queued,
    Refused,
    Report,
    Ringing,
    Up,
    attempt_of,
    channel_id,
)
from engine.dialing.call import Call, State
from engine.dialing.effects import AwaitHangup, End, TakeKey

RECORDED = Path(__file__).with_name("recorded.ami").read_bytes()
NOW = 1_795_491_030.0
OURS = "v01a20b9a82c10003"
A = int(OURS[1:], 16)


def fields(text: str) -> Fields:
    return parse("\r\n".join(line.strip() for line in text.strip().splitlines()).encode())


ROWS: list[tuple[str, bytes, str, ChannelEvent | None]] = [
    ("queued", b"Response", "Response: Success\nActionID: {id}\nMessage: Originate successfully queued", Queued(A)),
    ("refused", b"Response", "Response: Error\nActionID: {id}\nMessage: Invalid channel", Refused(A, "Invalid channel")),
    ("refused, no words", b"Response", "Response: Error\nActionID: {id}", Refused(A, "no reason given")),
    ("an answer to somebody else", b"Response", "Response: Success\nActionID: action/1/2", None),
    ("an answer to nobody", b"Response", "Response: Success", None),
    ("failed", b"OriginateResponse", "ActionID: {id}\nResponse: Failure\nReason: 3\nUniqueid: {id}", OriginateFailed(A, 3)),
    ("failed, no reason", b"OriginateResponse", "ActionID: {id}\nResponse: Failure", OriginateFailed(A, 0)),
    ("failed, an odd reason", b"OriginateResponse", "ActionID: {id}\nResponse: Failure\nReason: x", OriginateFailed(A, 0)),
    ("succeeded", b"OriginateResponse", "ActionID: {id}\nResponse: Success\nReason: 4", None),
    ("not ours", b"OriginateResponse", "ActionID: foo\nResponse: Failure\nReason: 0", None),
    ("rings", b"Newstate", "ChannelState: 5\nChannelStateDesc: Ringing\nUniqueid: {id}", Ringing(A)),
    ("up", b"Newstate", "ChannelState: 6\nChannelStateDesc: Up\nUniqueid: {id}", Up(A)),
    ("dialing", b"Newstate", "ChannelState: 3\nUniqueid: {id}", None),
    ("another channel rings", b"Newstate", "ChannelState: 5\nUniqueid: 1795491005.12", None),
    ("a longer id", b"Newstate", "ChannelState: 5\nUniqueid: {id}0", None),
    ("its local half", b"Newstate", "ChannelState: 5\nUniqueid: {id};2", None),
    (
        "busy",
        b"Hangup",
        "ChannelState: 0\nChannelStateDesc: Down\nUniqueid: {id}\nCause: 17\nCause-txt: User busy\nTechCause: 486",
        HungUp(A, 17, 486, NOW, answered=False),
    ),
    (
        "cleared after an answer",
        b"Hangup",
        "ChannelState: 6\nUniqueid: {id}\nCause: 16\nCause-txt: Normal Clearing",
        HungUp(A, 16, 0, NOW, answered=True),
    ),
    ("while it rang, with no cause", b"Hangup", "ChannelState: 5\nUniqueid: {id}", HungUp(A, 0, 0, NOW, rang=True)),
    ("with an odd cause", b"Hangup", "Uniqueid: {id}\nCause: -1\nTechCause: ?", HungUp(A, 0, 0, NOW)),
    ("another channel", b"Hangup", "Uniqueid: 1795491005.12\nCause: 16", None),
    (
        "a report",
        b"UserEvent",
        "Uniqueid: {id}\nUserEvent: Volley\nAttempt: {id}\nSeq: 3\nKind: key\nValue: 2@message",
        Report(A, 3, "key", "2@message", NOW),
    ),
    (
        "a report without a value",
        b"UserEvent",
        "UserEvent: Volley\nAttempt: {id}\nSeq: 1\nKind: amd\nValue: ",
        Report(A, 1, "amd", "", NOW),
    ),
    ("a report with half of it", b"UserEvent", "UserEvent: Volley\nAttempt: {id}\nSeq: 1", Report(A, 1, "", "", NOW)),
    ("a report without a number", b"UserEvent", "UserEvent: Volley\nAttempt: {id}\nSeq: \nKind: amd", None),
    ("a report with an odd number", b"UserEvent", "UserEvent: Volley\nAttempt: {id}\nSeq: -1\nKind: amd", None),
    ("a report of nobody", b"UserEvent", "UserEvent: Volley\nAttempt: \nSeq: 1\nKind: amd", None),
    ("another program's", b"UserEvent", "UserEvent: VolleyBall\nAttempt: {id}\nSeq: 1\nKind: amd", None),
    (
        "a key",
        b"DTMFEnd",
        "Channel: PJSIP/carrier-00000006\nUniqueid: {id}\nDigit: 2\nDurationMs: 260\nDirection: Received",
        KeyPressed(A, "2", "PJSIP/carrier-00000006"),
    ),
    ("a key that we sent", b"DTMFEnd", "Channel: x\nUniqueid: {id}\nDigit: 2\nDirection: Sent", None),
    ("no key", b"DTMFEnd", "Channel: x\nUniqueid: {id}\nDigit: \nDirection: Received", None),
    ("two keys in one", b"DTMFEnd", "Channel: x\nUniqueid: {id}\nDigit: 12\nDirection: Received", None),
    ("another channel's key", b"DTMFEnd", "Channel: x\nUniqueid: 1.2\nDigit: 2\nDirection: Received", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "event"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_table(name: bytes, text: str, event: ChannelEvent | None) -> None:
    assert TABLE[name](fields(text.replace("{id}", OURS)), NOW) == event


BACK = "UserEvent: VolleyInbound\nCall: 1795491005.12\nNumber: +33199001001\nCalled: 33162000001"


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (BACK, InboundOptOut("1795491005.12", "+33199001001", "33162000001", NOW)),
        (BACK.replace("VolleyInbound", "Volley"), None),
        (BACK.replace("VolleyInbound", "VolleyInboundX"), None),
        (BACK.replace("+33199001001", "anonymous"), None),
        (BACK.replace("+33199001001", ""), None),
        (BACK.replace("+33199001001", "+33199001001;x=1"), None),
        (BACK.replace("33162000001", "33162000001x"), None),
        (BACK.replace("1795491005.12", "1/2"), None),
        ("UserEvent: VolleyInbound", None),
    ],
)
def test_somebody_who_called_back(text: str, event: InboundOptOut | None) -> None:
    assert inbound(fields(text), NOW) == event
    assert TABLE[b"UserEvent"](fields(text), NOW) is None


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("486", 486),
        ("SIP 486 Busy Here", 486),
        ("SIP 503", 503),
        ("SIP 200 OK", 0),
        ("SIP 183", 0),
        ("603", 603),
        ("", 0),
        ("SIP", 0),
        ("4861", 0),
        ("SIP 700", 0),
        ("Q.850;cause=17", 0),
        ("302 Moved", 302),
    ],
)
def test_sip_status(told: str, status: int) -> None:
    assert sip_status(told) == status


@given(
    st.sampled_from(sorted(TABLE)),
    st.dictionaries(
        st.sampled_from(
            ["ActionID", "Uniqueid", "Attempt", "Response", "Reason", "ChannelState", "Cause", "TechCause", "UserEvent",
             "Seq", "Kind", "Value", "Digit", "Direction", "Channel", "Message"]
        ),
        st.one_of(st.text(max_size=8), st.sampled_from([OURS, "Success", "Volley", "Received", "5", "6", "²", "٣", "1e3"])),
    ),
)  # fmt: skip
def test_no_event_however_odd_raises(name: bytes, odd: Fields) -> None:
    event = TABLE[name](odd, NOW)
    if event is not None:
        assert event.attempt == A


@given(st.integers(0, 2**63 - 1))
def test_ids_are_fixed_width_and_come_back(attempt: int) -> None:
    assert len(channel_id(attempt)) == 17
    assert attempt_of(channel_id(attempt)) == attempt


# What the callee of each recorded call did -> how the call ended. The events are taken in the order in which Asterisk sent them.
CALLS = {
    "v01a20b9a82c10000": ("a person who listens", "ANSWERED_HUMAN", "heard"),
    "v01a20b9a82c10001": ("hangs up at once", "ANSWERED_UNSURE", ""),
    "v01a20b9a82c10002": ("presses 9", "ANSWERED_HUMAN", "opted_out"),
    "v01a20b9a82c10003": ("presses 2", "ANSWERED_HUMAN", "call_back"),
    "v01a20b9a82c10004": ("presses 1", "ANSWERED_HUMAN", "confirmed"),
    "v01a20b9a82c20000": ("presses 9 during the detection", "ANSWERED_HUMAN", "opted_out"),
    "v01a20b9a82c20001": ("a machine", "ANSWERED_MACHINE", "hung_up_on"),
    "v01a20b9a82c20002": ("busy", "BUSY", ""),
    "v01a20b9a82c20003": ("declines", "REJECTED", ""),
    "v01a20b9a82c20004": ("no such number", "INVALID_NUMBER", ""),
    "v01a20b9a82c20005": ("the carrier is full", "CONGESTION", ""),
    "v01a20b9a82c20006": ("unavailable", "NO_ANSWER", ""),
    "v01a20b9a82c20007": ("rings out", "NO_ANSWER", ""),
    "v01a20b9a90d60000": ("hung up by an action while it rang", "FAILED", ""),
}


def recorded_events(channel: str) -> list[ChannelEvent]:
    found = []
    for block in RECORDED.split(b"\r\n\r\n"):
        message = parse(block)
        name = message.get("Event", "Response").encode()
        event = TABLE[name](message, NOW) if name in TABLE else None
        if event is not None and channel_id(event.attempt) == channel:
            found.append(event)
    return found


@pytest.mark.parametrize("channel", CALLS, ids=[row[0] for row in CALLS.values()])
def test_real_calls_from_their_events_to_their_end(channel: str) -> None:
    _, disposition, result = CALLS[channel]
    attempt = attempt_of(channel)
    assert attempt is not None
    call = Call(attempt)
    call.sent(1_795_491_005.0, 37.0)
    call.timeout = float("inf")  # the recording was made within half a minute
    effects = [effect for event in recorded_events(channel) for effect in call.handle(event, NOW)]
    [end] = [effect for effect in effects if isinstance(effect, End)]
    assert end.disposition == disposition
    assert call.state is State.ENDED
    assert call.result == result
    assert call.opted_out == (result == "opted_out")
    kinds = Counter(type(effect) for effect in effects)
    assert kinds[TakeKey] == (channel == "v01a20b9a82c20000")
    assert kinds[AwaitHangup] == (disposition not in ("ANSWERED_HUMAN", "ANSWERED_UNSURE", "ANSWERED_MACHINE")
                                  and not end_came_first(channel))  # fmt: skip


def end_came_first(channel: str) -> bool:
    """Did Asterisk send this call's Hangup before its OriginateResponse?"""
    kinds = [type(event) for event in recorded_events(channel)]
    return OriginateFailed in kinds and kinds.index(HungUp) < kinds.index(OriginateFailed)
