"""The measuring stick: a script that originates calls and keeps nothing.

It writes Originate actions on a raw socket, as many at a time as there are channels, and counts what comes
back. No attempt is stored, no rule is asked, nothing is logged: what this script reaches is what Asterisk on
this machine can do. It knows AMI's framing and three messages. It refuses to know Volley: the Originate comes
ready-made in a file, with marks where id and number go.

    python -m bench.bare_ami --port 25038 --user volley --secret-file FILE --template FILE --numbers FILE
    --channels 200

prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import uvloop

ID_MARK = b"v0000000000000000"
"""Where a template carries a call's id; ids have this mark's length, as Asterisk matches channel ids by
prefix."""
NUMBER_MARK = b"+10000000000"
STALL = 30.0
"""Seconds without any ending after which the run is given up."""
END = b"\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """What a run came to. `seconds` runs from the first Originate written to the last call's end."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    messages: int = 0
    received: int = 0
    seconds: float = 0.0
    processor: float = 0.0


class Caller(asyncio.Protocol):
    """One AMI connection that keeps `channels` calls going until `actions` is used up."""

    def __init__(self, login: bytes, actions: Iterator[bytes], channels: int) -> None:
        self.tally = Tally()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last = time.perf_counter()
        self._login = login
        self._actions = actions
        self._channels = channels
        self._live = 0
        self._logged_in = False
        self._started = 0.0
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._login)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("Asterisk closed the connection")

    def data_received(self, data: bytes) -> None:
        self.tally.received += len(data)
        *messages, self._rest = (self._rest + data).split(END)
        ended = 0
        for message in messages:
            self.tally.messages += 1
            ended += self._ends_call(message)
        if ended and self._logged_in:
            self._live -= ended
            self.last = time.perf_counter()
            self._fill()

    def _ends_call(self, message: bytes) -> int:
        if message.startswith(b"Event: Hangup\r\n"):
            if b"\r\nUniqueid: v" not in message:
                return 0
            self.tally.calls += 1
            return 1
        if message.startswith(b"Event: OriginateResponse\r\n"):
            if b"\r\nResponse: Success\r\n" in message:
                self.tally.answered += 1
                return 0
            self.tally.failed += 1
            return int(b"\r\nUniqueid: <null>" in message)  # there was no channel, so there will be no Hangup
        if message.startswith(b"Response: Error"):
            self.tally.refused += 1
            return 1
        if not self._logged_in:  # Asterisk's greeting stands before the answer to the login, in one message
            self._log_in(b"Response: Success" in message)
        return 0

    def _log_in(self, accepted: bool) -> None:
        if not accepted:
            self._fail("Asterisk refused the login")
            return
        self._logged_in = True
        self._started = self.last = time.perf_counter()
        self._fill()

    def _fill(self) -> None:
        assert self._transport is not None
        batch = []
        while self._live < self._channels:
            action = next(self._actions, None)
            if action is None:
                break
            batch.append(action)
            self._live += 1
        if batch:
            self._transport.write(b"".join(batch))
        elif not self._live and not self.done.done():
            self.tally.seconds = time.perf_counter() - self._started
            self.done.set_result(None)

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(why))


def actions(template: bytes, numbers: list[str], run: int) -> Iterator[bytes]:
    """An Originate for each number. `run` sets the ids of one run apart from those of another."""
    for serial, number in enumerate(numbers):
        yield template.replace(ID_MARK, b"v%016x" % (run << 24 | serial)).replace(
            NUMBER_MARK, number.encode()
        )


async def call(host: str, port: int, login: bytes, originates: Iterator[bytes], channels: int) -> Tally:
    """Call everybody and return the tally. Raises ConnectionError, and TimeoutError when calls stop
    ending."""
    loop = asyncio.get_running_loop()
    before = resource.getrusage(resource.RUSAGE_SELF)
    transport, caller = await loop.create_connection(lambda: Caller(login, originates, channels), host, port)
    try:
        while not caller.done.done():
            await asyncio.wait([caller.done], timeout=1.0)
            if time.perf_counter() - caller.last > STALL:
                raise TimeoutError(f"no call ended for {STALL:g} seconds; so far {caller.tally}")
        caller.done.result()
    finally:
        caller.done.cancel()
        transport.close()
    after = resource.getrusage(resource.RUSAGE_SELF)
    caller.tally.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return caller.tally


def main() -> int:
    """Read the arguments, call, print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bare_ami", description="Originate calls and keep nothing."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", default="volley")
    parser.add_argument("--secret-file", type=Path, required=True)
    parser.add_argument(
        "--template", type=Path, required=True, help="an Originate with marks for id and number"
    )
    parser.add_argument("--numbers", type=Path, required=True, help="one number a line")
    parser.add_argument("--channels", type=int, default=200, help="calls at a time")
    given = parser.parse_args()
    secret = given.secret_file.read_text(encoding="utf-8").strip()
    login = f"Action: Login\r\nUsername: {given.user}\r\nSecret: {secret}\r\n\r\n".encode()
    originates = actions(
        given.template.read_bytes(), given.numbers.read_text(encoding="utf-8").split(), int(time.time())
    )
    try:
        tally = uvloop.run(call(given.host, given.port, login, originates, given.channels))
    except (OSError, TimeoutError) as error:
        print(f"bare_ami: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(tally)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
