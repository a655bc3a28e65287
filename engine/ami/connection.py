"""A connection to one PBX that is kept up: login, watchdog, reconnect with backoff; and how an action is asked for.

panoramisk carries it: its Manager connects, logs in and matches answers to actions. Two of its habits are cut: it
would reconnect on its own and send unanswered actions again, so each connection gets a Manager of its own that ends
with it; and it does not look at the answers to its pings, so the watchdog here does.

Originate is written and not waited for: acknowledgement, progress and ending all come back through `sink` as
channel events.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from engine.ami import events
from engine.ami.encode import Header, message
from engine.ami.fetch import Fetches
from engine.ami.protocol import Fields, Handler, Listing, Protocol, Told
from engine.ami.session import Session, deadline, first
from engine.ami.tls import Tls
from engine.channel import ChannelEvent, InboundOptOut
from engine.errors import AmiActionFailed, AmiError, AmiLoginRefused, AmiTimeout, AmiUnreachable, VolleyError

CONNECT_TIMEOUT = 5.0
ACTION_TIMEOUT = 5.0
LIST_TIMEOUT = 60.0
PING_EVERY = 3.0
PING_TIMEOUT = 4.0
"""A half-open link is noticed after PING_EVERY + PING_TIMEOUT seconds at the latest."""
BACKOFF_FIRST = 0.5
GATHER = 0.010
"""Seconds for which events are gathered: the first is taken at once, those that come so soon after it together."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of a PBX at login. `started` differs from the last one when Asterisk was restarted."""

    version: str
    started: str


class Connection:
    """The manager interface of one PBX, kept up.

    `sink` gets every channel event. `connected(link)` is awaited after each login, before originates are allowed;
    `lost(why)` is called when the connection ends, `failed(error, retry_in)` when an attempt to connect does.
    `inbound` gets every opt-out of somebody who called back; each stays in AstDB until `drop_inbound`, so one that
    nobody takes is not lost.
    """

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        username: str,
        secret: Callable[[], str],
        *,
        sink: Callable[[ChannelEvent], None],
        connected: Callable[[Link], Awaitable[None]],
        lost: Callable[[str], None],
        failed: Callable[[AmiError, float], None],
        inbound: Callable[[InboundOptOut], None] | None = None,
        now: Callable[[], float] = time.time,
        backoff_max: float = 15.0,
        tls: Tls | None = None,
    ) -> None:
        self.name = name
        self._where = {"host": host, "port": port, "username": username}
        self._tls = tls
        self._secret = secret
        self._sink = sink
        self._connected = connected
        self._lost = lost
        self._failed = failed
        self._now = now
        self._inbound = inbound
        self._backoff_max = backoff_max
        self._manager: Session | None = None
        self._listings: dict[str, Listing] = {}
        self._fetches = Fetches()
        self._booted = asyncio.Event()
        self._handlers: dict[bytes, Handler] = {
            name: partial(self._deliver, make) for name, make in events.TABLE.items()
        }
        self._handlers[b"UserEvent"] = self._user_event
        self._handlers[b"FullyBooted"] = lambda fields: self._booted.set()
        self._ids = itertools.count(1)
        self.up = False
        """True between a finished `connected` and the loss of the connection: originates may be written."""

    def _deliver(self, make: Callable[[Told, float], ChannelEvent | None], fields: Told) -> None:
        event = make(fields, self._now())
        if event is not None:
            self._sink(event)

    def _user_event(self, fields: Told) -> None:
        if fields.get("UserEvent", "") == "Volley":  # first: the others are rare
            self._deliver(events.user_event, fields)
        elif not self._fetches.take(fields):
            opt_out = events.inbound(fields, self._now())
            if opt_out is not None and self._inbound is not None:
                self._inbound(opt_out)

    # -- the connection ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        backoff = BACKOFF_FIRST
        while True:
            started = time.monotonic()
            try:
                why = await self._session()
            except AmiError as error:
                if time.monotonic() - started > 60:
                    backoff = BACKOFF_FIRST
                self._failed(error, backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, self._backoff_max)
            else:
                backoff = BACKOFF_FIRST
                self._lost(why)
                await asyncio.sleep(backoff)

    async def _session(self) -> str:
        """One connection from TCP to its end; returns why it ended. Raises AmiError when it never came to be."""
        self._booted.clear()
        try:
            secret = self._secret()
        except VolleyError as error:
            raise AmiLoginRefused(str(error)) from error
        manager = Session(
            self._tls,
            **self._where,
            secret=secret,
            ping_delay=10**6,
            forgetable_actions=("ping", "login", "originate"),
            protocol_factory=lambda: Protocol(self._handlers, self._listings, GATHER),
        )
        connecting = manager.open()
        try:
            async with deadline(CONNECT_TIMEOUT, "no answer to the login"):
                await manager.ready
            async with deadline(
                LIST_TIMEOUT, "logged in, but no FullyBooted: is `system` among the AMI user's read classes?"
            ):
                await first(self._booted.wait(), manager.lost)
            self._manager = manager
            settings = await self._action([("Action", "CoreSettings")])
            status = await self._action([("Action", "CoreStatus")])
            link = Link(
                settings.get("AsteriskVersion", "?"),
                f"{status.get('CoreStartupDate', '')} {status.get('CoreStartupTime', '')}",
            )
            await first(self._connected(link), manager.lost)
            if manager.lost.done():
                raise AmiUnreachable("the connection ended while it was being set up")
            self.up = True
            return await self._watch(manager)
        finally:
            self.up = False
            self._manager = None
            connecting.cancel()
            manager.close()
            for listing in self._listings.values():
                if not listing.future.done():
                    listing.future.set_exception(AmiUnreachable("the connection ended"))
                    listing.future.exception()
            self._listings.clear()
            if manager.ready.done() and not manager.ready.cancelled():
                manager.ready.exception()

    async def _watch(self, manager: Session) -> str:
        while True:
            done, _ = await asyncio.wait([manager.lost], timeout=PING_EVERY)
            if done:
                return "the connection was closed"
            asked = time.monotonic()
            try:
                await self._action([("Action", "Ping")], PING_TIMEOUT)
            except AmiTimeout:
                if manager.protocol.heard < asked:
                    return f"no answer to a ping, nor anything else, within {PING_TIMEOUT:g} seconds"
            except AmiError as error:
                return str(error)

    # -- actions -------------------------------------------------------------------------------------------------------

    def write(self, action: bytes) -> None:
        """Write an encoded action whose answer comes back through `sink`. Raises AmiUnreachable."""
        manager = self._manager
        if manager is None or manager.lost.done():
            raise AmiUnreachable(f"PBX {self.name}: no connection")
        manager.protocol.write(action)

    def backlog(self) -> int:
        """Bytes written that the socket has not taken yet."""
        manager = self._manager
        return (
            0
            if manager is None or manager.protocol is None
            else int(manager.protocol.transport.get_write_buffer_size())
        )

    async def _action(self, headers: list[Header], patience: float = ACTION_TIMEOUT) -> dict[str, str]:
        manager = self._manager
        if manager is None or manager.lost.done():
            raise AmiUnreachable(f"PBX {self.name}: no connection")
        name = headers[0][1]
        message(headers)  # the same refusals as for what we write ourselves
        future = manager.send_action(dict(headers), as_list=False)
        await asyncio.wait([future, manager.lost], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not future.done():
            if manager.lost.done():
                raise AmiUnreachable(f"PBX {self.name}: the connection ended during {name}")
            raise AmiTimeout(f"PBX {self.name}: no answer to {name} within {patience:g} seconds")
        answer = future.result()
        if not answer.success:
            raise AmiActionFailed(f"PBX {self.name}: {name}: {answer.message}")
        return dict(answer.items())

    async def _list(self, headers: list[Header]) -> list[Fields]:
        action_id = f"list-{next(self._ids)}"
        listing = self._listings[action_id] = Listing()
        try:
            self.write(message([headers[0], ("ActionID", action_id), *headers[1:]]))
            async with deadline(LIST_TIMEOUT, f"PBX {self.name}: no whole answer to {headers[0][1]}"):
                return await listing.future
        finally:
            self._listings.pop(action_id, None)
