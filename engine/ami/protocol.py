"""Frames AMI messages and hands each to whom it is for, by the event's name and before anything is parsed.

panoramisk's own protocol decodes every message into a Message object and dispatches by patterns; here, an event
that nobody asked for costs one dictionary look-up. What remains panoramisk's: the connection, the login, and the
answers to plain actions.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
import typing
from collections.abc import Callable
from typing import Any

from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message as Answer

from engine.errors import AmiActionFailed

Fields = dict[str, str]


class Told(typing.Protocol):
    """What a message says: its value for a name, or the default where it has none. A dictionary does, too."""

    def get(self, name: str, default: str, /) -> str: ...


Handler = Callable[[Told], None]

ORIGINATE_ID = b"\r\nActionID: v"


class Message:
    """A message of which two or three values are wanted out of some twenty: looked for when they are asked for, which costs a
    fifth of taking all of it apart. As `parse` has it: of a repeated name the last one stands."""

    __slots__ = ("_text",)

    def __init__(self, block: bytes) -> None:
        self._text = "\r\n" + block.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<Message {self._text!r}>"

    def get(self, name: str, default: str, /) -> str:
        """The value of this name."""
        text, mark = self._text, f"\r\n{name}: "
        at = text.rfind(mark)
        if at < 0:
            return default
        start = at + len(mark)
        end = text.find("\r\n", start)
        return text[start:] if end < 0 else text[start:end]


class Listing:
    """Collects the items of a list action until its closing event."""

    __slots__ = ("future", "items")

    def __init__(self) -> None:
        self.items: list[Fields] = []
        self.future: asyncio.Future[list[Fields]] = asyncio.get_running_loop().create_future()


class Protocol(AMIProtocol):  # type: ignore[misc]
    """One AMI connection. `handlers` (event name -> function of its fields) and `listings` are shared with its
    client. `gather`: seconds for which nothing is read once a handler was told something, so that what comes meanwhile is
    taken together: to be woken for each event costs as much as the event."""

    def __init__(
        self, handlers: dict[bytes, Handler], listings: dict[str, Listing], gather: float = 0.0
    ) -> None:
        self.handlers = handlers
        self.listings = listings
        self._gather = gather
        self.version: str | None = None
        self._rest = b""
        self.heard = 0.0
        """Monotonic instant of the last byte that came."""

    def data_received(self, data: bytes) -> None:
        """Take what the socket gave: whole messages are dispatched, the rest waits."""
        self.heard = time.monotonic()
        if self._rest:
            data = self._rest + data
        if self.version is None:
            banner, found, rest = data.partition(b"\r\n")
            if not found:
                self._rest = data
                return
            self.version = banner.decode("ascii", "replace").rpartition("/")[2]
            data = rest
        blocks = data.split(b"\r\n\r\n")
        self._rest = blocks.pop()
        told = False
        for block in blocks:
            if block.startswith(b"Event: "):
                told |= self._event(block)
            elif block:
                told |= self._response(block)
        if told and self._gather:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(self._gather, self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _event(self, block: bytes) -> bool:
        """Was a handler told of it?"""
        handler = self.handlers.get(block[7 : block.find(b"\r\n")])
        if handler is not None:
            handler(Message(block))
            return True
        if self.listings:
            self._listed(parse(block))
        return False

    def _listed(self, fields: Fields) -> None:
        listing = self.listings.get(fields.get("ActionID", ""))
        if listing is None:
            return
        if fields.get("EventList") == "Complete":
            del self.listings[fields["ActionID"]]
            if not listing.future.done():
                listing.future.set_result(listing.items)
        else:
            listing.items.append(fields)

    def _response(self, block: bytes) -> bool:
        """Was it the answer to an Originate?"""
        if ORIGINATE_ID in block:
            self.handlers[b"Response"](Message(block))
            return True
        fields = parse(block)
        action_id = fields.get("ActionID", "")
        listing = self.listings.get(action_id)
        if listing is not None:
            if fields.get("Response") == "Error":
                del self.listings[action_id]
                if not listing.future.done():
                    # Not the same as an empty list: who takes a refusal for "there is nothing" dials twice.
                    listing.future.set_exception(
                        AmiActionFailed(f"a list was refused: {fields.get('Message', 'no reason given')}")
                    )
            return False
        message = Answer.from_line(block.decode("utf-8", "replace"))
        if message is not None:
            self.handle_message(message)
        return False

    def write(self, action: bytes) -> None:
        """Write an encoded action."""
        self.transport.write(action)

    def reset(self) -> None:
        """End the connection with a TCP reset: what the peer has not read and answered yet comes to an end with its
        first write."""
        if not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.transport.abort()

    def connection_lost(self, exc: Any) -> None:
        """Told by the event loop; perhaps before the session knows that the connection was made."""
        if self.factory is None:
            self.closed = True
        else:
            super().connection_lost(exc)


def parse(block: bytes) -> Fields:
    """`Name: value` lines as a dictionary; of a repeated name the last stays."""
    fields: Fields = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields
