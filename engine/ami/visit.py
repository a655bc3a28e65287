"""One visit to a PBX: log in, ask, leave. For who wants to know something of a PBX and dials nothing.

Asks what changes nothing: Ping, CoreSettings, ListCommands, ModuleCheck, GetConfig, and Getvar of functions that read; and, where the
doctor is told to look at the wire, an Originate to the doctor itself. The
engine's own connection may live beside it: Asterisk lets a manager user log in more than once (unless `allowmultiplelogin=no`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.ami.encode import Header, message
from engine.ami.protocol import Protocol
from engine.ami.session import Session, deadline
from engine.ami.tls import Tls
from engine.errors import AmiActionFailed, AmiError, AmiTimeout, AmiUnreachable

LOGIN_PATIENCE = 5.0
BOOT_PATIENCE = 2.0
"""Seconds for FullyBooted, which follows the login at once on a PBX that has started."""
PATIENCE = 10.0
_LINE = re.compile(r"line-(\d+)-(\d+)", re.IGNORECASE)
_CATEGORY = re.compile(r"category-(\d+)", re.IGNORECASE)

Sections = list[tuple[str, list[tuple[str, str]]]]
"""A configuration file: (section, its (key, value) in order) in order."""


class Visit:
    """A logged-in connection."""

    def __init__(self, session: Session, booted: bool) -> None:
        self._session = session
        self.booted = booted
        """FullyBooted came: it needs read class `system`, and a filter that lets it through."""

    async def ask(self, *headers: Header) -> dict[str, str]:
        """Send an action; its answer's fields. Raises AmiError."""
        message(headers)  # refuses what would be two headers
        future = self._session.send_action(dict(headers), as_list=False)
        lost = self._session.lost
        await asyncio.wait([future, lost], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        name = headers[0][1]
        if not future.done():
            if lost.done():
                raise AmiUnreachable(f"the connection ended during {name}")
            raise AmiTimeout(f"no answer to {name} within {PATIENCE:g} seconds")
        answer = future.result()
        if not answer.success:
            raise AmiActionFailed(str(answer.message or "refused"))
        return {name: value for name, value in answer.items() if name != "content"}  # panoramisk's own

    async def value(self, function: str) -> str:
        """What a dialplan function answers outside of any call, such as `PJSIP_ENDPOINT(carrier,allow)`; empty when it does not
        know. Raises AmiError."""
        return (await self.ask(("Action", "Getvar"), ("Variable", function))).get("Value", "")

    async def has_module(self, name: str) -> bool:
        """Whether a module is loaded. Raises AmiError when that cannot be asked."""
        try:
            await self.ask(("Action", "ModuleCheck"), ("Module", name))
        except AmiActionFailed as refused:
            if "not loaded" in str(refused):
                return False
            raise
        return True

    async def commands(self) -> frozenset[str]:
        """The actions that this user may do."""
        return frozenset(await self.ask(("Action", "ListCommands"))) - {"Response", "ActionID", "Message"}

    async def config(self, name: str) -> Sections:
        """A configuration file with all that it includes, as Asterisk would read it now; empty when there is none. Raises
        AmiError."""
        try:
            fields = await self.ask(("Action", "GetConfig"), ("Filename", name))
        except AmiActionFailed as refused:
            if "not found" in str(refused):
                return []
            raise
        names: dict[int, str] = {}
        lines: dict[int, dict[int, str]] = {}
        for key, value in fields.items():
            if found := _CATEGORY.fullmatch(key):
                names[int(found[1])] = value
            elif found := _LINE.fullmatch(key):
                lines.setdefault(int(found[1]), {})[int(found[2])] = value
        return [
            (names[at], [_option(line) for _, line in sorted(lines.get(at, {}).items())])
            for at in sorted(names)
        ]


def _option(line: str) -> tuple[str, str]:
    key, _, value = line.partition("=")
    return key.strip(), value.strip()


@asynccontextmanager
async def visit(
    host: str, port: int, username: str, secret: str, tls: Tls | None = None
) -> AsyncIterator[Visit]:
    """Log in for as long as the block lasts. Raises AmiUnreachable, AmiLoginRefused, AmiTimeout."""
    booted = asyncio.Event()
    session = Session(
        tls,
        host=host,
        port=port,
        username=username,
        secret=secret,
        ping_delay=10**6,
        forgetable_actions=("ping", "login"),
        protocol_factory=lambda: Protocol({b"FullyBooted": lambda fields: booted.set()}, {}),
    )
    connecting = session.open()
    try:
        async with deadline(LOGIN_PATIENCE, "no answer to the login"):
            await session.ready
        try:
            async with deadline(BOOT_PATIENCE, "no FullyBooted"):
                await booted.wait()
        except AmiError:
            pass  # `booted` tells
        yield Visit(session, booted.is_set())
    finally:
        connecting.cancel()
        session.close()
        if session.ready.done() and not session.ready.cancelled():
            session.ready.exception()
