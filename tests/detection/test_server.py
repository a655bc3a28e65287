"""The detector's server over real sockets, with a client that does what Asterisk does."""

from __future__ import annotations

import asyncio
import contextlib
import re
from array import array
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from uuid import UUID

import pytest

from engine.detection.server import Detector
from tests.detection.sounds import samples, silence, sines, voice
from tests.patience import PATIENCE

REQUEST = (
    "agi_network: yes\nagi_uniqueid: v01a20bad5e310000\n"
    "agi_arg_1: 2000\nagi_arg_2: 700\nagi_arg_3: 4400\nagi_arg_4: 2000\nagi_arg_5: 1500\n\n"
)
EXEC = re.compile(rb'EXEC TryExec "AudioSocket\(([0-9a-f-]{36}),(127\.0\.0\.1:\d+)\)"\n')
PERSON = samples(silence(0.3), voice(0.7), silence(1.0))
MACHINE = samples(silence(0.3), voice(1.8), silence(0.2), sines((1000.0,), 0.3))


class Asterisk:
    """AGI() of one call, and its AudioSocket()."""

    def __init__(self, detector: Detector, writers: list[asyncio.StreamWriter]) -> None:
        host, _, port = detector.address.rpartition(":")
        self._where = (host, int(port))
        self._writers = writers

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self._where)
        self._writers.append(writer)
        return reader, writer

    async def ask(self) -> str:
        """Begin; returns the id under which the audio is expected, empty when it is not."""
        self.reader, self.writer = await self.connect()
        self.writer.write(REQUEST.encode())
        found = EXEC.fullmatch(await self.reader.readline())
        return found[1].decode() if found else ""

    async def send(self, call: str, sound: array[int]) -> bytes:
        """The audio, until the server has enough of it; returns what it said last."""
        reader, writer = await self.connect()
        writer.write(b"\x01\x00\x10" + UUID(call).bytes)
        data = sound.tobytes()
        for at in range(0, len(data), 320):
            piece = data[at : at + 320]
            writer.write(b"\x10" + len(piece).to_bytes(2, "big") + piece)
        said = await reader.read(3)
        writer.close()
        return said

    async def told(self) -> str:
        """The end of AudioSocket(); returns the variable's value, empty when none was set."""
        self.writer.write(b"200 result=0\n")
        line = await self.reader.readline()
        if line:
            self.writer.write(b"200 result=1\n")
            assert await self.reader.read() == b""
        found = re.fullmatch(rb'SET VARIABLE VOLLEY_HEARD "([^"]*)"\n', line)
        return found[1].decode() if found else ""


Caller = Callable[[], Asterisk]


async def settled(detector: Detector) -> None:
    """Nobody is heard any more."""
    async with asyncio.timeout(PATIENCE):
        while detector.live:  # noqa: ASYNC110 -- as it stands in the process
            await asyncio.sleep(0.01)


Late = list[tuple[str, str]]


@pytest.fixture
def late() -> Late:
    """Channels that turned out to be machines."""
    return []


@pytest.fixture
async def detector(late: Late) -> AsyncIterator[Detector]:
    found = Detector([], 2, lambda channel, cause: late.append((channel, cause)))
    await found.open("127.0.0.1", 0)
    yield found
    found.close()


@pytest.fixture
async def call(detector: Detector) -> AsyncIterator[Caller]:
    writers: list[asyncio.StreamWriter] = []
    yield lambda: Asterisk(detector, writers)
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("sound", "verdict"), [(PERSON, "HUMAN,HUMAN-700-"), (MACHINE, "MACHINE,BEEP-1000,")]
)
async def test_a_call_is_heard(detector: Detector, call: Caller, sound: array[int], verdict: str) -> None:
    asterisk = call()
    name = await asterisk.ask()
    assert await asterisk.send(name, sound) == b"\0\0\0"
    told = await asterisk.told()
    assert told.startswith(verdict)
    further = told.rpartition(",")[2]
    assert bool(further) == (sound is PERSON)
    assert (detector.live, detector.heard, detector.refused) == (bool(further), 1, 0)


async def further(asterisk: Asterisk) -> str:
    """The id under which a person is heard on."""
    assert await asterisk.send(await asterisk.ask(), PERSON) == b"\0\0\0"
    address, _, found = (await asterisk.told()).rpartition(",")[2].partition("/")
    assert address == ":".join(map(str, asterisk._where))
    return found


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        (samples(silence(0.5), sines((1000.0,), 0.3)), [("v01a20bad5e310000", "BEEP-1000")]),
        (samples(silence(4.5)), []),
    ],
)
async def test_a_person_is_heard_on(
    detector: Detector, call: Caller, late: Late, sound: array[int], told: Late
) -> None:
    asterisk = call()
    name = await further(asterisk)
    assert await asterisk.send(name, sound) == b"\0\0\0"
    assert late == told
    await settled(detector)
    assert await asterisk.send(name, sound[:800]) == b"", "an id is good for one call"


async def test_nobody_who_is_not_sent_on_is_waited_for(detector: Detector, call: Caller) -> None:
    name = await further(call())
    assert detector.live == 1
    await settled(detector)
    assert await call().send(name, PERSON[:800]) == b""


async def test_an_id_that_nobody_was_told(call: Caller) -> None:
    asterisk = call()
    assert await asterisk.send("00000000-0000-4000-8000-000000000000", PERSON[:800]) == b""


async def test_an_id_is_good_for_one_call(call: Caller) -> None:
    asterisk = call()
    name = await asterisk.ask()
    assert await asterisk.send(name, PERSON) == b"\0\0\0"
    assert await asterisk.send(name, PERSON[:800]) == b""


async def test_too_many_are_left_to_amd(detector: Detector, call: Caller) -> None:
    calls = [call() for _ in range(3)]
    assert [bool(await one.ask()) for one in calls] == [True, True, False]
    assert detector.refused == 1
    assert await calls[0].told() == ""
    assert await call().ask()


async def test_audio_that_ends_gives_no_verdict(detector: Detector, call: Caller) -> None:
    asterisk = call()
    name = await asterisk.ask()
    _, writer = await asterisk.connect()
    writer.write(b"\x01\x00\x10" + UUID(name).bytes)
    writer.close()
    assert await asterisk.told() == ""
    assert detector.live == 0


async def test_a_line_that_sends_nothing_is_silent(detector: Detector, call: Caller) -> None:
    """After a word, not one packet more: the pause is over all the same."""
    watching = asyncio.create_task(detector.watch())
    asterisk = call()
    name = await asterisk.ask()
    assert await asterisk.send(name, samples(silence(0.3), voice(0.7))) == b"\0\0\0"
    assert (await asterisk.told()).startswith("HUMAN,")
    watching.cancel()


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"\x02\x00\x00\x00", b"agi_x\n\n", b"agi_arg_1: 0\n\n"]
)
async def test_a_stranger_is_hung_up_on(call: Caller, said: bytes) -> None:
    reader, writer = await call().connect()
    writer.write(said)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""


def test_who_may_ask() -> None:
    detector = Detector([ip_network("10.0.0.0/24")], 1, lambda *_: None)
    asked = ["127.0.0.1", "::1", "10.0.0.7", "::ffff:10.0.0.7", "10.0.1.7", "2001:db8::1"]
    assert [detector.welcome(one) for one in asked] == [True, True, True, True, False, False]
