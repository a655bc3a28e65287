"""One AMI connection, from TCP to its end, carried by panoramisk's Manager; and two ways to wait on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

from panoramisk import Manager

from engine.ami.tls import Tls, words
from engine.errors import AmiLoginRefused, AmiTimeout, AmiUnreachable


class Session(Manager):  # type: ignore[misc]
    """panoramisk's Manager for the length of one connection: `ready` ends with the login, `lost` with the
    connection."""

    def __init__(self, tls: Tls | None = None, **config: Any) -> None:
        super().__init__(**config)
        self._tls = tls
        self.loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self.loop.create_future()
        self.lost: asyncio.Future[None] = self.loop.create_future()

    def open(self) -> asyncio.Task[Any]:
        """Begin to connect. Raises AmiUnreachable where TLS is wanted and cannot be."""
        if self._tls is None:
            found: asyncio.Task[Any] = self.connect()
            return found
        # As Manager.connect, which knows no other name of the server than its address.
        task = asyncio.Task(
            self.loop.create_connection(
                self.config["protocol_factory"],
                self.config["host"],
                self.config["port"],
                ssl=self._tls.context(),
                server_hostname=self._tls.server_name or self.config["host"],
            ),
            loop=self.loop,
        )
        task.add_done_callback(self.connection_made)
        return task

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        if f.cancelled():
            return
        error = f.exception()
        if error is not None:
            if not self.ready.done():
                self.ready.set_exception(AmiUnreachable(words(error)))
            return
        if self.lost.done():  # given up meanwhile
            f.result()[0].close()
            return
        transport, protocol = f.result()
        if protocol.closed or transport.is_closing():
            # Reset before we were told that it was made: its loss was told to nobody.
            self.connection_lost(None)
            return
        super().connection_made(f)

    def login(self, future: asyncio.Future[Any]) -> bool:
        if future.cancelled():
            return False
        answer = future.result()
        self.authenticated = bool(answer.success)
        if not self.ready.done():
            if self.authenticated:
                self.ready.set_result(None)
            else:
                self.ready.set_exception(AmiLoginRefused(str(answer.message or "login refused")))
        return self.authenticated

    def ping(self) -> None:
        """Nothing: the watchdog pings, and looks at the answer."""

    def connection_lost(self, exc: Any) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.ready.done():
            self.ready.set_exception(
                AmiUnreachable("the connection was closed before the login was answered")
            )

    def close(self) -> None:
        """Reset the connection: with a mere FIN, Asterisk would still work off every action that it has received."""
        if not self.lost.done():
            self.lost.set_result(None)
        if self.protocol is not None and not self.protocol.closed:
            self.protocol.reset()
        super().close()


async def first(work: Awaitable[Any], lost: asyncio.Future[None]) -> None:
    """Await `work`, or the loss of the connection, whichever comes first."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task, lost], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class deadline:
    """`async with deadline(5, "what did not happen")`: AmiTimeout after so many seconds."""

    def __init__(self, seconds: float, what: str) -> None:
        self._what = what
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            raise AmiTimeout(self._what) from None
