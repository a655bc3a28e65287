"""Writes AMI actions. The one door through which anything of ours reaches Asterisk, so the one that refuses.

An AMI message is lines of `Name: value`; a CR or LF inside a value would start a header of somebody else's
choosing, and a `Variable` is split at commas and may call a dialplan function. So: control characters are refused,
never cleaned; a line over 1,024 bytes is refused; a variable's name is letters, digits and underscores, except for
the three functions that Volley itself writes; what stands unencoded in a variable is a plain word; contact data is
percent-encoded and goes only into VOLLEY_C_* variables, which the dialplan decodes once with URIDECODE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from urllib.parse import quote

from engine.errors import RefusedField
from engine.values import hot_value

LINE_LIMIT = 1024
"""Bytes in a line, CR LF included; Asterisk cuts what is longer (main/manager.c, struct mansession: char
inbuf[1025])."""
HEADER_LIMIT = 128
"""Headers in a message (main/manager.h, AST_MAX_MANHEADERS)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FIELD = re.compile(r"[A-Z0-9_]{1,32}")
_SOUND = re.compile(r"speech-[0-9a-f]{8}-[0-9]{1,18}/[0-9a-f]{32}")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_CALLER_NAME = re.compile(r"[A-Za-z0-9 .'-]{0,80}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_.~-]{1,80}")
_DIAL = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9+@._:/-]+")

_OURS = frozenset(
    {
        "Action", "ActionID", "Channel", "ChannelId", "Context", "Exten", "Priority", "Timeout", "CallerID", "Account", "Codecs",
        "Async", "Variable",
    }
)  # fmt: skip
"""Names of an Originate's headers: they are plain."""
_SURELY_SHORT = LINE_LIMIT - 2

Header = tuple[str, str]


def message(headers: Iterable[Header]) -> bytes:
    """An AMI message. Raises RefusedField for anything that is not one plain line a header."""
    lines: list[str] = []
    for name, value in headers:
        line = f"{name}: {value}"
        # Every call passes here: what is printable ASCII of a known name and short is plain, and the rest is looked at closely.
        if name not in _OURS or len(line) > _SURELY_SHORT or not line.isascii() or not value.isprintable():
            _must_be_plain(name, value)
        lines.append(line)
    if len(lines) > HEADER_LIMIT:
        raise RefusedField(f"{len(lines)} AMI headers, more than the {HEADER_LIMIT} that Asterisk reads")
    lines.append("\r\n")
    return "\r\n".join(lines).encode()


def _must_be_plain(name: str, value: str) -> None:
    """Raises RefusedField for what is not one line of a header."""
    if not _NAME.fullmatch(name):
        raise RefusedField(f"{name!r} is no AMI header name")
    if _CONTROL.search(value):
        raise RefusedField(f"AMI header {name}: the value holds a control character")
    try:
        length = len(f"{name}: {value}\r\n".encode())
    except UnicodeEncodeError:
        raise RefusedField(
            f"AMI header {name}: the value holds half a character (a lone surrogate)"
        ) from None
    if length > LINE_LIMIT:
        raise RefusedField(
            f"AMI header {name}: {length} bytes, more than the {LINE_LIMIT} that Asterisk reads"
        )


def contact_variable(field: str, value: str) -> Header:
    """A contact's own column as a channel variable. Raises RefusedField for a name or a value that intake should
    have refused."""
    if not _FIELD.fullmatch(field):
        raise RefusedField(f"{field!r} is no field name: [A-Z0-9_], 32 at most")
    if _CONTROL.search(value):  # encoded it would pass here, and be a line break again once decoded
        raise RefusedField(f"field {field}: the value holds a control character")
    try:
        return ("Variable", f"VOLLEY_C_{field}={quote(value, safe='')}")
    except UnicodeEncodeError:
        raise RefusedField(f"field {field}: the value holds half a character (a lone surrogate)") from None


def spoken_variable(field: str, value: str) -> Header:
    """A field that is spoken as a channel variable. Raises RefusedField for what is not letters, digits and hyphens."""
    if not _FIELD.fullmatch(field):
        raise RefusedField(f"{field!r} is no field name: [A-Z0-9_], 32 at most")
    return ("Variable", f"VOLLEY_S_{field}={_word(f'spoken field {field}', value)}")


def _speech_variable(number: int, sound: str) -> Header:
    if not _SOUND.fullmatch(sound):
        raise RefusedField(f"{sound!r} is no sound of a contact's own")
    return ("Variable", f"VOLLEY_P_{number:02d}={sound}")


def _word(what: str, value: str) -> str:
    if not _WORD.fullmatch(value):
        raise RefusedField(f"{what} {value!r} is no plain word: a variable's value is split at commas")
    return value


@hot_value(frozen=True, slots=True)
class Originate:
    """An Originate of ours. `id` is ActionID and ChannelId at once."""

    id: str
    bucket: int
    dial: str
    """`PJSIP/+33199001000@carrier`."""
    context: str
    caller_number: str
    caller_name: str
    timeout: float
    """Seconds from the Originate to the answer."""
    account: str
    codecs: tuple[str, ...]
    sent: int
    """POSIX seconds, written as the `sent` marker before the INVITE leaves."""
    flow: str
    language: str
    fields: Mapping[str, str]
    spoken: Mapping[str, str] = field(default_factory=dict)
    """Fields that are spoken, as the say applications take them."""
    formats: tuple[str, str] = ("", "")
    """How SayUnixTime() tells a date and a time of day."""
    start: str = ""
    """The node with which a callback begins."""
    speech: tuple[str, ...] = ()
    """Sounds that are this contact's alone: paths below the PBX's directory, in the order of the campaign's texts."""
    no_callback: bool = False
    """The contact has had all its callbacks: no other can be asked for."""

    def encode(self) -> bytes:
        """The action's bytes. Raises RefusedField."""
        if not _DIAL.fullmatch(self.dial):
            raise RefusedField(f"{self.dial!r} is no dial string")
        for what, word in (
            ("id", self.id),
            ("context", self.context),
            ("flow", self.flow),
            ("language", self.language),
        ):
            _word(what, word)
        if not _NUMBER.fullmatch(self.caller_number):
            raise RefusedField(f"{self.caller_number!r} is no number to show")
        if not _CALLER_NAME.fullmatch(self.caller_name):
            raise RefusedField(f"{self.caller_name!r} is no name to show")
        if not _ACCOUNT.fullmatch(self.account):
            raise RefusedField(f"{self.account!r} is no account code")
        for codec in self.codecs:
            _word("codec", codec)
        headers: list[Header] = [
            ("Action", "Originate"),
            ("ActionID", self.id),
            ("Channel", self.dial),
            ("ChannelId", self.id),
            ("Context", self.context),
            ("Exten", "s"),
            ("Priority", "1"),
            ("Timeout", str(round(self.timeout * 1000))),
            (
                "CallerID",
                f'"{self.caller_name}" <{self.caller_number}>'
                if self.caller_name
                else f"<{self.caller_number}>",
            ),
            ("Account", self.account),
            ("Codecs", ",".join(self.codecs)),
            ("Async", "true"),
            # These function writes run before the INVITE: evidence that it was sent, and of how it ended, answered or not.
            ("Variable", f"DB(volley/{self.bucket}/{self.id}/sent)={self.sent}"),
            ("Variable", "CHANNEL(hangup_handler_push)=volley-end\\,s\\,1"),
            ("Variable", f"CHANNEL(language)={self.language}"),
            ("Variable", f"VOLLEY_ATTEMPT={self.id}"),
            ("Variable", f"VOLLEY_BUCKET={self.bucket}"),
            ("Variable", f"VOLLEY_FLOW={self.flow}"),
        ]
        if self.start:
            headers.append(("Variable", f"VOLLEY_START={_word('start', self.start)}"))
        if self.no_callback:
            headers.append(("Variable", "VOLLEY_NO_CALLBACK=1"))
        if self.spoken:
            headers.append(("Variable", f"VOLLEY_DATE={_word('format', self.formats[0])}"))
            headers.append(("Variable", f"VOLLEY_TIME={_word('format', self.formats[1])}"))
        headers.extend(_speech_variable(*one) for one in enumerate(self.speech, start=1))
        headers.extend(spoken_variable(*one) for one in self.spoken.items())
        headers.extend(contact_variable(field, value) for field, value in self.fields.items())
        return message(headers)
