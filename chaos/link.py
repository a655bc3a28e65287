"""The link between engine and PBX, as a thing that can break: a TCP relay that passes bytes on until it is told otherwise.

Runs an event loop in a thread of its own. Knows bytes, and the one word `Action: Originate` in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from concurrent.futures import Future
from typing import Any

ORIGINATE = b"Action: Originate\r\n"
RESET = struct.pack("ii", 1, 0)


class Relay:
    """Listens on a port of its own; every connection to it is one to the PBX."""

    def __init__(self, address: str, port: int, far_port: int, dice: random.Random) -> None:
        self._dice = dice
        self.address = address
        self.port = port
        self._far_port = far_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._closed = False
        self._trap: Future[float] | None = None
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._call(self._listen())

    def stop(self) -> None:
        """Cut everything and end the thread."""
        self.cut(down=True)
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def cut(self, *, down: bool = False) -> None:
        """Reset every connection; with `down`, refuse new ones until `mend`."""
        self._call(self._cut(down))

    def freeze(self) -> None:
        """Pass nothing on any more, and tell nobody: a half-open link."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def mend(self) -> None:
        """Pass everything on again, and take new connections. What was held back of a frozen connection is lost with it."""
        self._call(self._mend())

    def cut_after_originate(self) -> Future[float]:
        """Arm a trap: the next Originate still reaches the PBX, its answer does not reach the engine. Done with
        the POSIX time at which it has snapped."""
        trap: Future[float] = Future()
        self._loop.call_soon_threadsafe(lambda: setattr(self, "_trap", trap))
        return trap

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5.0)

    async def _listen(self) -> None:
        self._flows.set()
        self._server = await asyncio.start_server(self._connected, self.address, self.port)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._pipes:
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _cut(self, down: bool) -> None:
        self._closed = self._closed or down
        for writer in self._writers:
            _reset(writer)
        self._writers.clear()

    async def _mend(self) -> None:
        if not self._flows.is_set():
            await self._cut(False)  # what was held back must not arrive a minute late as if nothing had been
        self._closed = False
        self._flows.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses():
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(self.address, self._far_port)
        except OSError:
            _reset(writer)
            return
        if self._refuses():  # cut while the far side was being reached
            _reset(writer)
            _reset(far_writer)
            return
        self._writers |= {writer, far_writer}
        for task in (
            asyncio.create_task(self._pipe(reader, far_writer, True)),
            asyncio.create_task(self._pipe(far_reader, writer, False)),
        ):
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    def _refuses(self) -> bool:
        return self._closed

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, outward: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
                if outward and self._trap is not None and ORIGINATE in data:
                    trap, self._trap = self._trap, None
                    self._flows.clear()
                    await asyncio.sleep(self._dice.uniform(0.0, 0.1))  # it is read, or not; begun, or not
                    await self._cut(False)
                    snapped = time.time()
                    self._flows.set()
                    trap.set_result(snapped)
        if writer in self._writers:
            self._writers.discard(writer)
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
