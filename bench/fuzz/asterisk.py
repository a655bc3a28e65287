"""Originates full of hostile fields on a real Asterisk: what each channel got is read back over AMI, all of its variables.

Local channels, in a context of their own that waits; a raw socket, so that nothing of ours stands between. For each channel:
exactly the variables that were meant, each with the value that was meant after one decoding, and one answer to each action.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import lab
from bench.fuzz import manager
from bench.fuzz.hostile import Hostile
from bench.fuzz.offline import Smuggled, Tally, variables
from engine.ami.encode import Originate
from engine.errors import RefusedField

CONTEXT = "volley-fuzz"
DIAL = f"Local/s@{CONTEXT}/n"
BATCH = 40
PATIENCE = 20.0
OWN = frozenset({"DB", "CHANNEL"})
"""Functions that an Originate of ours writes: they leave no variable."""
LOCAL = ("LOCALSTATION", "SIPCALLID", "BRIDGEPEER", "BRIDGEPVTCALLID", "DIALEDPEERNUMBER", "DIALEDPEERNAME")
"""Variables that Asterisk itself may set on such a channel."""


@dataclass(slots=True)
class Link:
    """A connection to AMI, read message by message."""

    stream: socket.socket
    rest: bytes = b""
    seen: list[dict[str, list[str]]] = field(default_factory=list)

    @classmethod
    def log_in(cls, state: lab.Lab) -> Link:
        stream = socket.create_connection((state.pbx_address, state.ports.ami), PATIENCE)
        stream.settimeout(PATIENCE)
        found = cls(stream)
        secret = state.secret_file.read_text(encoding="utf-8").strip()
        found.send(
            f"Action: Login\r\nActionID: login\r\nUsername: volley\r\nSecret: {secret}\r\n\r\n".encode()
        )
        for message in found.messages():
            if message.get("ActionID") == ["login"]:
                if message["Response"] != ["Success"]:
                    raise Smuggled(f"no login: {message}")
                return found
        raise AssertionError("unreachable: messages() ends by an error only")

    def send(self, action: bytes) -> None:
        self.stream.sendall(action)

    def messages(self) -> Iterator[dict[str, list[str]]]:
        """What comes, as header -> its values."""
        while True:
            while b"\r\n\r\n" not in self.rest:
                data = self.stream.recv(1 << 16)
                if not data:
                    raise Smuggled("Asterisk closed the connection")
                self.rest += data
            block, _, self.rest = self.rest.partition(b"\r\n\r\n")
            found: dict[str, list[str]] = {}
            for line in block.decode("utf-8", "surrogateescape").split("\r\n"):
                name, _, value = line.partition(": ")
                found.setdefault(name, []).append(value)
            yield found


def run(calls: int, seed: int) -> Tally:
    """Make `calls` such calls on the lab, which must be up. Raises Smuggled at the first that is not what was meant."""
    state = lab.status()
    for step in ("s,1,Answer()", "s,2,Wait(60)"):
        lab.console("pbx", f"dialplan add extension {step} into {CONTEXT} replace")
    hostile, tally = Hostile(seed), Tally()
    link = Link.log_in(state)
    try:
        while tally.calls < calls:
            batch: dict[str, Originate] = {}
            while len(batch) < min(BATCH, calls - tally.calls):
                carried = tally.fields % 4 != 0
                serial = (seed << 32) + tally.fields + 1
                case = hostile.case(serial, DIAL, CONTEXT, carried=carried)
                tally.fields += case.fields
                call = case.call
                if (call.id, call.dial, call.context) != (f"v{serial:016x}", DIAL, CONTEXT):
                    continue
                try:
                    link.send(call.encode())
                except RefusedField:
                    tally.refused += 1
                    continue
                batch[call.id] = call
            _answered(link, set(batch))
            for call in batch.values():
                _look(link, call, tally)
            tally.calls += len(batch)
            for one in sorted({call.bucket for call in batch.values()}):
                lab.console("pbx", f"database deltree volley/{one}")
    finally:
        link.stream.close()
        lab.console("pbx", "channel request hangup all")
        lab.console("pbx", f"dialplan remove context {CONTEXT}")
    if "0 results" not in lab.console("pbx", "database show volley evil"):
        raise Smuggled("a field wrote into AstDB")
    return tally


def _answered(link: Link, waiting: set[str]) -> None:
    """Wait until all of them are up. Raises Smuggled when anything else is answered."""
    asked = set(waiting)
    for message in link.messages():
        name = message.get("ActionID", [""])[0]
        if "Response" in message and message.get("Event") is None:
            if name not in asked:
                raise Smuggled(f"an answer to an action that nobody sent: {message}")
            asked.discard(name)
            if message["Response"] != ["Success"]:
                raise Smuggled(f"refused: {message}")
        elif message.get("Event") == ["OriginateResponse"]:
            if name not in waiting or message["Response"] != ["Success"]:
                raise Smuggled(f"{message}")
            waiting.discard(name)
            if not waiting:
                return


def _look(link: Link, call: Originate, tally: Tally) -> None:
    """Read the variables of this call's channel back."""
    link.send(
        f"Action: Status\r\nActionID: look\r\nChannel: {call.id}\r\nAllVariables: true\r\n\r\n".encode()
    )
    found: dict[str, str] = {}
    account = ""
    for message in link.messages():
        if message.get("ActionID") != ["look"]:
            continue
        if message.get("Response") == ["Error"]:
            raise Smuggled(f"{call.id} is not there: {message}")
        if message.get("Event") == ["Status"]:
            account = message["AccountCode"][0]
            for line in message.get("Variable", []):
                name, _, value = line.partition("=")
                found[name] = value
        elif message.get("Event") == ["StatusComplete"]:
            break
    link.send(f"Action: Hangup\r\nActionID: end\r\nChannel: {call.id}\r\n\r\n".encode())
    for message in link.messages():
        if message.get("ActionID") == ["end"]:
            break
    meant = {name: value for name, value in variables(call).items() if name.partition("(")[0] not in OWN}
    got = {name: value for name, value in found.items() if name not in LOCAL}
    if set(got) != set(meant):
        raise Smuggled(f"{call.id} got {sorted(set(got) ^ set(meant))} beside or instead: {call!r}")
    if account != call.account:
        raise Smuggled(f"{call.id} has the account {account!r}: {call!r}")
    for name, plain in meant.items():
        if plain is not None and manager.decoded(got[name].encode("utf-8", "surrogateescape")) != plain:
            raise Smuggled(f"{call.id}: {name} is {got[name]!r}: {call!r}")
        tally.arrived += name.startswith("VOLLEY_C_")
