"""An independent SIP callee: it answers, refuses, rings, presses keys, and writes down every INVITE that reaches it.

    python -m chaos.callee --address 127.0.0.3 --port 25560 --log calls.log

A process of its own that nothing of a run ever touches, on one UDP socket for SIP and one for RTP. It shares no code with the
engine and knows nothing of it. A call is a Call-ID: retransmissions and re-INVITEs of one are the same call. What it writes, one
line each, with the moment in milliseconds since the epoch:

    <ms> invite <number> <call-id> <from>      a new call
    <ms> answer <number> <call-id>             its 200 was acknowledged
    <ms> key <number> <call-id> <digit>        a key was pressed, to its end, in a call that was still up
    <ms> end <number> <call-id> <who>          bye (the PBX hung up), hangup (the callee did), cancel, refuse, lost

Sources: RFC 3261 (SIP), RFC 4733 (telephone events), RFC 4566 (SDP).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from chaos import plan, sip

T1 = 0.5
"""RFC 3261 17.1.1.1: the first retransmission of what is not acknowledged comes after half a second."""
SENDS = 5
LOST_AFTER = 45.0
"""Seconds after which a call of which nothing more comes is forgotten: its PBX died."""
KEEP_ENDED = 40.0
"""Longer than an INVITE is repeated (32 s, RFC 3261 17.1.1.2)."""
KEY_AFTER = (0.4, 1.2)
"""Seconds from the answer to the key."""
EVENT_MS, PACKET_MS, CLOCK = 120, 20, 8
"""Length of a key, distance of its packets (milliseconds), and ticks a millisecond of the RTP clock."""


@dataclass(slots=True)
class Call:
    """One call, as the callee has it."""

    number: str
    call_id: str
    invite: sip.Message
    source: sip.Address
    tag: str
    behaviour: plan.Behaviour
    audio: sip.Audio
    answered: bool = False
    ended: bool = False
    closed: bool = False
    """Our BYE was answered."""
    last: bytes = b""
    """The last answer to the INVITE, sent again when the INVITE comes again."""
    sequence: int = 0
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Callee(asyncio.DatagramProtocol):
    """The SIP side."""

    def __init__(
        self, address: str, port: int, rtp_port: int, write: Callable[[str], None], seed: int
    ) -> None:
        self._sip = sip.Speaker(address, port, rtp_port)
        self._write = write
        self._dice = random.Random(seed)
        self._calls: dict[str, Call] = {}
        self._times: dict[str, int] = {}
        """How often each number was called."""
        self._tags = 0
        self._transport: Any = None
        self.rtp: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, source: Any) -> None:
        message = sip.read(data)
        call = self._calls.get(message.headers.get("call-id", ""))
        if message.method == "SIP/2.0":
            if call is not None:  # the answer to our BYE
                call.closed = True
        elif message.method == "INVITE":
            self._invite(message, source, call)
        elif message.method == "ACK":
            if call is not None:
                self._acknowledged(call)
        elif message.method == "OPTIONS":
            self._send(self._sip.answer(200, "OK", message, "options"), source)
        elif call is None:
            self._send(self._sip.answer(481, "Call Does Not Exist", message, "none"), source)
        else:
            self._send(self._sip.answer(200, "OK", message, call.tag), source)
            if message.method == "BYE":
                self._end(call, "bye")
            elif message.method == "CANCEL" and not call.answered and not call.ended:
                self._refuse(call, 487, "Request Terminated")
                self._end(call, "cancel")

    # -- what comes ----------------------------------------------------------------------------------------------------

    def _invite(self, message: sip.Message, source: sip.Address, call: Call | None) -> None:
        if call is not None:
            if message.in_dialog:
                self._send(self._sip.answer(200, "OK", message, call.tag, self._description(call)), source)
            elif call.last:
                self._send(call.last, source)
            return
        self._tags += 1
        number = message.number
        call = self._calls[message.headers["call-id"]] = Call(
            number,
            message.headers["call-id"],
            message,
            source,
            f"c{os.getpid()}x{self._tags}",
            plan.behaviour(number),
            sip.audio(message.body),
        )
        times = self._times[number] = self._times.get(number, 0) + 1
        self._write(f"invite {number} {call.call_id} {message.caller}")
        if call.behaviour.first_call_only and times > 1:
            call.behaviour = plan.PERSON
        self._after(call, LOST_AFTER + call.behaviour.talk, lambda: self._end(call, "lost"))
        behaviour = call.behaviour
        if behaviour.act == "answer":
            self._ring(call)
            self._after(call, self._dice.uniform(0.02, 0.3), lambda: self._accept(call))
        elif behaviour.act == "ring":
            self._ring(call)
        elif behaviour.rings:
            self._ring(call)
            self._after(call, behaviour.rings, lambda: self._decline(call))
        else:
            self._decline(call)

    def _acknowledged(self, call: Call) -> None:
        if call.ended or call.answered or not call.last.startswith(b"SIP/2.0 200"):
            return
        call.answered = True
        self._stop_timers(call)
        self._write(f"answer {call.number} {call.call_id}")
        behaviour = call.behaviour
        self._after(call, LOST_AFTER + behaviour.talk, lambda: self._end(call, "lost"))
        if behaviour.talk:
            self._after(call, behaviour.talk * self._dice.uniform(0.5, 1.3), lambda: self._hang_up(call))
        if behaviour.key:
            self._after(call, self._dice.uniform(*KEY_AFTER), lambda: self._press(call, behaviour.key))

    # -- what goes -----------------------------------------------------------------------------------------------------

    def _ring(self, call: Call) -> None:
        call.last = self._sip.answer(180, "Ringing", call.invite, call.tag)
        self._send(call.last, call.source)

    def _accept(self, call: Call) -> None:
        call.last = self._sip.answer(200, "OK", call.invite, call.tag, self._description(call))
        self._repeat(call, call.last, lambda: not call.answered)

    def _decline(self, call: Call) -> None:
        self._refuse(call, call.behaviour.status, "No")
        self._end(call, "refuse")

    def _refuse(self, call: Call, status: int, reason: str) -> None:
        call.last = self._sip.answer(status, reason, call.invite, call.tag)
        self._send(call.last, call.source)

    def _hang_up(self, call: Call) -> None:
        if call.ended:
            return
        self._end(call, "hangup")
        self._repeat(call, self._sip.bye(call.invite, call.tag), lambda: not call.closed)

    def _repeat(
        self, call: Call, message: bytes, wanted: Callable[[], bool], sends: int = SENDS, wait: float = T1
    ) -> None:
        """Send until it is answered, each time after twice as long."""
        if sends and wanted():
            self._send(message, call.source)
            self._after(call, wait, lambda: self._repeat(call, message, wanted, sends - 1, wait * 2))

    def _press(self, call: Call, digit: str) -> None:
        """A key as RFC 4733 has it: packets of a growing duration, the last one three times with the end bit."""
        if call.ended or call.audio.to is None:
            return
        event = "0123456789*#".index(digit)
        started = int(time.monotonic() * 1000 * CLOCK) & 0xFFFFFFFF
        steps = range(PACKET_MS, EVENT_MS + PACKET_MS, PACKET_MS)
        for step in steps:
            self._after(
                call, step / 1000, partial(self._event, call, event, started, step, False, step == PACKET_MS)
            )
        for _ in range(3):
            self._after(
                call,
                EVENT_MS / 1000 + 0.005,
                partial(self._event, call, event, started, EVENT_MS, True, False),
            )
        self._after(call, EVENT_MS / 1000 + 0.010, lambda: self._pressed(call, digit))

    def _event(self, call: Call, event: int, started: int, length: int, end: bool, first: bool) -> None:
        if call.ended or call.audio.to is None:
            return
        call.sequence += 1
        header = struct.pack(
            "!BBHII",
            0x80,
            (0x80 if first else 0) | call.audio.event_type,
            call.sequence,
            started,
            hash(call.call_id) & 0xFFFFFFFF,
        )
        self.rtp.sendto(
            header + struct.pack("!BBH", event, (0x80 if end else 0) | 10, length * CLOCK), call.audio.to
        )

    def _pressed(self, call: Call, digit: str) -> None:
        if not call.ended:
            self._write(f"key {call.number} {call.call_id} {digit}")

    # -- housekeeping --------------------------------------------------------------------------------------------------

    def _after(self, call: Call, seconds: float, work: Callable[[], None]) -> None:
        call.timers.append(asyncio.get_running_loop().call_later(seconds, work))

    def _stop_timers(self, call: Call) -> None:
        for timer in call.timers:
            timer.cancel()
        call.timers.clear()

    def _end(self, call: Call, how: str) -> None:
        if call.ended:
            return
        call.ended = True
        self._stop_timers(call)
        self._write(f"end {call.number} {call.call_id} {how}")
        # It is kept a while: an INVITE that comes again must not be taken for a new call.
        asyncio.get_running_loop().call_later(KEEP_ENDED, self._calls.pop, call.call_id, None)

    def _send(self, message: bytes, to: sip.Address) -> None:
        self._transport.sendto(message, to)

    def _description(self, call: Call) -> str:
        return self._sip.description(call.audio.event_type)


async def serve(address: str, port: int, log: Path, seed: int) -> None:
    """Take calls until SIGTERM."""
    loop = asyncio.get_running_loop()
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(line: str) -> None:
        os.write(out, f"{time.time() * 1000:.0f} {line}\n".encode())

    # Nobody reads the audio: the kernel throws away what does not fit.
    rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rtp.setblocking(False)
    rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    rtp.bind((address, port + 1))
    callee = Callee(address, port, port + 1, write, seed)
    callee.rtp = rtp
    sip, _ = await loop.create_datagram_endpoint(lambda: callee, local_addr=(address, port))
    sip.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    sip.close()
    rtp.close()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m chaos.callee", description="An independent SIP callee.")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True, help="SIP; RTP takes the next one")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    uvloop.run(serve(given.address, given.port, given.log, given.seed))


if __name__ == "__main__":
    main()
