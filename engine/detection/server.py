"""The detector's server: Asterisk asks it who is on the line, and gives it the callee's audio to find out.

One port for both. The dialplan's AGI() asks first (FastAGI); the answer tells it to connect the channel's audio to this port
(AudioSocket), under an id that was made for this call and is known to nobody else. When the ear has its verdict, the audio is hung
up on, the verdict becomes a variable of the channel, and the dialplan goes on. Whatever goes wrong (nobody connects, the audio ends,
something else speaks here) ends without that variable, and the dialplan falls back to AMD().

With the verdict on a callee who is no machine goes an address under which the dialplan may let us hear on (ChanSpy() on a channel of
AudioSocket's): what turns out to be a machine while the message plays is told to the engine, which moves the call.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import cast
from uuid import uuid4

from engine.detection.ear import FRAME, FRAME_MS, Ear, Limits, Verdict
from engine.detection.wire import (
    AGI_BEGINS,
    AGI_BYTES,
    AUDIO,
    END_OF_AUDIO,
    HANGUP,
    UUID,
    Messages,
    WireError,
    asked,
)

VARIABLE = "VOLLEY_HEARD"
CONNECT_PATIENCE = 1.0
"""Seconds from the answer to AGI() until the audio must come; a matter of a millisecond."""
FIRST_WORD = 2.0
"""Seconds within which a connection must have said what it is."""
NOTHING = 1.0
"""Seconds without audio that are taken for silence: some lines send nothing while nobody speaks. A busy machine may be late by less."""
LOOK_EVERY = 0.1
FAREWELL = 1.0
"""Seconds that Asterisk has to take the end of the audio. To close at once would lose it where more audio is on its way."""
FRAME_BYTES = 2 * FRAME

Network = IPv4Network | IPv6Network


class Detector:
    """All calls that are being heard."""

    def __init__(self, allowed: Sequence[Network], most: int, late: Callable[[str, str], None]) -> None:
        """`late` is told of a channel that turns out to be a machine while its message plays, with the cause."""
        self._allowed = tuple(allowed)
        self._most = most
        self.late = late
        self._server: asyncio.Server | None = None
        self._asked: dict[bytes, Asking | Following] = {}
        """Calls whose audio has not come yet, by the id under which it will."""
        self.hearing: set[Audio] = set()
        self.live = 0
        self.heard = 0
        self.refused = 0
        self.address = ""

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Line(self), host, port, backlog=512
        )
        bound = self._server.sockets[0].getsockname()
        self.address = f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def watch(self) -> None:
        """Give silence to those whose line sends nothing, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(LOOK_EVERY)
            if loop.time() - before > 2 * LOOK_EVERY:
                continue  # we are late ourselves; what has come is still unread
            for audio in tuple(self.hearing):
                audio.fill(loop.time())

    def welcome(self, client: str) -> bool:
        """May somebody from there ask?"""
        address = ip_address(client.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or any(address in network for network in self._allowed)

    @property
    def busy(self) -> bool:
        """Half of the places are taken: they are for those of whom nothing is known yet."""
        return 2 * self.live > self._most

    def ask(self, asking: Asking | Following) -> bool:
        """Expect its audio; not when there are too many already."""
        if self.live >= self._most:
            return False
        self.live += 1
        self._asked[asking.id] = asking
        return True

    def claim(self, call: bytes) -> Asking | Following | None:
        """The call of that id, once."""
        return self._asked.pop(call, None)

    def done(self, asking: Asking | Following) -> None:
        """The call is over, for us."""
        self._asked.pop(asking.id, None)
        self.live -= 1


class Line(asyncio.Protocol):
    """A connection that has not said yet what it is."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._begun = b""
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._detector.welcome(self._transport.get_extra_info("peername")[0]):
            self._transport.abort()
            return
        self._patience = asyncio.get_running_loop().call_later(FIRST_WORD, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def data_received(self, data: bytes) -> None:
        self._begun += data
        transport = self._transport
        if transport is None or transport.is_closing() or len(self._begun) < len(AGI_BEGINS):
            return
        is_agi = self._begun.startswith(AGI_BEGINS)
        if not is_agi and self._begun[0] != UUID:
            transport.abort()
            return
        if self._patience is not None:
            self._patience.cancel()
        found: Asking | Audio = (
            Asking(self._detector, transport) if is_agi else Audio(self._detector, transport)
        )
        transport.set_protocol(found)
        found.data_received(self._begun)


class Asking(asyncio.Protocol):
    """AGI() of one call: asks, waits while its audio is heard, is told."""

    def __init__(self, detector: Detector, transport: asyncio.Transport) -> None:
        self._detector = detector
        self._transport = transport
        self._read = b""
        self._told = False
        self._taken = False
        self._patience: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            FIRST_WORD, transport.abort
        )
        name = uuid4()
        self.id = name.bytes
        self._name = str(name)
        self._channel = ""
        self._limits: Limits | None = None
        self._ear: Ear | None = None
        self._verdict: Verdict | None = None

    def data_received(self, data: bytes) -> None:
        self._read += data
        if self._limits is None:
            head, end, self._read = self._read.partition(b"\n\n")
            if end:
                self._begin(head.decode("utf-8", "replace"))
            elif len(head) > AGI_BYTES:
                self._transport.abort()
            else:
                self._read = head
            return
        *lines, self._read = self._read.split(b"\n")
        for line in lines:
            self._answered(line)

    def connection_lost(self, exc: Exception | None) -> None:
        self._impatient()
        if self._taken:
            self._taken = False
            self._detector.done(self)
            self._detector.heard += self._verdict is not None

    def _begin(self, head: str) -> None:
        try:
            self._channel, self._limits = asked(head)
        except WireError:
            self._transport.abort()
            return
        self._impatient()
        if not self._detector.ask(self):
            self._detector.refused += 1
            self._transport.close()
            return
        self._taken = True
        self._patience = asyncio.get_running_loop().call_later(CONNECT_PATIENCE, self._transport.abort)
        # TryExec: AudioSocket() hangs up on the callee when it fails.
        audio = f"AudioSocket({self._name},{self._detector.address})"
        self._transport.write(f'EXEC TryExec "{audio}"\n'.encode())

    def connected(self) -> Ear:
        """Its audio has come, for this ear."""
        self._impatient()
        assert self._limits is not None
        self._ear = Ear(self._limits)
        return self._ear

    def decided(self, verdict: Verdict) -> None:
        """There is a verdict."""
        self._verdict = verdict

    def gone(self) -> None:
        """The audio has ended: AGI() will say so."""

    def _answered(self, line: bytes) -> None:
        """The audio has ended; or the variable is set."""
        verdict = self._verdict
        if verdict is None or self._told or not line.startswith(b"200"):
            self._transport.close()
            return
        self._told = True
        background = "noisy" if verdict.noisy else "clear"
        value = f"{verdict.word},{verdict.cause},{verdict.greeting},{background},{self._further(verdict)}"
        self._transport.write(f'SET VARIABLE {VARIABLE} "{value}"\n'.encode())

    def _further(self, verdict: Verdict) -> str:
        """Where we hear on, if we do: address and id."""
        if self._ear is None or verdict.noisy or verdict.word not in ("HUMAN", "NOTSURE"):
            return ""
        if self._detector.busy:
            return ""
        following = Following(self._detector, self._channel, self._ear.on())
        return f"{self._detector.address}/{following.name}" if self._detector.ask(following) else ""

    def _impatient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Following:
    """A callee who is heard on while the message plays."""

    def __init__(self, detector: Detector, channel: str, ear: Ear) -> None:
        self._detector = detector
        self._channel = channel
        self._ear = ear
        name = uuid4()
        self.id = name.bytes
        self.name = str(name)
        self._patience = asyncio.get_running_loop().call_later(FIRST_WORD, self.gone)

    def connected(self) -> Ear:
        """Its audio has come, for this ear."""
        self._patience.cancel()
        return self._ear

    def decided(self, verdict: Verdict) -> None:
        """There is a verdict, or nothing more to be heard."""
        if verdict.word == "MACHINE":
            self._detector.late(self._channel, verdict.cause)

    def gone(self) -> None:
        """The audio has ended, or never came."""
        self._detector.done(self)


class Audio(asyncio.Protocol):
    """The audio of one call."""

    def __init__(self, detector: Detector, transport: asyncio.Transport) -> None:
        self._detector = detector
        self._transport = transport
        self._messages = Messages()
        self._samples = bytearray()
        self._asking: Asking | Following | None = None
        self._ear: Ear | None = None
        self._began = 0.0
        self._heard_ms = 0
        self._came = 0.0
        """When the last audio came."""
        self._over: asyncio.TimerHandle | None = None
        """There is a verdict: what still comes is not heard."""

    def data_received(self, data: bytes) -> None:
        if self._is_over():
            return
        self._came = asyncio.get_running_loop().time()
        for kind, payload in self._messages.take(data):
            if kind == UUID:
                self._begin(payload)
            elif kind == AUDIO:
                self._hear(payload)
            elif kind == HANGUP:
                self._transport.close()
            if self._is_over():
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._detector.hearing.discard(self)
        if self._over is not None:
            self._over.cancel()
        if self._asking is not None:
            self._asking.gone()

    def _is_over(self) -> bool:
        return self._over is not None or self._transport.is_closing()

    def fill(self, now: float) -> None:
        """Silence for what should have come until now, if nothing comes."""
        if now - self._came < NOTHING:
            return
        missing = round(1000 * (now - self._began)) - self._heard_ms
        for _ in range(missing // FRAME_MS):
            if self._take(array("h", bytes(FRAME_BYTES))):
                return

    def _begin(self, call: bytes) -> None:
        asking = self._detector.claim(call)
        if asking is None or self._asking is not None:
            self._transport.abort()
            return
        self._asking = asking
        self._ear = asking.connected()
        self._began = asyncio.get_running_loop().time()
        self._detector.hearing.add(self)

    def _hear(self, payload: bytes) -> None:
        samples = self._samples
        samples += payload
        while len(samples) >= FRAME_BYTES:
            frame = array("h", bytes(samples[:FRAME_BYTES]))
            del samples[:FRAME_BYTES]
            if self._take(frame):
                return

    def _take(self, frame: array[int]) -> bool:
        """Whether that is enough."""
        if self._ear is None or self._asking is None:
            self._transport.abort()
            return True
        self._heard_ms += FRAME_MS
        verdict = self._ear.take(frame)
        if verdict is None:
            return False
        self._asking.decided(verdict)
        self._detector.hearing.discard(self)
        self._transport.write(END_OF_AUDIO)
        self._over = asyncio.get_running_loop().call_later(FAREWELL, self._transport.abort)
        return True
