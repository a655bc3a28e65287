"""A thread that sends for one hook, one event at a time: what blocks in it holds up nobody else.

The thread is a daemon: one that hangs where nothing can wake it (a name server that does not answer) does not hold up
the engine's end either.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol

from engine.hooks.answers import Answer


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event, ready to go."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """For a receiver by HTTP."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """For a command."""


class Sender(Protocol):
    """What a worker sends by: HTTP or a command."""

    def send(self, parcel: Parcel) -> Answer: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Worker:
    """Sends what it is given, in its thread."""

    def __init__(self, name: str, sender: Sender) -> None:
        self._sender = sender
        self._box: SimpleQueue[tuple[Parcel, asyncio.Future[Answer]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def send(self, parcel: Parcel) -> asyncio.Future[Answer]:
        """Begin to send; the future ends with the answer, or with what the sender raised."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._box.put((parcel, future))
        return future

    def abort(self) -> None:
        """Cut off what is being sent."""
        self._sender.abort()

    def close(self) -> None:
        """Cut off what is being sent, and end the thread."""
        self._box.put(None)
        self._sender.abort()

    def _run(self) -> None:
        while (given := self._box.get()) is not None:
            parcel, future = given
            answer: Answer | None = None
            error: BaseException | None = None
            try:
                answer = self._sender.send(parcel)
            except Exception as caught:  # ours to find, and not the engine's end
                error = caught
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, answer, error)
        self._sender.close()


def _settle(future: asyncio.Future[Answer], answer: Answer | None, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if answer is not None:
        future.set_result(answer)
    elif error is not None:
        future.set_exception(error)
