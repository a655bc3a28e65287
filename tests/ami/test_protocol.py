"""Framing and dispatch of what a real Asterisk 22 sent (recorded.ami: sixteen calls of every kind, lists and errors)."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panoramisk.actions import Action

from engine.ami.protocol import Fields, Listing, Message, Protocol, Told, parse
from engine.errors import AmiActionFailed

RECORDED = Path(__file__).with_name("recorded.ami").read_bytes()
KNOWN = (b"Response", b"OriginateResponse", b"Newstate", b"Hangup", b"UserEvent", b"DTMFEnd", b"FullyBooted")
LISTS = ("list-1", "list-2", "list-3")

Messages = list[tuple[str, Fields]]


def expected(stream: bytes) -> Messages:
    """What should reach the handlers, read in another way: line by line, from the text as a whole."""
    told: Messages = []
    fields: Fields = {}
    for line in stream.decode().splitlines()[1:]:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        word = fields.get("Event", "Response")
        ours = fields.get("ActionID", "").startswith("v")
        if (word != "Response" and word.encode() in KNOWN) or (word == "Response" and ours):
            told.append((word, fields))
        fields = {}
    return told


EXPECTED = expected(RECORDED)


def _tell(told: Messages, word: str, message: Told) -> None:
    told.append((word, whole(message)))


def whole(message: Told) -> Fields:
    """All that a message says, asked for name by name."""
    assert isinstance(message, Message)
    names = [line.partition(": ")[0] for line in message._text.split("\r\n") if line]
    return {name: message.get(name, "") for name in names}


async def received(
    chunks: list[bytes], actions: tuple[str, ...] = (), lists: tuple[str, ...] = LISTS
) -> tuple[Messages, dict[str, Listing], dict[str, Action], Protocol]:
    """Feed a protocol with chunks; what it told its handlers, its lists, the actions that were answered."""
    told: Messages = []
    listings = {name: Listing() for name in lists}
    kept = dict(listings)
    handlers = {name: partial(_tell, told, name.decode()) for name in KNOWN}
    protocol = Protocol(handlers, listings)
    protocol.connection_made(asyncio.Transport())
    waiting = {name: Action({"Action": "Any", "ActionID": name}, as_list=False) for name in actions}
    protocol.responses.update(waiting)
    for chunk in chunks:
        protocol.data_received(chunk)
    return told, kept, waiting, protocol


class Socket(asyncio.Transport):
    """Notes whether anybody reads from it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True
        self.closed = False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.closed
        self.reads = True

    def is_closing(self) -> bool:
        return self.closed


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def test_the_recording_is_worth_it() -> None:
    assert Counter(word for word, _ in EXPECTED) == {
        "Response": 18,
        "OriginateResponse": 18,
        "Newstate": 20,
        "Hangup": 16,
        "UserEvent": 23,
        "DTMFEnd": 4,
        "FullyBooted": 1,
    }


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(RECORDED) - 1), max_size=60))
def test_any_chunking_gives_the_same(cuts: list[int]) -> None:
    told, lists, _, _ = asyncio.run(received(split(RECORDED, cuts)))
    assert told == EXPECTED
    assert [len(lists[name].future.result()) for name in LISTS] == [8, 55, 0]


@pytest.mark.parametrize("size", [1, 2, 3, 1500])
async def test_chunks_of_one_size(size: int) -> None:
    stream = RECORDED[:12_000]
    whole = stream[: stream.rfind(b"\r\n\r\n") + 4]
    told, *_ = await received([stream[at : at + size] for at in range(0, len(stream), size)])
    assert told == expected(whole)


async def test_a_cut_within_the_banner_and_the_first_messages() -> None:
    head = RECORDED[:700]
    for first in range(1, 60):
        for second in range(first, 60, 7):
            told, _, _, protocol = await received([head[:first], head[first:second], head[second:]])
            assert protocol.version == "11.0.0"
            assert [word for word, _ in told] == ["FullyBooted"]


async def test_lists_are_collected_each_to_its_end() -> None:
    _, lists, _, _ = await received([RECORDED])
    channels, kept, nothing = (lists[name].future.result() for name in LISTS)
    assert {item["Event"] for item in channels} == {"CoreShowChannel"}
    assert channels[0]["Uniqueid"] == "v01a20b9a82c20008"
    assert {item["Event"] for item in kept} == {"DBGetTreeResponse"}
    assert kept[0]["Key"] == "/volley/2992485/v01a20b9a82c10000/1"
    assert kept[0]["Val"] == "amd|HUMAN/HUMAN-800-800|1795491007"
    assert nothing == []


async def test_a_list_that_nobody_waits_for_is_passed_over() -> None:
    told, lists, _, _ = await received([RECORDED], lists=("list-2",))
    assert told == EXPECTED
    assert len(lists["list-2"].future.result()) == 55


async def test_a_list_that_is_refused_is_an_error_and_not_an_empty_list() -> None:
    refusal = b"Asterisk Call Manager/11.0.0\r\nResponse: Error\r\nActionID: list-1\r\nMessage: Permission denied\r\n\r\n"
    _, lists, _, _ = await received([refusal])
    with pytest.raises(AmiActionFailed, match="Permission denied"):
        lists["list-1"].future.result()
    assert not lists["list-2"].future.done()


async def test_a_list_whose_waiter_is_gone_disturbs_nobody() -> None:
    told: Messages = []
    listings = {name: Listing() for name in LISTS}
    for name in LISTS[:2]:
        listings[name].future.cancel()
    protocol = Protocol({name: partial(_tell, told, "") for name in KNOWN}, listings)
    protocol.connection_made(asyncio.Transport())
    protocol.data_received(RECORDED)
    protocol.data_received(b"Response: Error\r\nActionID: list-2\r\n\r\n")
    assert len(told) == len(EXPECTED)
    assert listings == {}


async def test_answers_to_actions_go_to_those_who_wait() -> None:
    _, _, actions, _ = await received(
        [RECORDED], actions=("action/recorded/1/2", "action/recorded/1/20", "other")
    )
    assert actions["action/recorded/1/2"].future.result().AsteriskVersion.startswith("22.10.1")
    refused = actions["action/recorded/1/20"].future.result()
    assert not refused.success
    assert refused.message == "No such channel"
    assert not actions["other"].future.done()


async def test_what_nobody_asked_for_is_skipped() -> None:
    noise = (
        b"Asterisk Call Manager/11.0.0\r\n"
        b"Event: PeerStatus\r\nPeer: PJSIP/x\r\n\r\n"
        b"Event: \r\n\r\n"
        b"\r\n\r\n"
        b"Nonsense\r\nwithout: sense\r\n\r\n"
        b"Event: NewstateExtra\r\nUniqueid: v0000000000000001\r\n\r\n"
        b"Event: Newstate\r\nUniqueid: v0000000000000001\r\nChannelState: 6\r\n\r\n"
    )
    told, *_ = await received([noise])
    assert told == [("Newstate", {"Event": "Newstate", "Uniqueid": "v0000000000000001", "ChannelState": "6"})]


@given(st.lists(st.tuples(st.sampled_from(["A", "AA", "Name", "X-Y"]), st.text(max_size=6)), max_size=6))
def test_a_message_says_what_parsing_it_says(lines: list[tuple[str, str]]) -> None:
    block = "\r\n".join(["Event: X", *(f"{name}: {value}" for name, value in lines)]).encode(
        "utf-8", "replace"
    )
    message, fields = Message(block), parse(block)
    for name in ("Event", "A", "AA", "Name", "X-Y", "Y"):
        assert message.get(name, "none") == fields.get(name, "none")


def test_parse() -> None:
    assert parse(
        b"Event: X\r\nEmpty: \r\nBare:\r\nTime: 12:30: sharp\r\nTwice: 1\r\nTwice: 2\r\nName: Zo\xc3\xab \xff"
    ) == {
        "Event": "X",
        "Empty": "",
        "Bare:": "",
        "Time": "12:30: sharp",
        "Twice": "2",
        "Name": "Zoë \ufffd",
    }


# -- events that come together -----------------------------------------------------------------------------------------

GATHER = 0.05
RINGING = b"Event: Newstate\r\nUniqueid: v0000000000000001\r\nChannelState: 5\r\n\r\n"
PONG = b"Response: Success\r\nActionID: ping-1\r\nPing: Pong\r\n\r\n"


def gathering() -> tuple[Messages, Socket, Protocol]:
    told: Messages = []
    protocol = Protocol({b"Newstate": partial(_tell, told, "Newstate")}, {}, GATHER)
    socket = Socket()
    protocol.connection_made(socket)
    protocol.data_received(b"Asterisk Call Manager/11.0.0\r\n")
    return told, socket, protocol


async def test_the_first_event_is_taken_at_once_and_those_behind_it_together() -> None:
    told, socket, protocol = gathering()
    assert socket.reads
    protocol.data_received(RINGING)
    assert len(told) == 1
    assert not socket.reads
    await asyncio.sleep(GATHER * 2)
    assert socket.reads


async def test_nobody_waits_for_an_answer_because_of_events() -> None:
    told, socket, protocol = gathering()
    protocol.data_received(PONG + b"Event: PeerStatus\r\nPeer: PJSIP/carrier\r\n\r\n" + RINGING[:20])
    assert not told
    assert socket.reads


async def test_a_connection_that_ends_while_events_are_gathered_is_left_alone() -> None:
    _, socket, protocol = gathering()
    protocol.data_received(RINGING)
    socket.closed = True
    await asyncio.sleep(GATHER * 2)
    assert not socket.reads
