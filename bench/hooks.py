"""What hooks cost the dialing: calls a second without any, and with receivers that take, are slow, fail, hang or refuse.

    python -m bench.hooks [--calls 3000] [--pairs 3] [--receivers none,takes,slow,errors,hangs,refuses]

Each leg is a whole campaign through a fresh Asterisk, as in `bench.calls`; with a hook that takes `call.ended` and
`contact.done`, so two events a call. The order turns from pair to pair, and what counts is the median over the pairs of
the ratio to `none` within a pair. The promise is that no receiver slows the dialing: only what one takes costs the
processor that it takes to tell it. Exit code 1 when a leg is worthless.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

import lab
from bench import originate, volley_run
from bench.calls import RESULTS
from bench.leg import Leg, order, summary
from lab import packages, process

NONE, REFUSES = "none", "refuses"
RECEIVERS = (NONE, "takes", "slow", "errors", "hangs", REFUSES)
HOOK = """
[hook.bench]
url = "http://127.0.0.1:{port}/"
secret_file = "{secret}"
events = ["call.ended", "contact.done"]
campaigns = ["*"]
"""
SETTLING = timedelta(seconds=15)
"""As `bench.volley_run.SETTLING`, on a machine that does other things too: an engine that is still starting would be measured."""
PATIENCE = 10.0


@contextmanager
def receiving(behaviour: str, directory: Path) -> Iterator[str]:
    """A receiver that behaves so; yields what volley.toml has of it. Raises RuntimeError when it does not start."""
    if behaviour == NONE:
        yield ""
        return
    secret = directory / "hook.secret"
    secret.write_text("benchmark\n", encoding="utf-8")
    secret.chmod(0o600)
    if behaviour == REFUSES:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # a port that nobody else gets, and nobody listens on
            yield HOOK.format(port=taken.getsockname()[1], secret=secret)
        return
    pid_file, output = directory / "receiver.pid", directory / "receiver.out"
    process.stop(pid_file)
    output.unlink(missing_ok=True)
    process.start([sys.executable, "-m", "bench.receiver", behaviour], pid_file, output)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (said := output.read_text(encoding="utf-8").strip()).isdecimal():
            if time.monotonic() > deadline or process.running(pid_file) is None:
                raise RuntimeError(f"the receiver did not start: {said}")
            time.sleep(0.05)
        yield HOOK.format(port=said, secret=secret)
    finally:
        process.stop(pid_file)


def main(arguments: list[str] | None = None) -> int:
    """Run the pairs, print the table, write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=3000, help="calls a leg, at most 10000")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--receivers", default=",".join(RECEIVERS))
    parser.add_argument("--dir", type=Path, default=RESULTS, help="where the lab and the figures go")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    receivers = given.receivers.split(",")
    if unknown := set(receivers) - set(RECEIVERS):
        parser.error(f"no such receiver: {', '.join(sorted(unknown))}")
    directory: Path = given.dir.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    legs: list[Leg] = []
    try:
        numbers = originate.numbers(given.calls)
        packages.need({"sipp": "sip-tester"}, console.print)
        asterisk = lab.prepare(directory / "lab", console.print).asterisk
        for pair in range(given.pairs):
            for behaviour in order(receivers, pair):
                with receiving(behaviour, directory) as settings:
                    leg = volley_run.volley(
                        pair,
                        directory,
                        numbers,
                        given.channels,
                        caller=behaviour,
                        settings=settings,
                        settling=SETTLING,
                    )
                legs.append(leg)
                console.print(
                    f"pair {pair + 1}, {behaviour:8}: {leg.rate:6.0f} calls a second, {leg.processor:.3f} ms a call"
                )
                for problem in leg.problems:
                    console.print(f"  WORTHLESS: {problem}")
    except (lab.LabError, RuntimeError, OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    console.print(table(legs, receivers))
    machine = f"{os.cpu_count()} processors, Asterisk {asterisk}, Python {platform.python_version()}"
    console.print(f"{given.calls} calls a leg, {given.channels} at a time; {machine}")
    written = directory / f"hooks-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    figures = {"machine": machine, "calls": given.calls, "legs": [asdict(leg) for leg in legs]}
    written.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    console.print(f"figures in {written}")
    return 1 if any(leg.problems for leg in legs) else 0


def table(legs: list[Leg], receivers: list[str]) -> Table:
    """The medians, for a person."""
    shown = Table(title="Calls a second by what the receiver does", box=box.SIMPLE)
    for heading in ("receiver", "calls/s", "range", "to none", "own ms"):
        shown.add_column(heading, justify="left" if heading == "receiver" else "right", no_wrap=True)
    for receiver in receivers:
        one = summary(legs, receiver, against=NONE)
        shown.add_row(
            receiver,
            f"{one.rate:.0f}",
            f"{one.lowest:.0f}-{one.highest:.0f}",
            "-" if one.ratio is None else f"{one.ratio:.2f}",
            f"{one.processor:.3f}",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
