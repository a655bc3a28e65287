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
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import cast

from engine.detection.asking import FIRST_WORD, Asking, Following
from engine.detection.audio import Audio
from engine.detection.wire import AGI_BEGINS, UUID

LOOK_EVERY = 0.1

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
