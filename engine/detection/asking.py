"""A call that asks who is on the line: before its message (AGI()), and while it plays.

Both give an ear for the call's audio (audio.py) and take its verdict: the first sets the channel's variable, the second tells the engine.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from engine.detection.ear import Ear, Limits, Verdict
from engine.detection.meanwhile import Meanwhile
from engine.detection.wire import AGI_BYTES, WireError, asked

if TYPE_CHECKING:
    from engine.detection.server import Detector

VARIABLE = "VOLLEY_HEARD"
FIRST_WORD = 2.0
"""Seconds within which a connection must have said what it is, and one that was told where to come must have come."""
CONNECT_PATIENCE = 1.0
"""Seconds from the answer to AGI() until the audio must come; a matter of a millisecond."""


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
        if (
            self._ear is None
            or self._limits is None
            or verdict.noisy
            or verdict.word not in ("HUMAN", "NOTSURE")
        ):
            return ""
        if self._detector.busy:
            return ""
        following = Following(self._detector, self._channel, Meanwhile(self._limits, self._ear.loudness))
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
