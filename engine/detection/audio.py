"""The audio of one call, as AudioSocket sends it: cut into frames for its ear, until that has a verdict."""

from __future__ import annotations

import asyncio
from array import array
from typing import TYPE_CHECKING

from engine.detection.ear import FRAME, FRAME_MS, Ear
from engine.detection.wire import AUDIO, END_OF_AUDIO, HANGUP, UUID, Messages

if TYPE_CHECKING:
    from engine.detection.asking import Asking, Following
    from engine.detection.server import Detector

NOTHING = 1.0
"""Seconds without audio that are taken for silence: some lines send nothing while nobody speaks. A busy machine may be late by less."""
FAREWELL = 1.0
"""Seconds that Asterisk has to take the end of the audio. To close at once would lose it where more audio is on its way."""
FRAME_BYTES = 2 * FRAME


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
