"""A thread that sends for one hook, one event at a time: what blocks in it holds up nobody else.

The thread is a daemon: one that hangs where nothing can wake it (a name server that does not answer) does not hold up
the engine's end either.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from engine.hooks.answers import Answer


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event, ready to go."""

    hook: str
    event: str
    id: str
    body: bytes


class Sender(Protocol):
    """What a worker sends by: HTTP or a command."""

    def send(self, parcel: Parcel) -> Answer: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Worker:
    """Sends what it is given, in its thread. `free(worker)` is called in the event loop when it can send again."""

    def __init__(self, name: str, sender: Sender, free: Callable[[Worker], None]) -> None:
        self._sender = sender
        self._free = free
        self._box: SimpleQueue[tuple[Parcel, asyncio.Future[Answer]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def send(self, parcel: Parcel) -> asyncio.Future[Answer]:
        """Begin to send; the future ends with the answer, or with what the sender raised. Who will not wait any longer may
        end it too."""
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
            result: Answer | Exception
            try:
                result = self._sender.send(parcel)
            except Exception as error:  # ours to find, and not the engine's end
                result = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(self._back, future, result)
        self._sender.close()

    def _back(self, future: asyncio.Future[Answer], result: Answer | Exception) -> None:
        if not future.done():
            if isinstance(result, Answer):
                future.set_result(result)
            else:
                future.set_exception(result)
        self._free(self)
