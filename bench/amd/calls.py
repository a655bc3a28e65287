"""Calls to the labelled callees: the Originate that Volley sends, its dialplan, and what that reports.

Knows AMI's framing and four messages. Refuses to know what a callee is and what it should be taken for. The dialplan's
reports are kept with the moment at which they came, in seconds from the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from bench.amd.detector import Running
from engine.ami.encode import Originate
from engine.channel import BUCKET_SECONDS

PREFIX = "+999"
"""Country code 999 belongs to nobody. The lab's carrier plays a labelled callee there, by the number that follows."""
LONGEST = 100.0
"""Seconds after which a call that has not ended is given up; the flow itself ends each after 90."""
END = b"\r\n\r\n"


@dataclass(slots=True)
class Report:
    """What the dialplan reported, and when."""

    kind: str
    value: str
    at: float


@dataclass(slots=True)
class Call:
    """One call to the callee number `number`."""

    number: int
    answered: float = 0.0
    ended: float = 0.0
    reports: list[Report] = field(default_factory=list)

    def reported(self, kind: str) -> list[Report]:
        """Its reports of one kind, in their order."""
        return [one for one in self.reports if one.kind == kind]


class Caller(asyncio.Protocol):
    """One AMI connection that keeps at most `channels` calls going until all numbers are called."""

    def __init__(self, login: bytes, flow: str, numbers: Sequence[int], channels: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.calls: list[Call] = []
        self.live: dict[str, Call] = {}
        self._login, self._flow, self._channels = login, flow, channels
        self._numbers = iter(numbers)
        self._first = int(time.time()) << 24
        self._rest = b""
        self._ready = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._login)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail("Asterisk closed the connection")

    def fail(self, why: str) -> None:
        """Give the run up."""
        if not self.done.done():
            self.done.set_exception(ConnectionError(why))

    def data_received(self, data: bytes) -> None:
        *messages, self._rest = (self._rest + data).split(END)
        for message in messages:
            lines = message.decode(errors="replace").split("\r\n")
            self._take(dict(line.split(": ", 1) for line in lines if ": " in line))

    def start_one(self) -> None:
        """Call the next number, if there is one and a channel free."""
        if not self._ready or self.done.done() or len(self.live) >= self._channels:
            return
        number = next(self._numbers, None)
        if number is None:
            if not self.live:
                self.done.set_result(None)
            return
        attempt = f"v{self._first + len(self.calls):016x}"
        call = Call(number)
        self.calls.append(call)
        self.live[attempt] = call
        assert self._transport is not None
        self._transport.write(self._originate(attempt, number))

    def move(self, channel: str, cause: str) -> None:
        """As the engine does it: what the detector found late; a key was a person."""
        call = self.live.get(channel)
        if call is not None and not call.reported("key"):
            assert self._transport is not None
            move = {
                "Action": "Redirect",
                "Channel": channel,
                "Context": "volley-late",
                "Exten": cause,
                "Priority": "1",
            }
            self._transport.write(
                "".join(f"{key}: {value}\r\n" for key, value in move.items()).encode() + b"\r\n"
            )

    def _take(self, message: dict[str, str]) -> None:
        if not self._ready and "Response" in message:
            if message["Response"] != "Success":
                self.fail("Asterisk refused the login")
            self._ready = True
            return
        call = self.live.get(message.get("Attempt") or message.get("Uniqueid", ""))
        if call is None:
            return
        now = time.monotonic()
        match message.get("Event"):
            case "Newstate" if message.get("ChannelStateDesc") == "Up":
                call.answered = now
            case "UserEvent":
                call.reports.append(Report(message["Kind"], message.get("Value", ""), now - call.answered))
            case "Hangup":
                call.ended = now
                del self.live[message["Uniqueid"]]
                self.start_one()

    def _originate(self, attempt: str, number: int) -> bytes:
        now = int(time.time())
        return Originate(
            id=attempt,
            bucket=now // BUCKET_SECONDS,
            dial=f"PJSIP/{PREFIX}{number:06d}@carrier",
            context="volley-call",
            caller_number="+33162000001",
            caller_name="",
            timeout=30.0,
            account="bench",
            codecs=("alaw", "ulaw"),
            sent=now,
            flow=self._flow,
            language="en",
            fields={},
        ).encode()


async def call_all(
    address: tuple[str, int],
    login: bytes,
    flow: str,
    numbers: Sequence[int],
    channels: int,
    each_second: float,
    detector: Running,
) -> list[Call]:
    """Call every number, at most `channels` at a time and `each_second` new ones a second.

    Raises ConnectionError, and TimeoutError when a call does not end.
    """
    loop = asyncio.get_running_loop()
    transport, caller = await loop.create_connection(lambda: Caller(login, flow, numbers, channels), *address)
    detector.late = lambda channel, cause: cast(
        "None", loop.call_soon_threadsafe(caller.move, channel, cause)
    )
    try:
        moved, ended = time.monotonic(), 0
        while not caller.done.done():
            caller.start_one()
            await asyncio.wait([caller.done], timeout=1 / each_second)
            if (now_ended := len(caller.calls) - len(caller.live)) != ended:
                moved, ended = time.monotonic(), now_ended
            if caller.live and time.monotonic() - moved > LONGEST:
                raise TimeoutError(f"{len(caller.live)} calls do not end")
        caller.done.result()
        return caller.calls
    finally:
        detector.late = None
        caller.done.cancel()
        transport.close()
