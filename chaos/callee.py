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

from chaos import plan

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

Address = tuple[str, int]


@dataclass(slots=True)
class Call:
    """One call, as the callee has it."""

    number: str
    call_id: str
    invite: dict[str, str]
    via: list[str]
    source: Address
    tag: str
    behaviour: plan.Behaviour
    media: Address | None
    event_type: int
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
        self._address = address
        self._port = port
        self._rtp_port = rtp_port
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
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "replace").split("\r\n")
        via: list[str] = []
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            key = name.strip().lower()
            if key == "via":
                via.append(value.strip())
            headers.setdefault(key, value.strip())
        if first.startswith("SIP/2.0"):
            self._response(headers)
            return
        method = first.partition(" ")[0]
        call = self._calls.get(headers.get("call-id", ""))
        if method == "INVITE":
            self._invite(first, headers, via, body.decode("utf-8", "replace"), source, call)
        elif method == "ACK":
            if call is not None:
                self._acknowledged(call)
        elif method == "OPTIONS":
            self._send(self._answer(200, "OK", headers, via, "options"), source)
        elif call is None:
            self._send(self._answer(481, "Call Does Not Exist", headers, via, "none"), source)
        else:
            self._send(self._answer(200, "OK", headers, via, call.tag), source)
            if method == "BYE":
                self._end(call, "bye")
            elif method == "CANCEL" and not call.answered and not call.ended:
                self._refuse(call, 487, "Request Terminated")
                self._end(call, "cancel")

    # -- what comes ----------------------------------------------------------------------------------------------------

    def _invite(
        self,
        first: str,
        headers: dict[str, str],
        via: list[str],
        body: str,
        source: Address,
        call: Call | None,
    ) -> None:
        if call is not None:
            if ";tag=" in headers.get("to", ""):  # a re-INVITE is no new call
                self._send(self._answer(200, "OK", headers, via, call.tag, self._offer(call)), source)
            elif call.last:
                self._send(call.last, source)
            return
        number = first.split(" ")[1].removeprefix("sip:").partition("@")[0].partition(";")[0]
        self._tags += 1
        call_id = headers["call-id"]
        media, event_type = _media(body)
        call = self._calls[call_id] = Call(
            number,
            call_id,
            headers,
            via,
            source,
            f"c{os.getpid()}x{self._tags}",
            plan.behaviour(number),
            media,
            event_type,
        )
        times = self._times[number] = self._times.get(number, 0) + 1
        self._write(f"invite {number} {call_id} {_caller(headers.get('from', ''))}")
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

    def _response(self, headers: dict[str, str]) -> None:
        """The answer to our BYE."""
        call = self._calls.get(headers.get("call-id", ""))
        if call is not None:
            call.closed = True

    # -- what goes -----------------------------------------------------------------------------------------------------

    def _ring(self, call: Call) -> None:
        call.last = self._answer(180, "Ringing", call.invite, call.via, call.tag)
        self._send(call.last, call.source)

    def _accept(self, call: Call) -> None:
        call.last = self._answer(200, "OK", call.invite, call.via, call.tag, self._offer(call))
        self._repeat(call, call.last, lambda: not call.answered)

    def _decline(self, call: Call) -> None:
        self._refuse(call, call.behaviour.status, "No")
        self._end(call, "refuse")

    def _refuse(self, call: Call, status: int, reason: str) -> None:
        call.last = self._answer(status, reason, call.invite, call.via, call.tag)
        self._send(call.last, call.source)

    def _hang_up(self, call: Call) -> None:
        if call.ended:
            return
        contact = call.invite.get("contact", "").partition("<")[2].partition(">")[0]
        message = "\r\n".join(
            (
                f"BYE {contact} SIP/2.0",
                f"Via: SIP/2.0/UDP {self._address}:{self._port};branch=z9hG4bK{call.tag}bye;rport",
                "Max-Forwards: 70",
                f"From: {call.invite['to']};tag={call.tag}",
                f"To: {call.invite['from']}",
                f"Call-ID: {call.call_id}",
                "CSeq: 1 BYE",
                "Content-Length: 0",
                "",
                "",
            )
        ).encode()
        self._end(call, "hangup")
        self._repeat(call, message, lambda: not call.closed)

    def _repeat(
        self, call: Call, message: bytes, wanted: Callable[[], bool], sends: int = SENDS, wait: float = T1
    ) -> None:
        """Send until it is answered, each time after twice as long."""
        if sends and wanted():
            self._send(message, call.source)
            self._after(call, wait, lambda: self._repeat(call, message, wanted, sends - 1, wait * 2))

    def _press(self, call: Call, digit: str) -> None:
        """A key as RFC 4733 has it: packets of a growing duration, the last one three times with the end bit."""
        if call.ended or call.media is None:
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
        if call.ended or call.media is None:
            return
        call.sequence += 1
        header = struct.pack(
            "!BBHII",
            0x80,
            (0x80 if first else 0) | call.event_type,
            call.sequence,
            started,
            hash(call.call_id) & 0xFFFFFFFF,
        )
        self.rtp.sendto(
            header + struct.pack("!BBH", event, (0x80 if end else 0) | 10, length * CLOCK), call.media
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

    def _send(self, message: bytes, to: Address) -> None:
        self._transport.sendto(message, to)

    def _answer(
        self, status: int, reason: str, headers: dict[str, str], via: list[str], tag: str, body: str = ""
    ) -> bytes:
        to = headers.get("to", "")
        lines = [
            f"SIP/2.0 {status} {reason}",
            *(f"Via: {one}" for one in via),
            f"From: {headers.get('from', '')}",
        ]
        lines.append(f"To: {to}" if ";tag=" in to or status == 100 else f"To: {to};tag={tag}")
        lines += [f"Call-ID: {headers.get('call-id', '')}", f"CSeq: {headers.get('cseq', '')}"]
        lines.append(f"Contact: <sip:callee@{self._address}:{self._port}>")
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        return "\r\n".join(lines).encode()

    def _offer(self, call: Call) -> str:
        lines = (
            "v=0",
            f"o=callee 1 1 IN IP4 {self._address}",
            "s=-",
            f"c=IN IP4 {self._address}",
            "t=0 0",
            f"m=audio {self._rtp_port} RTP/AVP 8 {call.event_type}",
            "a=rtpmap:8 PCMA/8000",
            f"a=rtpmap:{call.event_type} telephone-event/8000",
            f"a=fmtp:{call.event_type} 0-16",
            "a=sendrecv",
            "",
        )
        return "\r\n".join(lines)


def _media(sdp: str) -> tuple[Address | None, int]:
    """Where the PBX wants its audio, and its number for telephone events."""
    host, port, event_type = "", 0, 101
    for line in sdp.splitlines():
        if line.startswith("c=IN IP4 "):
            host = line.split()[-1]
        elif line.startswith("m=audio "):
            port = int(line.split()[1])
        elif line.startswith("a=rtpmap:") and "telephone-event/8000" in line:
            event_type = int(line.removeprefix("a=rtpmap:").split()[0])
    return ((host, port) if host and port else None), event_type


def _caller(header: str) -> str:
    return header.partition("sip:")[2].partition("@")[0] or "-"


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
