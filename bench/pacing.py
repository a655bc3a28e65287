"""`python -m bench.pacing`: does the engine keep the pace of a contract, and never pass it?

At each contracted rate a campaign runs for some seconds against the simulated PBX. The rate, the busiest window of one
second and the time between calls are read twice: as the engine wrote them (`sent_at` in its books), and as they arrived
at the callee's end. The engine paces 5 % under the contract, so that no window at the far end passes it.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import alone, results, windows
from engine.dialing.pacing import MARGIN
from lab.places import REPOSITORY

RATES = (1.0, 10.0, 50.0, 200.0, 500.0)
SHARES = (0.01, 0.5, 0.99)


@dataclass(frozen=True, slots=True)
class Pace:
    """One rate. Of each pair of figures the first is read at the write, the second at the callee."""

    contract: float
    """Calls a second."""
    calls: int
    share: tuple[float, float]
    """Achieved rate to the paced one, which is 5 % under the contract."""
    busiest: tuple[int, int]
    gaps: tuple[tuple[float, ...], tuple[float, ...]]
    """Milliseconds between calls: 1 %, half and 99 % of them are not longer."""
    lag99: float
    problems: tuple[str, ...]


def measure(folder: Path, contract: float, seconds: float) -> Pace:
    """Dial at one rate for so many seconds."""
    calls = max(10, round(contract * seconds))
    leg = alone.leg(folder, calls, 20_000, ring=0.2, talk=1.0, cps=contract, settling=6.0)
    with closing(sqlite3.connect(folder / "state" / "volley.db")) as books:
        written = [row[0] for row in books.execute("SELECT sent_at FROM attempts ORDER BY sent_at")]
    problems = list(leg.problems)
    both: tuple[Sequence[float], Sequence[float]] = (written, leg.moments)
    busiest = (windows.busiest(both[0]), windows.busiest(both[1]))
    if max(busiest) > max(1, contract):
        problems.append(f"{max(busiest)} calls in one second, and the contract says {contract:g}")
    return Pace(
        contract=contract,
        calls=calls,
        share=(windows.rate(both[0]) / (contract * MARGIN), windows.rate(both[1]) / (contract * MARGIN)),
        busiest=busiest,
        gaps=(_gaps(both[0]), _gaps(both[1])),
        lag99=leg.lag99,
        problems=tuple(problems),
    )


def _gaps(moments: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(1000 * gap, 2) for gap in windows.spacing(moments, SHARES))


def line(pace: Pace) -> str:
    """For a person."""
    text = (
        f"{pace.contract:g} a second: {pace.share[0]:.2%} of the pace at the write, {pace.share[1]:.2%} at the callee; busiest second"
        f" {pace.busiest[0]} and {pace.busiest[1]}; ms between calls (1 %, half, 99 %) {pace.gaps[0]} and {pace.gaps[1]}"
    )
    return text + "".join(f"\n  WORTHLESS: {problem}" for problem in pace.problems)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Exit code 1 when a contract was broken or a leg is worthless."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.pacing", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--rates", default=",".join(f"{rate:g}" for rate in RATES))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    directory: Path = given.dir.absolute()
    found = []
    for rate in given.rates.split(","):
        found.append(measure(directory / "pacing", float(rate), given.seconds))
        print(line(found[-1]), flush=True)
    results.keep(directory, "pacing", [asdict(one) for one in found])
    return 1 if any(one.problems for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
