"""The HTTP server from which PBXs on other machines fetch their sounds: the files of each one's `sounds_dir`, to read.

Answers GET /<pbx>/<name> and GET /<pbx>/<language>/<name>, to the addresses of the PBXs and the networks that the settings
allow; nobody else gets a word. Names are hashes that nobody can guess, or those of recordings that every callee hears. It keeps
nothing open: one request, one answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import ssl
from ipaddress import ip_address

from engine.config import Settings
from engine.errors import Problem, SettingsError
from engine.ops import log as events
from engine.ops.log import Log

HEAD_BYTES = 8192
PATIENCE = 15.0
"""Seconds that a client has for its request, and to take the answer."""
AT_ONCE = 64
RESOLVE_EVERY = 60.0
"""Seconds for which the address of a PBX is remembered."""
_REQUEST = re.compile(
    rb"GET /([A-Za-z0-9][A-Za-z0-9_.-]{0,63})/"
    rb"((?:[a-z]{2,3}(?:_[A-Za-z0-9]{2,8}){0,2}/|speech-[0-9a-f]{8}-[0-9]{1,18}/)?"
    rb"[A-Za-z0-9][A-Za-z0-9_-]{0,127}\.[a-z0-9]{1,8})"
    rb" HTTP/1\.[01]\r\n"
)


class SoundsServer:
    """Serves the sounds of all PBXs that have a `sounds_url`."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._folders = {
            name.encode(): pbx.sounds_dir for name, pbx in settings.pbx.items() if pbx.sounds_url is not None
        }
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._known: frozenset[str] = frozenset()
        self._resolved_at = float("-inf")
        self._told: set[str] = set()
        self._server: asyncio.Server | None = None
        self.served = 0

    def __repr__(self) -> str:
        return f"<SoundsServer {self._settings.sounds.listen} served={self.served}>"

    async def open(self) -> None:
        """Listen, where the settings say so. Raises SettingsError."""
        address = self._settings.sounds.address
        if address is None:
            return
        try:
            self._server = await asyncio.start_server(
                self._answer, *address, limit=HEAD_BYTES, ssl=self._tls()
            )
        except OSError as error:
            what = f"cannot serve sounds here: {error.strerror or error}"
            raise SettingsError(
                [Problem("sounds.listen", what, "choose an address of this machine and a free port")]
            ) from error

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    def _tls(self) -> ssl.SSLContext | None:
        sounds = self._settings.sounds
        if sounds.certificate is None or sounds.key is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(sounds.certificate, sounds.key)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError([Problem("sounds.certificate", f"cannot be used: {error}")]) from error
        return context

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            if await self._allowed(
                peer[0] if peer else ""
            ):  # a stranger is hung up on at once, and holds no place
                async with self._slots, asyncio.timeout(PATIENCE):
                    writer.write(_answered(*await self._found(await reader.readuntil(b"\r\n\r\n"))))
                    await writer.drain()
        writer.close()

    async def _found(self, request: bytes) -> tuple[str, bytes]:
        wanted = _REQUEST.match(request)
        folder = self._folders.get(wanted[1]) if wanted else None
        if wanted is None or folder is None:
            return "404 Not Found", b""
        try:
            body = await asyncio.to_thread(_read, os.path.join(folder, wanted[2].decode()))
        except OSError:
            return "404 Not Found", b""
        self.served += 1
        return "200 OK", body

    async def _allowed(self, client: str) -> bool:
        address = ip_address(client.partition("%")[0]) if client else None
        if address is None:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in self._settings.sounds.allow):
            return True
        loop = asyncio.get_running_loop()
        if loop.time() - self._resolved_at > RESOLVE_EVERY:
            self._resolved_at = loop.time()
            self._known = await self._resolved()
        if str(address) in self._known:
            return True
        if client not in self._told:
            self._told.add(client)
            todo = "if that is a PBX of yours, add its network to sounds.allow"
            self._log.warning(events.SOUNDS_REFUSED, client=client, todo=todo)
        return False

    async def _resolved(self) -> frozenset[str]:
        """The addresses of all PBXs that fetch."""
        found: set[str] = set()
        for pbx in self._settings.pbx.values():
            if pbx.sounds_url is None:
                continue
            with contextlib.suppress(OSError):
                rows = await asyncio.get_running_loop().getaddrinfo(pbx.host, None, type=socket.SOCK_STREAM)
                found |= {str(row[4][0]).partition("%")[0] for row in rows}
        return frozenset(found)


def _answered(status: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _read(path: str) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        return file.read()
