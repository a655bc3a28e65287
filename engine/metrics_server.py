"""The HTTP endpoint from which Prometheus reads: GET /metrics, and nothing else.

What is in memory is copied on the event loop (well under a millisecond), the rest is done in a thread: books are read, and text is
written. One scrape at a time, and the books are read every few seconds at most, whoever asks how often.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST

from engine.errors import StoreError
from engine.ops import depths
from engine.ops.depths import Depths
from engine.ops.metrics import Moment
from engine.ops.pulse import Pulse
from engine.ops.tally import Tally

HEAD_BYTES = 8192
PATIENCE = 10.0
"""Seconds that a client has for its request, and to take the answer."""
WAITING = 16
"""Clients at the same time; more are hung up on."""
BOOKS_EVERY = 5.0
_REQUEST = re.compile(rb"GET /metrics(?:\?[^ ]*)? HTTP/1\.[01]\r\n")


class MetricsServer:
    """Answers with the figures of one engine."""

    def __init__(self, database: Path, pulse: Callable[[], Pulse], counts: Callable[[], Tally]) -> None:
        self._database = database
        self._pulse = pulse
        self._counts = counts
        self._server: asyncio.Server | None = None
        self._turn = asyncio.Lock()
        self._clients = 0
        self._books: Depths | None = None
        self._read_at = float("-inf")
        self.served = 0

    def __repr__(self) -> str:
        return f"<MetricsServer served={self.served}>"

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_server(self._answer, host, port, limit=HEAD_BYTES)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= WAITING:
                with contextlib.suppress(
                    OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
                ):
                    async with asyncio.timeout(PATIENCE):
                        writer.write(await self._found(await reader.readuntil(b"\r\n\r\n")))
                        await writer.drain()
        finally:
            self._clients -= 1
            writer.close()

    async def _found(self, request: bytes) -> bytes:
        if not _REQUEST.match(request):
            return _answered("404 Not Found", "text/plain", b"ask for GET /metrics\n")
        async with self._turn:
            moment = Moment(self._pulse(), self._counts())
            body = await asyncio.to_thread(self._text, moment, asyncio.get_running_loop().time())
        self.served += 1
        return _answered("200 OK", CONTENT_TYPE_LATEST, body)

    def _text(self, moment: Moment, mono: float) -> bytes:
        if mono - self._read_at >= BOOKS_EVERY:
            self._read_at = mono
            try:
                self._books = depths.look(self._database, moment.at)
            except StoreError:  # the engine tells of that itself: volley_store_up
                self._books = None
        return moment.text(self._books)


def _answered(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
