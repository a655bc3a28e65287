"""The simulated PBX: one AMI listener, the channels that live, and what becomes of each.

Every Originate becomes a channel that runs through the steps of its way (`behaviour`) and tells of them to all who are
logged in, as the recorded filter lets it through. Acknowledgement, Newstate, OriginateResponse, reports and Hangup come
in the orders that were recorded: OriginateResponse before the answer's Newstate or after it, before the Hangup of a
failed call or after it, in turn.
"""

from __future__ import annotations

import asyncio
import random
import time
from array import array
from collections.abc import Callable
from itertools import cycle
from typing import cast

from bench.pbx_sim import messages
from bench.pbx_sim.astdb import AstDb
from bench.pbx_sim.behaviour import WAYS, Step
from bench.pbx_sim.messages import Words

Fields = dict[str, str]
DOWN, RINGING, UP = 0, 5, 6


class Channel:
    """One call."""

    __slots__ = ("at", "began", "bucket", "seq", "state", "steps", "timer", "turn", "words")

    def __init__(self, words: Words, bucket: bytes, steps: tuple[Step, ...], turn: int, began: float) -> None:
        self.words = words
        self.bucket = bucket
        self.steps = steps
        self.turn = turn
        self.began = began
        self.at = 0
        self.state = DOWN
        self.seq = 0
        self.timer: asyncio.TimerHandle | None = None


class SimulatedPbx:
    """Channels and AstDB. `ways` are given to calls in turn, by the order of their Originates; ring and talk times vary by
    up to `spread` of themselves, since calls that are all of one length end in crowds as no people do."""

    def __init__(
        self, secret: str, ways: tuple[str, ...], ring: float, talk: float, spread: float = 0.0
    ) -> None:
        self.secret = secret
        self.astdb = AstDb()
        self.channels: dict[bytes, Channel] = {}
        self.sessions: set[Session] = set()
        self.started = time.gmtime()
        self._steps = cycle([WAYS[way] for way in ways])
        self._ring = ring
        self._talk = talk
        self._spread = spread
        self._random = random.Random(0)  # the same callees every time
        self._loop = asyncio.get_running_loop()
        self.serial = 0
        self.most = 0
        """The most channels that lived at once."""
        self.arrivals = array("d")
        """Monotonic instant of each Originate."""
        self.dialed: dict[bytes, int] = {}
        """Dial string -> how often it was dialed."""
        self.problems: list[str] = []
        self._live: set[bytes] = set()
        """Dial strings with a live channel: a number must never have two."""

    def tell(self, message: bytes) -> None:
        """An event, to everybody who is logged in."""
        for session in self.sessions:
            session.write(message)

    def originate(self, session: Session, block: bytes) -> None:
        """An Originate of ours, as its bytes."""
        values = _values(block)
        attempt, dialed = values[b"ChannelId"], values[b"Channel"]
        now = time.monotonic()
        self.arrivals.append(now)
        self.dialed[dialed] = self.dialed.get(dialed, 0) + 1
        if attempt in self.channels or dialed in self._live:
            self.problems.append(f"{dialed.decode()} was dialed while a call to it lived")
        variables = values[b"Variables"]
        bucket = _between(variables, b"VOLLEY_BUCKET=", b"\r\n")
        language = _between(variables, b"CHANNEL(language)=", b"\r\n")
        sent = _between(variables, b"/sent)=", b"\r\n")
        self.astdb.write(bucket, attempt, "sent", sent.decode())
        trunk = dialed.rpartition(b"@")[2]
        words = Words(
            attempt, b"PJSIP/%b-%08x" % (trunk, self.serial), dialed, _between(values[b"CallerID"], b"<", b">"),
            values[b"Account"], language,
        )  # fmt: skip
        channel = self.channels[attempt] = Channel(words, bucket, next(self._steps), self.serial, now)
        self._live.add(dialed)
        self.serial += 1
        self.most = max(self.most, len(self.channels))
        session.write(
            b"Response: Success\r\nActionID: %b\r\nMessage: Originate successfully queued\r\n\r\n" % attempt
        )
        self._wait(channel)

    def _wait(self, channel: Channel) -> None:
        """Until the next step of this channel; one that takes no time is taken at once."""
        while channel.at < len(channel.steps):
            step = channel.steps[channel.at]
            pause = step.ring * self._ring + step.talk * self._talk
            if pause > 0:
                pause *= 1 + self._spread * self._random.uniform(-1, 1)
                channel.timer = self._loop.call_later(pause, self._due, channel)
                return
            self._take(channel, step)

    def _due(self, channel: Channel) -> None:
        channel.timer = None
        self._take(channel, channel.steps[channel.at])
        self._wait(channel)

    def _take(self, channel: Channel, step: Step) -> None:
        channel.at += 1
        words = channel.words
        match step.what:
            case "ring":
                channel.state = RINGING
                self.tell(words.newstate(RINGING))
            case "answer":
                channel.state = UP
                told = [words.newstate(UP), words.originate_response(True)]
                self.tell(b"".join(told if channel.turn % 2 else reversed(told)))
            case "tell":
                channel.seq += 1
                self.astdb.write(
                    channel.bucket, words.id, str(channel.seq), f"{step.kind}|{step.value}|{int(time.time())}"
                )
                self.tell(words.report(channel.seq, step.kind.encode(), step.value.encode()))
            case "key":
                self.tell(words.key(step.kind.encode()))
            case "end":
                self.end(channel, step.cause, step.sip)

    def end(self, channel: Channel, cause: int, sip: int) -> None:
        """The channel is gone."""
        if channel.timer is not None:
            channel.timer.cancel()
        words, state = channel.words, channel.state
        channel.at = len(channel.steps)
        del self.channels[words.id]
        self._live.discard(words.dialed)
        tech = sip or {DOWN: 0, RINGING: 180, UP: 200}[state]
        kept = f"{cause}|{messages.WORDS[state]}|SIP {tech}|{int(time.time())}"
        self.astdb.write(channel.bucket, words.id, "end", kept)
        hangup = words.hangup(state, cause, sip)
        if state != UP:
            told = [words.originate_response(False), hangup]
            hangup = b"".join(told if channel.turn % 2 else reversed(told))
        self.tell(hangup)


class Session(asyncio.Protocol):
    """One AMI connection."""

    def __init__(self, pbx: SimulatedPbx) -> None:
        self._pbx = pbx
        self._rest = b""
        self._transport: asyncio.Transport | None = None
        self._actions: dict[str, Callable[[Fields, str], bytes]] = {
            "Ping": lambda action, its: messages.success(its, "Ping: Pong", f"Timestamp: {time.time():.6f}"),
            "CoreSettings": self._settings,
            "CoreStatus": self._status,
            "CoreShowChannels": self._show,
            "DBGetTree": self._tree,
            "DBPut": self._put,
            "DBDel": self._delete,
            "DBDelTree": self._delete_tree,
            "Hangup": self._hang_up,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(messages.BANNER)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pbx.sessions.discard(self)
        self._transport = None

    def write(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        *blocks, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for one in blocks:
            if one.startswith(b"Action: Originate\r\n"):
                self._pbx.originate(self, one)
            else:
                self._answer(dict(line.partition(": ")[::2] for line in one.decode().split("\r\n")))

    def _answer(self, action: Fields) -> None:
        name, action_id = action["Action"], action.get("ActionID", "")
        if name == "Login":
            self._login(action, action_id)
        elif name in self._actions:
            self.write(self._actions[name](action, action_id))
        else:
            said = f"Invalid/unknown command: {name}. Use Action: ListCommands to show available commands."
            self.write(messages.error(action_id, said))

    def _login(self, action: Fields, action_id: str) -> None:
        if action.get("Secret") != self._pbx.secret:
            self.write(messages.error(action_id, "Authentication failed"))
            return
        self.write(messages.success(action_id, "Message: Authentication accepted") + messages.FULLY_BOOTED)
        self._pbx.sessions.add(self)

    def _settings(self, action: Fields, action_id: str) -> bytes:
        return messages.success(
            action_id, "AMIversion: 11.0.0", f"AsteriskVersion: {messages.VERSION}", "SystemName: ", "CoreMaxCalls: 0",
            "CoreMaxLoadAvg: 0.000000", "CoreRunUser: ", "CoreRunGroup: ", "CoreMaxFilehandles: 20000",
            "CoreRealTimeEnabled: No", "CoreCDRenabled: No", "CoreHTTPenabled: No", "SoundsSearchCustomDir: No",
        )  # fmt: skip

    def _status(self, action: Fields, action_id: str) -> bytes:
        day, hour = (time.strftime(form, self._pbx.started) for form in ("%Y-%m-%d", "%H:%M:%S"))
        return messages.success(
            action_id, f"CoreStartupDate: {day}", f"CoreStartupTime: {hour}", f"CoreReloadDate: {day}", f"CoreReloadTime: {hour}",
            f"CoreCurrentCalls: {len(self._pbx.channels)}", f"CoreProcessedCalls: {self._pbx.serial}",
        )  # fmt: skip

    def _show(self, action: Fields, action_id: str) -> bytes:
        now = time.monotonic()
        rows = [one.words.shown(one.state, int(now - one.began)) for one in self._pbx.channels.values()]
        return messages.listed(
            action_id,
            "Channels will follow",
            "CoreShowChannel",
            rows,
            "CoreShowChannelsComplete",
            id_first=True,
        )

    def _tree(self, action: Fields, action_id: str) -> bytes:
        rows = [
            (f"Key: {key}", f"Val: {value}")
            for key, value in self._pbx.astdb.tree(action["Family"], action.get("Key", ""))
        ]
        return messages.listed(
            action_id, "Result will follow", "DBGetTreeResponse", rows, "DBGetTreeComplete", id_first=False
        )

    def _put(self, action: Fields, action_id: str) -> bytes:
        self._pbx.astdb.put(action["Family"], action["Key"], action["Val"])
        return messages.success(action_id, "Message: Updated database successfully")

    def _delete(self, action: Fields, action_id: str) -> bytes:
        if not self._pbx.astdb.delete(action["Family"], action["Key"]):
            return messages.error(action_id, "Database entry not found")
        return messages.success(action_id, "Message: Key deleted successfully")

    def _delete_tree(self, action: Fields, action_id: str) -> bytes:
        if not self._pbx.astdb.delete_tree(action["Family"], action["Key"]):
            return messages.error(action_id, "Database entry not found")
        return messages.success(action_id, "Message: Key tree deleted successfully")

    def _hang_up(self, action: Fields, action_id: str) -> bytes:
        channel = self._pbx.channels.get(action["Channel"].encode())
        if channel is None:
            return messages.error(action_id, "No such channel")
        asyncio.get_running_loop().call_soon(self._hung_up, channel)
        return messages.success(action_id, "Message: Channel Hungup")

    def _hung_up(self, channel: Channel) -> None:
        if channel.words.id in self._pbx.channels:
            self._pbx.end(channel, 16, 0)


def _values(block: bytes) -> dict[bytes, bytes]:
    """The headers of an Originate; its variables together under `Variables`."""
    head, _, variables = block.partition(b"\r\nVariable: ")
    values = {}
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        values[name] = value
    values[b"Variables"] = variables + b"\r\n"
    return values


def _between(text: bytes, before: bytes, after: bytes) -> bytes:
    start = text.index(before) + len(before)
    return text[start : text.index(after, start)]
