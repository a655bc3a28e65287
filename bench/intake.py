"""`python -m bench.intake`: how long a contact file takes to get into the database, alone and while calls are made.

Alone: from the moment that the job is there to `campaign.accepted`, against what phonenumbers takes for the same numbers on
one core, measured just before and after. While dialing: the same campaign is dialed at a fixed pace twice, once with a job
being taken in beside it, and its rates are compared.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import alone, job, processor, progress, results
from lab import process
from lab.places import REPOSITORY

SIZES = (10_000, 100_000)
LAW = '[law]\ncountries = ["FR", "US"]\n'


def people(count: int) -> list[str]:
    """Numbers like those of French mobiles, each once, in no order; one in a hundred is of no range that there is."""
    dice = random.Random(count)
    return [f"+336{which:08d}" for which in dice.sample(range(12_000_000, 90_000_000), count)]


@dataclass(frozen=True, slots=True)
class Taken:
    """One job alone."""

    contacts: int
    seconds: float
    cpu: float
    """Processor seconds of the engine and the process that parses for it."""
    floor: float
    """Seconds that phonenumbers takes for the numbers."""
    problems: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        return self.seconds / self.floor


def take(directory: Path, contacts: int) -> Taken:
    """Take a job in, with nothing else to do."""
    folder = directory / "intake"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "sounds").mkdir(parents=True)
    numbers = people(contacts)
    listed = folder / "numbers.txt"
    listed.write_text("\n".join(numbers), encoding="ascii")
    with alone.simulated(folder, "busy", 0.05, 0.2) as pbx:
        at = job.Pbx("127.0.0.1", pbx.port, pbx.secret, folder / "sounds", str(folder / "sounds"))
        settings = job.settings(folder, at, 10, more=LAW)
        pid_file, output, log = folder / "engine.pid", folder / "engine.out", folder / "volley.log"
        pid = process.start(
            [sys.executable, "-m", "engine.cli", "run", "--config", str(settings)], pid_file, output
        )
        try:
            progress.said(log, b'"ami.connected"', pid_file, output)
            before = _floor(listed)
            own = processor.used(pid)
            began = time.monotonic()
            job.campaign(folder, numbers, datetime.now(UTC) + timedelta(days=1))
            written = (
                time.monotonic() - began
            )  # writing the job's file is ours, and the engine looks at a job that is complete
            progress.said(log, b'"campaign.accepted"', pid_file, output)
            seconds = time.monotonic() - began - written
            own = processor.used(pid) - own
            after = _floor(listed)
        finally:
            process.stop(pid_file, patience=20.0)
    [line] = [
        json.loads(line)
        for line in log.read_text(encoding="utf-8").splitlines()
        if '"campaign.accepted"' in line
    ]
    problems = [] if line["rows"] == contacts else [f"{line['rows']} of {contacts} rows were read"]
    return Taken(contacts, seconds, own, (before + after) / 2, tuple(problems))


def _floor(listed: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.numbers_alone", str(listed)], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )  # fmt: skip
    return float(json.loads(done.stdout)["wall"])


@dataclass(frozen=True, slots=True)
class Beside:
    """A campaign dialed with a job taken in beside it, and without."""

    contacts: int
    cps: float
    alone: float
    """Calls a second."""
    beside: float
    taken: bool
    """The job was taken in before the campaign was over."""
    problems: tuple[str, ...] = ()


def beside(directory: Path, contacts: int, cps: float, seconds: float) -> Beside:
    """Dial at a pace, without and with a job of so many contacts."""
    folder = directory / "intake"
    numbers = people(contacts)

    def hand_in(where: Path) -> None:
        job.campaign(where, numbers, datetime.now(UTC) + timedelta(days=1), name="beside")

    def dial(meanwhile: bool) -> alone.Leg:
        return alone.leg(
            folder, round(cps * seconds), 20_000, ring=0.2, talk=1.0, cps=cps, settling=5.0, more=LAW,
            meanwhile=hand_in if meanwhile else None,
        )  # fmt: skip

    without, with_it = dial(False), dial(True)
    log = (folder / "volley.log").read_text(encoding="utf-8")
    taken = '"campaign":"beside"' in "".join(
        line for line in log.splitlines() if '"campaign.accepted"' in line
    )
    problems = (*without.problems, *with_it.problems)
    return Beside(contacts, cps, without.rate, with_it.rate, taken, problems)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Exit code 1 when a leg is worthless."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.intake", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="contacts; a million take about a minute"
    )
    parser.add_argument("--beside", type=int, default=100_000, help="contacts taken in while dialing; 0: not")
    parser.add_argument("--cps", type=float, default=300.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    directory: Path = given.dir.absolute()
    taken = []
    for size in [int(one) for one in given.sizes.split(",") if one]:
        taken.append(take(directory, size))
        one = taken[-1]
        print(
            f"{one.contacts} contacts in {one.seconds:.1f} s ({one.cpu:.1f} s of the engine's processor); phonenumbers alone"
            f" {one.floor:.1f} s: {one.ratio:.2f}" + "".join(f"\n  WORTHLESS: {problem}" for problem in one.problems), flush=True,
        )  # fmt: skip
    found = beside(directory, given.beside, given.cps, given.seconds) if given.beside else None
    if found is not None:
        print(
            f"{found.alone:.1f} calls a second alone, {found.beside:.1f} with {found.contacts} contacts taken in beside"
            f" ({'all' if found.taken else 'not all'} of them before its end): {found.beside / found.alone:.3f}"
            + "".join(f"\n  WORTHLESS: {problem}" for problem in found.problems)
        )
    figures = {
        "taken": [{**asdict(one), "ratio": one.ratio} for one in taken],
        "beside": found and asdict(found),
    }
    results.keep(directory, "intake", figures)
    return 1 if any(one.problems for one in taken) or (found is not None and found.problems) else 0


if __name__ == "__main__":
    sys.exit(main())
