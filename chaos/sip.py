"""SIP as far as the callee speaks it: a message taken apart, answers, a BYE, and the description of its audio.

Texts in, texts out; knows no call and no socket. Sources: RFC 3261 (SIP), RFC 4566 (SDP), RFC 4733 (telephone events).
"""

from __future__ import annotations

from dataclasses import dataclass

Address = tuple[str, int]
EVENT_TYPE = 101
"""RTP's payload type of telephone events, where the other side names none."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response. Of a header that comes again the first is kept, but for Via, of which all are."""

    first: str
    """The first line."""
    headers: dict[str, str]
    """By names in lower case."""
    via: list[str]
    body: str = ""

    @property
    def method(self) -> str:
        """Of a request; `SIP/2.0` of a response."""
        return self.first.partition(" ")[0]

    @property
    def number(self) -> str:
        """Whom the request is for: the user of its URI."""
        return self.first.split(" ")[1].removeprefix("sip:").partition("@")[0].partition(";")[0]

    @property
    def caller(self) -> str:
        return self.headers.get("from", "").partition("sip:")[2].partition("@")[0] or "-"

    @property
    def in_dialog(self) -> bool:
        """Does it belong to a call that both sides know? Such an INVITE is no new call."""
        return ";tag=" in self.headers.get("to", "")


def read(data: bytes) -> Message:
    """A datagram as a message."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    via: list[str] = []
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        if key == "via":
            via.append(value.strip())
        headers.setdefault(key, value.strip())
    return Message(first, headers, via, body.decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Audio:
    """Where the other side wants its audio (None: nowhere), and its number for telephone events."""

    to: Address | None
    event_type: int


def audio(sdp: str) -> Audio:
    """What a session description says of it."""
    host, port, event_type = "", 0, EVENT_TYPE
    for line in sdp.splitlines():
        if line.startswith("c=IN IP4 "):
            host = line.split()[-1]
        elif line.startswith("m=audio "):
            port = int(line.split()[1])
        elif line.startswith("a=rtpmap:") and "telephone-event/8000" in line:
            event_type = int(line.removeprefix("a=rtpmap:").split()[0])
    return Audio((host, port) if host and port else None, event_type)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who answers: the address of its SIP, and the port of its audio."""

    address: str
    port: int
    rtp_port: int

    def answer(self, status: int, reason: str, to: Message, tag: str, body: str = "") -> bytes:
        """A response to a request. `tag`: ours, where the request has none yet."""
        given = to.headers.get("to", "")
        lines = [
            f"SIP/2.0 {status} {reason}",
            *(f"Via: {one}" for one in to.via),
            f"From: {to.headers.get('from', '')}",
        ]
        lines.append(f"To: {given}" if to.in_dialog or status == 100 else f"To: {given};tag={tag}")
        lines += [f"Call-ID: {to.headers.get('call-id', '')}", f"CSeq: {to.headers.get('cseq', '')}"]
        lines.append(f"Contact: <sip:callee@{self.address}:{self.port}>")
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        return "\r\n".join(lines).encode()

    def bye(self, invite: Message, tag: str) -> bytes:
        """The end of the call that came with `invite`."""
        contact = invite.headers.get("contact", "").partition("<")[2].partition(">")[0]
        return "\r\n".join(
            (
                f"BYE {contact} SIP/2.0",
                f"Via: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{tag}bye;rport",
                "Max-Forwards: 70",
                f"From: {invite.headers['to']};tag={tag}",
                f"To: {invite.headers['from']}",
                f"Call-ID: {invite.headers['call-id']}",
                "CSeq: 1 BYE",
                "Content-Length: 0",
                "",
                "",
            )
        ).encode()

    def description(self, event_type: int) -> str:
        """Our side of the audio: A-law and telephone events."""
        lines = (
            "v=0",
            f"o=callee 1 1 IN IP4 {self.address}",
            "s=-",
            f"c=IN IP4 {self.address}",
            "t=0 0",
            f"m=audio {self.rtp_port} RTP/AVP 8 {event_type}",
            "a=rtpmap:8 PCMA/8000",
            f"a=rtpmap:{event_type} telephone-event/8000",
            f"a=fmtp:{event_type} 0-16",
            "a=sendrecv",
            "",
        )
        return "\r\n".join(lines)
