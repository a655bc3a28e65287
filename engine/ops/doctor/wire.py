"""Which identity a trunk's calls show, seen on the wire: an INVITE by the trunk's own endpoint, to the doctor itself and to nobody else.

Asterisk dials `PJSIP/<endpoint>/sip:<number>@<doctor>:<port>`: everything of the endpoint holds for it (from_user, from_domain, callerid,
send_pai, trust_id_outbound, privacy), but the address is this listener's, which writes the headers down and answers 486 Busy Here. An
endpoint with an outbound proxy is not tried: there the INVITE would go to the carrier after all.

Knows SIP (RFC 3261) as far as one INVITE over UDP, and P-Asserted-Identity and Privacy (RFC 3325, RFC 3323). What follows from it:
`engine.ops.doctor.check_wire`.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from engine.ami.visit import Visit
from engine.config import Settings
from engine.errors import AmiActionFailed
from engine.ops.doctor.facts import Identity, Wire
from engine.ops.doctor.needs import endpoint_of
from engine.trunk_settings import TrunkSettings

PATIENCE = 4.0
"""Seconds until an INVITE must have come: it goes out at once, or not at all."""
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
"""Short names of headers: RFC 3261, section 7.3.3."""
_BRACKETS = re.compile(r'^\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*))\s*<\s*(sips?|tel):([^>]*)>', re.IGNORECASE)
_BARE = re.compile(r"^\s*()()(sips?|tel):([^;>\s]*)", re.IGNORECASE)
_PARTS = re.compile(r',(?=\s*(?:"|<|sips?:|tel:))', re.IGNORECASE)
_ECHOED = ("via", "from", "to", "call-id", "cseq")
"""What a reply says again, as it came: RFC 3261, section 8.2.6.2."""


@dataclass(frozen=True, slots=True)
class Request:
    """A SIP request: its method, and its headers in their order, names in lower case."""

    method: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def read(datagram: bytes) -> Request | None:
    """A request; None for anything else."""
    head = datagram.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    words = first.split()
    if len(words) != 3 or words[2] != "SIP/2.0":
        return None
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers.append((_COMPACT.get(name, name), value.strip()))
    return Request(words[0], tuple(headers))


def busy(request: Request) -> bytes:
    """The reply 486 Busy Here."""
    lines = ["SIP/2.0 486 Busy Here"]
    for name, value in request.headers:
        if name in _ECHOED:
            tag = ";tag=volley-doctor" if name == "to" and ";tag=" not in value else ""
            lines.append(f"{name}: {value}{tag}")
    return ("\r\n".join([*lines, "content-length: 0", "", ""])).encode()


def identity(value: str) -> Identity:
    """Who a From or P-Asserted-Identity names."""
    found = _BRACKETS.match(value) or _BARE.match(value)
    if found is None:
        return Identity("", "", "")
    name = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else (found[2] or "").strip()
    user, at, host = found[4].partition("@")
    if not at and found[3].lower() != "tel":
        user, host = "", user  # a URI of a machine, without a user
    return Identity(name, unquote(user.partition(";")[0]), host.partition(";")[0])


def identities(request: Request) -> tuple[Identity, tuple[Identity, ...], str]:
    """From, the P-Asserted-Identities, and Privacy of an INVITE."""
    (sender,) = request.all("from")[:1] or [""]
    asserted = [part for value in request.all("p-asserted-identity") for part in _PARTS.split(value)]
    return identity(sender), tuple(map(identity, asserted)), "; ".join(request.all("privacy"))


class _Ear(asyncio.DatagramProtocol):
    """Answers every INVITE, and keeps the first."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its class

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        request = read(data)
        if request is None or request.method != "INVITE" or self._transport is None:
            return
        self._transport.sendto(busy(request), addr)
        if not self.heard.done():
            self.heard.set_result(request)


@asynccontextmanager
async def listening(towards: str) -> AsyncIterator[tuple[str, asyncio.Future[Request]]]:
    """Listen where a PBX at `towards` reaches us; gives address and port as a URI has them. Raises OSError."""
    loop = asyncio.get_running_loop()
    family, _, _, _, address = (await loop.getaddrinfo(towards, 5060, type=socket.SOCK_DGRAM))[0]
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(address)  # sends nothing: the kernel only chooses the address
        here = probe.getsockname()[0]
    transport, ear = await loop.create_datagram_endpoint(_Ear, local_addr=(here, 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        yield f"[{here}]:{port}" if ":" in here else f"{here}:{port}", ear.heard
    finally:
        transport.close()


def shown_by(name: str, settings: Settings) -> str:
    """The first number of ours that may be shown on this trunk; empty when there is none."""
    return next((one.number for one in settings.caller_id if not one.trunks or name in one.trunks), "")


async def look(link: Visit, name: str, trunk: TrunkSettings, settings: Settings) -> Wire:
    """What the trunk `name` shows. Raises AmiError when the connection is lost."""
    endpoint, number = endpoint_of(trunk), shown_by(name, settings)
    if not endpoint:
        return Wire(number, trouble=f"{trunk.dial.partition('/')[0]} cannot be sent to an address of our own")
    if not number:
        return Wire(number, trouble="no number of [[caller_id]] may be shown on it")
    try:
        if not await link.value(f"PJSIP_ENDPOINT({endpoint},aors)"):
            return Wire(number, trouble=f"there is no endpoint {endpoint} that could be asked about")
        proxy = await link.value(f"PJSIP_ENDPOINT({endpoint},outbound_proxy)")
        if proxy:
            return Wire(
                number, trouble=f"endpoint {endpoint} has an outbound proxy: the INVITE would go there"
            )
        async with listening(settings.pbx[trunk.pbx].host) as (address, heard):
            shown = next(one for one in settings.caller_id if one.number == number)
            await link.ask(
                ("Action", "Originate"),
                ("Channel", f"PJSIP/{endpoint}/sip:{number}@{address}"),
                ("Context", "volley-call"),
                ("Exten", "s"),
                ("Priority", "1"),
                ("Timeout", "5000"),
                ("CallerID", f'"{shown.name}" <{number}>' if shown.name else f"<{number}>"),
                ("Codecs", ",".join(trunk.codecs)),
                ("Async", "true"),
            )
            await asyncio.wait([heard], timeout=PATIENCE)
            if not heard.done():
                return Wire(number, trouble=f"no INVITE came to udp {address} within {PATIENCE:g} s")
            return Wire(number, *identities(heard.result()))
    except AmiActionFailed as refused:
        return Wire(number, trouble=f"Asterisk refused: {refused}")
    except OSError as error:
        return Wire(number, trouble=f"cannot listen here: {error.strerror or error}")
