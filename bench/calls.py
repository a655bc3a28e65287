"""`python -m bench.calls`: calls a second through the real PBX, Volley and a bare script in turn.

Each pair runs every caller once, each on an Asterisk that has just started, in an order that turns from pair
to pair; what counts is the median over the pairs of the ratio within a pair. The rate is the callee's count
of INVITEs, the same yardstick for all. A leg in which a number was not called exactly once is worthless and
fails the run.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

import lab
from bench import bare_run, originate, other_callers, results, volley_run
from bench.leg import Leg, order, summary
from lab import packages
from lab.places import REPOSITORY

RESULTS = REPOSITORY / "var" / "bench"
CALLERS: dict[str, Callable[[int, Path, list[str], int], Leg]] = {
    "bare": bare_run.bare,
    "plainest": bare_run.plainest,
    "volley": volley_run.volley,
    "call files": other_callers.call_files,
    "sipp": other_callers.sipp,
}
HEADINGS = ("caller", "calls/s", "range", "to bare", "own ms", "Asterisk ms", "callee ms")


def main(arguments: list[str] | None = None) -> int:
    """Run the pairs, print the table, write the figures. Exit code 0 when every leg is worth something."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.calls", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--calls", type=int, default=5000, help="calls a leg (default 5000, at most 10000)")
    parser.add_argument("--pairs", type=int, default=3, help="turns of each caller (default 3)")
    parser.add_argument("--channels", type=int, default=200, help="calls at a time (default 200)")
    parser.add_argument("--callers", default=",".join(CALLERS), help=f"of {', '.join(CALLERS)} (default all)")
    parser.add_argument("--dir", type=Path, default=RESULTS, help="where the lab and the figures go")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    callers = given.callers.split(",")
    if unknown := set(callers) - set(CALLERS):
        parser.error(f"no such caller: {', '.join(sorted(unknown))}")
    try:
        numbers = originate.numbers(given.calls)
    except ValueError as error:
        parser.error(str(error))

    directory: Path = given.dir.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    legs: list[Leg] = []
    try:
        packages.need({"sipp": "sip-tester"}, console.print)
        asterisk = lab.prepare(directory / "lab", console.print).asterisk
        for leg in run(directory, callers, given.pairs, numbers, given.channels):
            legs.append(leg)
            console.print(line(leg))
    except (lab.LabError, RuntimeError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1

    console.print(table(legs, callers))
    machine = f"{os.cpu_count()} processors, Asterisk {asterisk}, Python {platform.python_version()}"
    console.print(f"{given.calls} calls a leg, {given.channels} at a time; {machine}")
    figures = {
        "calls": given.calls,
        "pairs": given.pairs,
        "channels": given.channels,
        "machine": machine,
        "legs": [asdict(leg) for leg in legs],
        "summaries": [asdict(summary(legs, caller)) for caller in callers],
    }
    console.print(f"figures in {results.keep(directory, 'calls', figures)}")
    return 1 if any(leg.problems for leg in legs) else 0


def run(directory: Path, callers: list[str], pairs: int, numbers: list[str], channels: int) -> Iterator[Leg]:
    """All legs, one after the other."""
    for pair in range(pairs):
        for caller in order(callers, pair):
            yield CALLERS[caller](pair, directory, numbers, channels)


def line(leg: Leg) -> str:
    """A leg for a person."""
    said = f"pair {leg.pair + 1}, {leg.caller:10}: {leg.rate:6.0f} calls a second"
    said += f", {leg.processor:.3f} ms a call of its own"
    return said + "".join(f"\n  WORTHLESS: {problem}" for problem in leg.problems)


def table(legs: list[Leg], callers: list[str]) -> Table:
    """The medians, for a person."""
    shown = Table(title="Calls through the real PBX; processor time a call", box=box.SIMPLE)
    for heading in HEADINGS:
        shown.add_column(heading, justify="left" if heading == "caller" else "right", no_wrap=True)
    for caller in callers:
        one = summary(legs, caller)
        shown.add_row(
            caller,
            f"{one.rate:.0f}",
            f"{one.lowest:.0f}-{one.highest:.0f}",
            "-" if one.ratio is None else f"{one.ratio:.2f}",
            f"{one.processor:.3f}",
            "-" if one.pbx is None else f"{one.pbx:.2f}",
            f"{one.callee:.2f}",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
