"""A PBX on loopback that speaks the manager interface to the byte, as Asterisk 22 did when it was recorded.

It knows the few actions that Volley uses, keeps what it was sent, and can be told to misbehave: to refuse, to fall silent, to hang up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest

Fields = dict[str, str]

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
SECRET = "s3cret"


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
    deaf: bool = False
    answers: dict[str, Callable[[Session, Fields], bytes]] = field(default_factory=dict)
    """Action name -> what is answered in place of the usual."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        self.sessions.append(session)
        self._tell()
        try:
            if not self.greets:
                return
            session.tell(BANNER)
            while True:
                while self.deaf:
                    await asyncio.sleep(0.01)
                text = await reader.readuntil(b"\r\n\r\n")
                session.raw += text
                action = dict(line.split(": ", 1) for line in text.decode().split("\r\n") if line)
                session.actions.append(action)
                self._tell()
                if not self.silent:
                    session.tell(self._answer(session, action))
        except ConnectionResetError:
            session.reset = True
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            session.ended.set()
            self._tell()

    def _tell(self) -> None:
        self.changed.set()

    async def until(self, holds: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until something holds; AssertionError when it does not in time."""
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self.changed.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.02):
                            await self.changed.wait()
        except TimeoutError:
            raise AssertionError("did not come to hold") from None

    def _answer(self, session: Session, action: Fields) -> bytes:
        name, action_id = action["Action"], action["ActionID"]
        if name in self.answers:
            return self.answers[name](session, action)

        def success(*lines: str) -> bytes:
            return block("Response: Success", f"ActionID: {action_id}", *lines)

        def error(message: str) -> bytes:
            return block("Response: Error", f"ActionID: {action_id}", f"Message: {message}")

        match name:
            case "Login":
                if (action["Username"], action["Secret"]) != ("volley", SECRET):
                    return error("Authentication failed")
                booted = block("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted")
                return success("Message: Authentication accepted") + (booted if self.boots else b"")
            case "Ping":
                return success("Ping: Pong", "Timestamp: 1795491004.620831")
            case "CoreSettings":
                return success("AMIversion: 11.0.0", "AsteriskVersion: 22.10.1", "SystemName: ")
            case "CoreStatus":
                return success("CoreStartupDate: 2026-11-24", "CoreStartupTime: 03:29:12")
            case "Originate":
                return success("Message: Originate successfully queued")
            case "DBPut":
                self.database[f"/{action['Family']}/{action['Key']}"] = action["Val"]
                return success("Message: Updated database successfully")
            case "DBDelTree":
                under = f"/{action['Family']}/{action['Key']}/"
                gone = [key for key in self.database if key.startswith(under)]
                for key in gone:
                    del self.database[key]
                return (
                    success("Message: Key tree deleted successfully")
                    if gone
                    else error("Database entry not found")
                )
            case "DBGetTree":
                items = [
                    ("DBGetTreeResponse", [f"Key: {key}", f"Val: {value}"])
                    for key, value in self.database.items()
                    if key.startswith(f"/{action['Family']}/")
                ]
                return self._list(action_id, "DBGetTree", "Result will follow", items)
            case "CoreShowChannels":
                found = [("CoreShowChannel", [f"{n}: {v}" for n, v in one.items()]) for one in self.channels]
                return self._list(action_id, "CoreShowChannels", "Channels will follow", found)
            case "Hangup" | "Redirect":
                if any(action["Channel"] in (one["Uniqueid"], one["Channel"]) for one in self.channels):
                    return success(
                        "Message: Channel Hungup" if name == "Hangup" else "Message: Redirect successful"
                    )
                return error("No such channel" if name == "Hangup" else "Channel does not exist")
            case _:
                return error(
                    f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands."
                )

    def _list(self, action_id: str, name: str, message: str, items: list[tuple[str, list[str]]]) -> bytes:
        ours = f"ActionID: {action_id}"
        return b"".join(
            [
                block("Response: Success", ours, "EventList: start", f"Message: {message}"),
                *(block(f"Event: {event}", ours, *lines) for event, lines in items),
                block(f"Event: {name}Complete", ours, "EventList: Complete", f"ListItems: {len(items)}"),
            ]
        )


@pytest.fixture(autouse=True)
def nothing_that_the_loop_had_to_report(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An exception in a callback reaches nobody but asyncio's own log."""
    yield
    assert [
        record.getMessage() for record in caplog.records if record.name == "asyncio" and record.levelno > 20
    ] == []


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[PracticePbx]:
    practice = PracticePbx()
    server = await asyncio.start_server(practice.take, "127.0.0.1", 0)
    practice.port = server.sockets[0].getsockname()[1]
    yield practice
    practice.deaf = False
    server.close()
    for session in practice.sessions:
        session.writer.close()
        await session.ended.wait()
    await server.wait_closed()


@pytest.fixture
async def pbx() -> AsyncIterator[PracticePbx]:
    async with listening() as practice:
        yield practice


@pytest.fixture
def practice_pbx() -> Callable[[], contextlib.AbstractAsyncContextManager[PracticePbx]]:
    """For a test that brings its own event loop."""
    return listening
