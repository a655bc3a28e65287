"""The simulated PBX held against what a real Asterisk said to Volley (`python -m bench.transcript`): the same actions are put to
it over a real socket, and it must answer in the same messages, fields and orders."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.pbx_sim.behaviour import WAYS, first, mix
from bench.pbx_sim.pbx import Session, SimulatedPbx
from tests.patience import PATIENCE

RECORDED = Path(__file__).with_name("recorded-asterisk.txt").read_text(encoding="utf-8")
SECRET = "s"
Message = list[tuple[str, str]]

# The recorded calls in their order, and the way of each.
CALLS = (
    "hangs-up-mid-message", "busy", "rejects", "unallocated", "congestion", "unavailable", "server-error", "rings-out",
    "person", "presses-1", "presses-9", "voicemail", "person",
)  # fmt: skip
# Facts that must be the same; of the others (where in the dialplan, serials, what AMD measured) the names suffice.
SAME = frozenset(
    {"Event", "Privilege", "Response", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum",
     "ConnectedLineName", "Language", "AccountCode", "Uniqueid", "Linkedid", "Cause", "Cause-txt", "TechCause", "Reason", "UserEvent",
     "Attempt", "Seq", "Kind", "Digit", "Direction", "ActionID", "Message", "EventList", "Status", "Ping"}
)  # fmt: skip
# What comes in either order, whichever the threads of Asterisk have it.
EITHER = ({"OriginateResponse", "Newstate 6"}, {"OriginateResponse", "Hangup"})


def parse(text: str) -> Message:
    return [(name, value) for name, _, value in (line.partition(": ") for line in text.split("\n"))]


def recorded() -> list[tuple[str, Message]]:
    """(`>1`, `<1`, ..., message) of the recording."""
    found = []
    for paragraph in RECORDED.strip().split("\n\n"):
        direction = paragraph[:2]
        found.append((direction, parse(re.sub(r"^[<>#]\d? ", "", paragraph, flags=re.MULTILINE))))
    return found


MESSAGES = recorded()
ORIGINATES = [
    message
    for direction, message in MESSAGES
    if direction[0] == ">" and message[0] == ("Action", "Originate")
]


def value(message: Message, name: str) -> str:
    return next((value for key, value in message if key == name), "")


def id_of(message: Message) -> str:
    return value(message, "Uniqueid") or value(message, "ActionID")


def kind(message: Message) -> str:
    word = value(message, "Event") or "Response"
    return f"{word} {value(message, 'ChannelState')}" if word == "Newstate" else word


def facts(message: Message) -> Message:
    """What must be the same."""
    return [(name, value if name in SAME else "...") for name, value in message]


def told(messages: list[Message]) -> list[Message]:
    """In one order, where either may come first."""
    found = list(messages)
    for at in range(len(found) - 1):
        if {kind(found[at]), kind(found[at + 1])} in EITHER and kind(found[at]) != "OriginateResponse":
            found[at], found[at + 1] = found[at + 1], found[at]
    return [facts(message) for message in found]


class Client:
    """An AMI client that collects."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.got: list[Message] = []

    async def next(self) -> Message:
        text = await self.reader.readuntil(b"\r\n\r\n")
        message = parse(text.decode().strip("\r\n").replace("\r\n", "\n"))
        self.got.append(message)
        return message

    async def ask(self, message: Message) -> list[Message]:
        """Put an action; what comes until its answer is whole."""
        self.writer.write("".join([*(f"{name}: {value}\r\n" for name, value in message), "\r\n"]).encode())
        answer = [await self.next()]
        while value(answer[0], "EventList") == "start" and value(answer[-1], "EventList") != "Complete":
            answer.append(await self.next())
        return answer

    async def until(self, count: int, attempt: str) -> list[Message]:
        """Messages of a call, as soon as there are so many."""
        while len(found := [one for one in self.got if id_of(one) == attempt]) < count:
            await self.next()
        return found


@asynccontextmanager
async def simulated(*ways: str) -> AsyncIterator[tuple[SimulatedPbx, Client]]:
    pbx = SimulatedPbx(SECRET, ways or ("busy",), ring=0.02, talk=0.05)
    server = await asyncio.get_running_loop().create_server(lambda: Session(pbx), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
    client = Client(reader, writer)
    await client.ask([("Action", "Login"), ("ActionID", "1"), ("Username", "volley"), ("Secret", SECRET)])
    await client.next()  # FullyBooted
    try:
        async with asyncio.timeout(PATIENCE):
            yield pbx, client
    finally:
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.01)  # its side of the connection hears of the end


def test_the_recording_has_all_that_is_needed() -> None:
    assert len(ORIGINATES) == len(CALLS)
    assert set(CALLS) == set(WAYS)


async def test_every_call_is_told_as_asterisk_told_it() -> None:
    async with simulated(*CALLS) as (pbx, client):
        for originate, way in zip(ORIGINATES, CALLS, strict=True):
            attempt = id_of(originate)
            expected = [
                one for direction, one in MESSAGES
                if direction == "<1" and id_of(one) == attempt
            ]  # fmt: skip
            if way == CALLS[-1] and originate is ORIGINATES[-1]:
                continue  # its end was told to the second connection
            await client.ask(originate)
            if way == "rings-out":
                await client.until(2, attempt)
                await client.ask(
                    [("Action", "Hangup"), ("ActionID", "h"), ("Cause", "16"), ("Channel", attempt)]
                )
            got = await client.until(len(expected), attempt)
            assert told(got) == told(expected), way
        assert not pbx.channels
        assert pbx.problems == []


async def test_actions_are_answered_as_asterisk_answered_them() -> None:
    """All but Originates, in their order, against the state that they themselves make; of lists the acknowledgement, the end and
    the names in an item."""
    answers = {
        id_of(one): one for direction, one in MESSAGES if direction[0] == "<" and one[0][0] == "Response"
    }
    seen = set()
    async with simulated() as (pbx, client):
        pbx.astdb.put("volleyinbound", "0162000001/key", "9")
        pbx.astdb.put("volleyflow", "c29c3d7a84b501c6/amd", "off")
        for direction, action in MESSAGES:
            name = value(action, "Action")
            if direction != ">1" or name in ("Login", "Originate"):
                continue
            if name == "Hangup":
                continue  # of a call: above
            answer = await client.ask(action)
            expected = answers[id_of(action)]
            assert [name for name, _ in answer[0]] == [name for name, _ in expected]
            assert facts(answer[0]) == facts(expected)
            seen.add(name)
            if len(answer) > 2:
                items = [
                    one
                    for _, one in MESSAGES
                    if value(one, "ActionID") == id_of(action) and value(one, "Event")
                ]
                assert [name for name, _ in answer[1]] == [name for name, _ in items[0]]
                assert [name for name, _ in answer[-1]] == [name for name, _ in items[-1]]
    assert seen >= {
        "CoreSettings",
        "CoreStatus",
        "DBGetTree",
        "DBPut",
        "DBDelTree",
        "CoreShowChannels",
        "Ping",
    }


async def test_a_living_call_is_shown_and_its_outbox_can_be_read() -> None:
    async with simulated("rings-out", "busy") as (_, client):
        originate = ORIGINATES[-1]
        await client.ask(originate)
        await client.until(2, id_of(originate))
        shown = await client.ask([("Action", "CoreShowChannels"), ("ActionID", "list-4")])
        [expected] = [one for _, one in MESSAGES if value(one, "Event") == "CoreShowChannel"]
        assert [name for name, _ in shown[1]] == [name for name, _ in expected]
        await client.ask(ORIGINATES[1])
        await client.until(3, id_of(ORIGINATES[1]))
        tree = await client.ask([("Action", "DBGetTree"), ("ActionID", "list-5"), ("Family", "volley")])
        kept = {
            value(one, "Key").rpartition("/")[2]: value(one, "Val")
            for one in tree[1:-1]
            if id_of(ORIGINATES[1]) in value(one, "Key")
        }
        [end] = [
            value(one, "Val")
            for _, one in MESSAGES
            if value(one, "Key").endswith(f"{id_of(ORIGINATES[1])}/end")
        ]
        assert kept["end"].rpartition("|")[0] == end.rpartition("|")[0] == "17|Down|SIP 486"
        assert kept["sent"].isdecimal()
        bucket = value(tree[-2], "Key").split("/")[2]
        gone = await client.ask(
            [("Action", "DBDelTree"), ("ActionID", "d"), ("Family", "volley"), ("Key", bucket)]
        )
        assert value(gone[0], "Message") == "Key tree deleted successfully"


async def test_a_wrong_secret_and_a_number_dialed_twice() -> None:
    async with simulated("rings-out") as (pbx, client):
        refused = await client.ask(
            [("Action", "Login"), ("ActionID", "1"), ("Username", "volley"), ("Secret", "x")]
        )
        assert facts(refused[0])[0] == ("Response", "Error")
        await client.ask(ORIGINATES[0])
        await client.until(2, id_of(ORIGINATES[0]))
        again = [
            (name, text.replace(id_of(ORIGINATES[0]), "v0000000000000001")) for name, text in ORIGINATES[0]
        ]
        await client.ask(again)
        assert len(pbx.problems) == 1


def test_a_mix_gives_each_its_share() -> None:
    ways = mix("person=3,busy=1")
    assert sorted(first(ways, 8)) == ["busy"] * 2 + ["person"] * 6
    assert mix("busy") == ("busy",)
    with pytest.raises(ValueError, match="no such way"):
        mix("nobody=1")
