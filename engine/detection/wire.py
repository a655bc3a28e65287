"""What Asterisk says to the detector: AudioSocket's messages, and the head of a FastAGI request.

Pure. The protocols are Asterisk's: docs.asterisk.org, "AudioSocket" and "AGI"; res_audiosocket.c, res_agi.c.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.detection.ear import Limits

HANGUP, UUID, AUDIO = 0x00, 0x01, 0x10
"""Kinds of message: the channel is gone; which call this is (16 bytes, always first); 16-bit samples, 8000 a second."""
HEAD = 3
"""Kind, and the payload's length in two bytes, the higher first."""
END_OF_AUDIO = bytes((HANGUP, 0, 0))
AGI_BEGINS = b"agi_"
AGI_BYTES = 8192
"""A request's head is about 700 bytes."""
ARGUMENTS = ("hush", "pause", "longest", "noise", "beep")
"""The arguments of AGI(), all in milliseconds: [volley-call]."""
LONGEST_MS = 60_000


class WireError(Exception):
    """Not what Asterisk says."""


class Messages:
    """AudioSocket's stream, cut into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Kind and payload of each message that is whole."""
        rest = self._rest
        rest += data
        while len(rest) >= HEAD:
            end = HEAD + int.from_bytes(rest[1:HEAD], "big")
            if len(rest) < end:
                return
            kind, payload = rest[0], bytes(rest[HEAD:end])
            del rest[:end]
            yield kind, payload


def asked(head: str) -> tuple[str, Limits]:
    """The channel's unique id of a FastAGI request, and what it asks for. Raises WireError."""
    lines = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    values: dict[str, int] = {}
    for at, name in enumerate(ARGUMENTS, 1):
        text = lines.get(f"agi_arg_{at}", "")
        if not (text.isascii() and text.isdecimal() and 0 < int(text) <= LONGEST_MS):
            raise WireError(f"argument {at} ({name}) is {text[:20]!r}, no milliseconds up to {LONGEST_MS}")
        values[name] = int(text)
    return lines.get("agi_uniqueid", ""), Limits(**values)
