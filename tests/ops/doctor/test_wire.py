"""What an INVITE says of who calls: read from its bytes, answered over a real socket, and judged."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from engine.ops.doctor.check_wire import caller_id
from engine.ops.doctor.facts import Finding, Identity, Severity, Wire
from engine.ops.doctor.wire import busy, identities, identity, listening, read
from tests.ops.doctor.wellness import well_pbx

INVITE = (
    "INVITE sip:+33162000001@127.0.0.1:40000 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:25060;rport;branch=z9hG4bKPj1\r\n"
    "v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2\r\n"
    'f: "Health\r\n  centre" <sip:%2B33162000001@pbx.example.org:5060;user=phone>;tag=a1\r\n'
    "To: <sip:+33162000001@127.0.0.1>\r\n"
    "Call-ID: abc@127.0.0.1\r\n"
    "CSeq: 9 INVITE\r\n"
    'P-Asserted-Identity: "Doe, J" <sip:+33162000001@pbx.example.org>, tel:+33162000002\r\n'
    "Privacy: none\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "v=0\n"
)


def test_an_invite_is_read() -> None:
    request = read(INVITE.encode())
    assert request is not None
    sender, asserted, privacy = identities(request)
    assert sender == Identity("Health centre", "+33162000001", "pbx.example.org:5060")
    assert asserted == (
        Identity("Doe, J", "+33162000001", "pbx.example.org"),
        Identity("", "+33162000002", ""),
    )
    assert privacy == "none"


@pytest.mark.parametrize(
    ("value", "user", "host"),
    [
        ("<sip:anonymous@anonymous.invalid>;tag=1", "anonymous", "anonymous.invalid"),
        ("sip:101@pbx;tag=1", "101", "pbx"),
        ("Anna <sips:101@[::1]:5061;transport=tls>", "101", "[::1]:5061"),
        ("<sip:pbx.example.org>", "", "pbx.example.org"),
        ("tel:+33162000001;phone-context=x", "+33162000001", ""),
        ("nonsense", "", ""),
        ("", "", ""),
    ],
)
def test_who_is_named(value: str, user: str, host: str) -> None:
    found = identity(value)
    assert (found.user, found.host) == (user, host)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"INVITE sip:x SIP/1.0\r\n\r\n",
        b"\xff\xfe\x00",
        b"a b c\r\n",
    ],
)
def test_what_is_no_request_is_none(data: bytes) -> None:
    assert read(data) is None


def test_the_reply_says_again_what_it_must() -> None:
    request = read(INVITE.encode())
    assert request is not None
    lines = busy(request).decode().split("\r\n")
    assert lines[0] == "SIP/2.0 486 Busy Here"
    assert [line.partition(":")[0] for line in lines[1:-2]] == [
        "via",
        "via",
        "from",
        "to",
        "call-id",
        "cseq",
        "content-length",
    ]
    assert lines[4] == "to: <sip:+33162000001@127.0.0.1>;tag=volley-doctor"
    assert lines[-2:] == ["", ""]


async def test_an_invite_is_heard_and_answered_again_and_again() -> None:
    """Over a real socket, as a PBX that repeats it until it is answered."""
    async with listening("127.0.0.1") as (address, heard):
        host, _, port = address.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.setblocking(False)
            for data in (b"junk", INVITE.encode(), INVITE.encode().replace(b"a1", b"a2")):
                caller.sendto(data, (host, int(port)))
            loop = asyncio.get_running_loop()
            replies = [await asyncio.wait_for(loop.sock_recv(caller, 4096), 10) for _ in range(2)]
    assert [reply.split(b"\r\n")[0] for reply in replies] == [b"SIP/2.0 486 Busy Here"] * 2
    assert heard.result().all("from") == [
        '"Health centre" <sip:%2B33162000001@pbx.example.org:5060;user=phone>;tag=a1'
    ]


NUMBER = "+33162000001"
OURS, BARE = Identity("", NUMBER, "pbx"), Identity("", NUMBER[1:], "pbx")
OTHER, NOBODY = Identity("", "account77", "pbx"), Identity("Anonymous", "anonymous", "anonymous.invalid")

JUDGED: list[tuple[Wire, Severity, str]] = [
    (Wire(NUMBER, OURS, (OURS,)), Severity.NOTE, "it sends From"),
    (Wire(NUMBER, BARE, (OURS,), "none"), Severity.NOTE, "it sends From"),
    (Wire(NUMBER, OURS), Severity.NOTE, "no P-Asserted-Identity"),
    (Wire(NUMBER, OURS, (OTHER,)), Severity.WARNING, "different numbers"),
    (Wire(NUMBER, OURS, (OTHER, OURS)), Severity.NOTE, "it sends From"),
    (Wire(NUMBER, OTHER, (OURS,)), Severity.NOTE, "P-Asserted-Identity is"),
    (Wire(NUMBER, OTHER), Severity.ERROR, "do not see +33162000001"),
    (Wire(NUMBER, OTHER, (OTHER,)), Severity.ERROR, "do not see +33162000001"),
    (Wire(NUMBER, NOBODY), Severity.ERROR, "withheld"),
    (Wire(NUMBER, NOBODY, (OURS,), "id"), Severity.ERROR, "withheld"),
    (Wire(NUMBER, OURS, (OURS,), "user;id"), Severity.ERROR, "withheld"),
    (Wire(NUMBER, trouble="no INVITE came"), Severity.UNKNOWN, "no INVITE came"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "severity", "what"), JUDGED, ids=lambda one: str(one)[:40])
def test_what_is_seen_is_judged(tmp_path: Path, wire: Wire, severity: Severity, what: str) -> None:
    [found] = list[Finding](caller_id(replace(well_pbx(tmp_path), wires={"carrier": wire})))
    assert (found.severity, found.where) == (severity, "trunk.carrier")
    assert what in found.what
    if wire.sender is not None:
        assert str(wire.sender) in found.what


def test_what_was_not_asked_for_is_not_judged(tmp_path: Path) -> None:
    assert list(caller_id(well_pbx(tmp_path))) == []
