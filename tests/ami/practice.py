"""A PBX on loopback that speaks the manager interface to the byte, as Asterisk 22 did when it was recorded.

It knows the few actions that Volley uses, keeps what it was sent, and can be told to misbehave: to refuse, to fall silent, to hang up.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

Fields = dict[str, str]

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
SECRET = "s3cret"
SUCCESS = {
    "Ping": ["Ping: Pong", "Timestamp: 1795491004.620831"],
    "CoreSettings": ["AMIversion: 11.0.0", "AsteriskVersion: 22.10.1", "SystemName: "],
    "CoreStatus": ["CoreStartupDate: 2026-11-24", "CoreStartupTime: 03:29:12"],
    "Originate": ["Message: Originate successfully queued"],
}
"""What Asterisk adds to its acknowledgement of these actions."""


def block(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


@dataclass
class Session:
    """One connection, as the PBX sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    actions: list[Fields] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reset: bool = False
    """The client ended it with a TCP reset."""

    def named(self, name: str) -> list[Fields]:
        return [action for action in self.actions if action["Action"] == name]

    def tell(self, *blocks: bytes) -> None:
        self.writer.write(b"".join(blocks))

    def hang_up(self) -> None:
        self.writer.close()


@dataclass
class PracticePbx:
    """The listening side. `sessions` are all connections so far."""

    port: int = 0
    sessions: list[Session] = field(default_factory=list)
    channels: list[Fields] = field(default_factory=list)
    database: dict[str, str] = field(default_factory=dict)
    greets: bool = True
    boots: bool = True
    silent: bool = False
    listens: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nothing is read from any socket."""
    answers: dict[str, Callable[[Session, Fields], bytes]] = field(default_factory=dict)
    """Action name -> what is answered in place of the usual."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        self.sessions.append(session)
        try:
            if not self.greets:
                return
            session.tell(BANNER)
            while True:
                await self.listens.wait()
                text = await reader.readuntil(b"\r\n\r\n")
                session.raw += text
                action = dict(line.split(": ", 1) for line in text.decode().split("\r\n") if line)
                session.actions.append(action)
                if not self.silent:
                    session.tell(self.answer(session, action))
        except ConnectionResetError:
            session.reset = True
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            session.ended.set()

    def answer(self, session: Session, action: Fields) -> bytes:
        name, ours = action["Action"], f"ActionID: {action['ActionID']}"
        if name in self.answers:
            return self.answers[name](session, action)
        usual: dict[str, Callable[[Fields, str], bytes]] = {
            "Login": self._login,
            "DBPut": self._put,
            "DBDel": self._delete,
            "DBDelTree": self._delete_tree,
            "DBGetTree": self._get_tree,
            "CoreShowChannels": self._show_channels,
            "Hangup": self._act_on_channel,
            "Redirect": self._act_on_channel,
        }
        if name in usual:
            return usual[name](action, ours)
        if name in SUCCESS:
            return block("Response: Success", ours, *SUCCESS[name])
        return block(
            "Response: Error", ours, f"Message: Invalid/unknown command: {name}. Use Action: ListCommands."
        )

    def _login(self, action: Fields, ours: str) -> bytes:
        if (action["Username"], action["Secret"]) != ("volley", SECRET):
            return block("Response: Error", ours, "Message: Authentication failed")
        booted = block("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted")
        accepted = block("Response: Success", ours, "Message: Authentication accepted")
        return accepted + (booted if self.boots else b"")

    def _put(self, action: Fields, ours: str) -> bytes:
        self.database[f"/{action['Family']}/{action['Key']}"] = action["Val"]
        return block("Response: Success", ours, "Message: Updated database successfully")

    def _delete(self, action: Fields, ours: str) -> bytes:
        if self.database.pop(f"/{action['Family']}/{action['Key']}", None) is None:
            return block("Response: Error", ours, "Message: Database entry not found")
        return block("Response: Success", ours, "Message: Key deleted successfully")

    def _delete_tree(self, action: Fields, ours: str) -> bytes:
        under = f"/{action['Family']}/{action['Key']}/"
        gone = [key for key in self.database if key.startswith(under)]
        for key in gone:
            del self.database[key]
        if not gone:
            return block("Response: Error", ours, "Message: Database entry not found")
        return block("Response: Success", ours, "Message: Key tree deleted successfully")

    def _get_tree(self, action: Fields, ours: str) -> bytes:
        under = f"/{action['Family']}/" + (f"{action['Key']}/" if "Key" in action else "")
        found = [
            [f"Key: {key}", f"Val: {value}"] for key, value in self.database.items() if key.startswith(under)
        ]
        return self._list(ours, "Result will follow", "DBGetTreeResponse", found, "DBGetTreeComplete")

    def _show_channels(self, action: Fields, ours: str) -> bytes:
        found = [[f"{name}: {value}" for name, value in one.items()] for one in self.channels]
        return self._list(ours, "Channels will follow", "CoreShowChannel", found, "CoreShowChannelsComplete")

    def _act_on_channel(self, action: Fields, ours: str) -> bytes:
        there = any(action["Channel"] in (one["Uniqueid"], one["Channel"]) for one in self.channels)
        word = {
            "Hangup": ("Channel Hungup", "No such channel"),
            "Redirect": ("Redirect successful", "Channel does not exist"),
        }
        said = word[action["Action"]][0 if there else 1]
        return block("Response: Success" if there else "Response: Error", ours, f"Message: {said}")

    def _list(self, ours: str, message: str, event: str, items: list[list[str]], end: str) -> bytes:
        return b"".join(
            [
                block("Response: Success", ours, "EventList: start", f"Message: {message}"),
                *(block(f"Event: {event}", ours, *lines) for lines in items),
                block(f"Event: {end}", ours, "EventList: Complete", f"ListItems: {len(items)}"),
            ]
        )


@contextlib.asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[PracticePbx]:
    practice = PracticePbx()
    practice.listens.set()
    server = await asyncio.start_server(practice.take, "127.0.0.1", 0, ssl=tls)
    practice.port = server.sockets[0].getsockname()[1]
    yield practice
    practice.listens.set()
    server.close()
    for session in practice.sessions:
        session.writer.close()
        await session.ended.wait()
    await server.wait_closed()
