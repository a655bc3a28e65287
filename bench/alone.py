"""`python -m bench.alone`: the engine alone, against a simulated PBX in another process.

Three things: how many complete calls a second, what a call costs in processor time (the SQLite thread included) and how
late the event loop is; the same by stage, in a run of its own; and the memory of a live call with 1,000, 10,000 and
20,000 of them. Whatever is called must be called exactly once, and every call must end as its callee did; a leg of
which that is not true fails the run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path
from statistics import median
from typing import Any

from bench import job, originate, processor, progress, results
from lab import process
from lab.places import REPOSITORY

SECRET = "simulated"
SETTLING = 3.0
"""Seconds that the campaign's start leaves beside the time that its intake takes by INTAKE."""
INTAKE = 2000
"""Contacts a second that are taken in, reckoned carefully."""
RANGES = ("+3319900", "+3326191", "+3335301", "+3346571", "+3353649", "+3363998")
"""French numbers reserved for fiction, 10,000 each (engine/rules/places/practice.py)."""
PAGE = 4096


def numbers(count: int) -> list[str]:
    """Different numbers that nobody has. Raises ValueError for more than there are."""
    found = list(islice(chain.from_iterable(_range(head) for head in RANGES), count))
    if len(found) < count:
        raise ValueError(
            f"{count} calls: there are {len(found)} numbers reserved for fiction, and each is called once"
        )
    return found


def _range(head: str) -> Iterator[str]:
    return (f"{head}{at:04d}" for at in range(10_000))


@dataclass(frozen=True, slots=True)
class Leg:
    """One campaign. Rates are the simulated PBX's: Originates a second, the first and last tenth left out."""

    calls: int
    rate: float
    whole: float
    """Calls a second from the first Originate to the last stored end."""
    processor: float
    """Milliseconds of processor time a call, all threads of the engine."""
    lag50: float
    lag99: float
    most_lag: float
    """Milliseconds by which the event loop was late while it dialed: median, 99 of 100, the most."""
    most: int
    """Calls that lived at once at most."""
    moments: tuple[float, ...] = ()
    """Of each Originate, seconds from the first."""
    stages: dict[str, float] = field(default_factory=dict)
    """Microseconds of processor time a call by stage."""
    memory: float | None = None
    """Kilobytes a live call: what the process has grown by since it was ready, with all that the intake left behind."""
    problems: tuple[str, ...] = ()


class Simulated:
    """A simulated PBX that runs."""

    def __init__(self, folder: Path, ways: str, ring: float, talk: float, spread: float) -> None:
        self.secret = folder / "secret"
        self.secret.touch(0o600)
        self.secret.write_text(SECRET, encoding="utf-8")
        self._counted = folder / "counted.json"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.pbx_sim", "--secret-file", str(self.secret), "--ways", ways, "--ring", str(ring),
             "--talk", str(talk), "--spread", str(spread), "--counted", str(self._counted)],
            stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated PBX did not start")
        self.port = int(line)
        self.pid = self._process.pid

    def stop(self) -> dict[str, Any]:
        """End it; returns what it counted."""
        self._process.terminate()
        self._process.wait(timeout=30)
        counted: dict[str, Any] = json.loads(self._counted.read_text(encoding="utf-8"))
        return counted

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


@contextmanager
def simulated(folder: Path, ways: str, ring: float, talk: float, spread: float = 0.0) -> Iterator[Simulated]:
    """A simulated PBX; it has ended afterwards in any case."""
    pbx = Simulated(folder, ways, ring, talk, spread)
    try:
        yield pbx
    finally:
        pbx.kill()


def leg(
    folder: Path,
    calls: int,
    channels: int,
    *,
    ways: str = "hangs-up-mid-message",
    ring: float = 0.05,
    talk: float = 0.2,
    spread: float = 0.0,
    cps: float = job.LIMIT,
    stages: bool = False,
    plateau: bool = False,
    settling: float = SETTLING,
    more: str = "",
    meanwhile: Callable[[Path], None] | None = None,
) -> Leg:
    """One campaign of `calls` calls. `plateau`: measure memory when as many live as there are channels. `meanwhile` is
    called with the engine's folder when dialing has begun."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "sounds").mkdir(parents=True)
    with simulated(folder, ways, ring, talk, spread) as pbx:
        at = job.Pbx("127.0.0.1", pbx.port, pbx.secret, folder / "sounds", str(folder / "sounds"))
        settings = job.settings(folder, at, channels, cps, more)
        pid_file, output, probe = folder / "engine.pid", folder / "engine.out", folder / "probe.json"
        command = [
            sys.executable,
            "-m",
            "bench.engine_process",
            "--config",
            str(settings),
            "--probe",
            str(probe),
        ]
        pid = process.start([*command, "--stages"] if stages else command, pid_file, output)
        try:
            progress.said(folder / "volley.log", b'"ami.connected"', pid_file, output)
            before = _resident(pid)
            start = datetime.now(UTC) + timedelta(seconds=settling + calls / INTAKE)
            job.campaign(folder, numbers(calls), start)
            progress.until(start - timedelta(seconds=0.5), pid_file, output)
            accepted = '"campaign.accepted"' in (folder / "volley.log").read_text(encoding="utf-8")
            used = processor.used(pid)
            if meanwhile is not None:
                meanwhile(folder)
            memory = _plateau(folder, pid, channels, before) if plateau else None
            progress.said(folder / "volley.log", b'"campaign.completed"', pid_file, output)
            took = processor.used(pid) - used
        finally:
            process.stop(pid_file, patience=20.0)
        counted = pbx.stop()
    notes = json.loads(probe.read_text(encoding="utf-8"))
    return _figures(folder, calls, counted, notes, took, memory, accepted=accepted)


def _figures(
    folder: Path,
    calls: int,
    counted: dict[str, Any],
    notes: dict[str, Any],
    took: float,
    memory: float | None,
    *,
    accepted: bool,
) -> Leg:
    arrivals = sorted(counted["arrivals"])
    tenth = len(arrivals) // 10
    middle = arrivals[tenth : len(arrivals) - tenth]
    late = sorted(
        max(0.0, one) * 1000
        for moment, one in zip(notes["moments"], notes["late"], strict=True)
        if arrivals[0] <= moment <= arrivals[-1]
    )
    seconds, problems = _books(folder, calls)
    if not accepted:
        problems.append("the contacts were not taken in when the campaign began")
    problems += [
        f"{counted[word]} {what}"
        for word, what in (("left", "calls live on"), ("again", "numbers were called again"))
        if counted[word]
    ]
    problems += counted["problems"]
    return Leg(
        calls=len(arrivals),
        rate=(len(middle) - 1) / (middle[-1] - middle[0]),
        whole=len(arrivals) / seconds,
        processor=1000 * took / len(arrivals),
        lag50=median(late),
        lag99=late[int(len(late) * 0.99)],
        most_lag=late[-1],
        most=counted["most"],
        moments=tuple(round(one - arrivals[0], 6) for one in arrivals),
        stages={name: 1e6 * one["seconds"] / len(arrivals) for name, one in notes.get("stages", {}).items()},
        memory=memory,
        problems=tuple(problems),
    )


def _books(folder: Path, calls: int) -> tuple[float, list[str]]:
    """Seconds from the first attempt to the last end, and what is wrong in the books."""
    with closing(sqlite3.connect(f"file:{folder / 'state' / 'volley.db'}?mode=ro", uri=True)) as books:
        first, last, attempts, open_ = books.execute(
            "SELECT min(created_at), max(ended_at), count(*), sum(disposition IS NULL) FROM attempts"
        ).fetchone()
        (decisions,) = books.execute("SELECT count(*) FROM decisions WHERE attempt_id IS NOT NULL").fetchone()
        odd = books.execute(
            "SELECT disposition, count(*) FROM attempts WHERE disposition IN ('UNKNOWN', 'NOT_SENT', 'FAILED') GROUP BY 1"
        ).fetchall()
    found = [f"{count} attempts ended as {word}" for word, count in odd]
    if not attempts == decisions == calls or open_:
        found.append(f"{attempts} attempts ({open_} open) and {decisions} decisions for {calls} contacts")
    return last - first, found


def _resident(pid: int) -> int:
    """Bytes of memory that the process holds and shares with no file: RSS less its shared part (proc(5), statm)."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return (int(fields[1]) - int(fields[2])) * PAGE


def _plateau(folder: Path, pid: int, channels: int, before: int) -> float:
    """Kilobytes a live call, when as many live as there are channels."""
    deadline = time.monotonic() + progress.PATIENCE
    with closing(sqlite3.connect(f"file:{folder / 'state' / 'volley.db'}?mode=ro", uri=True)) as books:
        while time.monotonic() < deadline:
            (live,) = books.execute("SELECT count(*) FROM attempts WHERE disposition IS NULL").fetchone()
            if live >= channels:
                return (_resident(pid) - before) / int(live) / 1000
            time.sleep(0.05)
    raise RuntimeError(f"{channels} calls never lived at once")


@dataclass(frozen=True, slots=True)
class Bare:
    """The script that keeps nothing, against the same simulated PBX: what the machine does at this moment."""

    rate: float
    processor: float
    """Milliseconds a call."""


def bare(folder: Path, calls: int, channels: int, ring: float, talk: float, spread: float = 0.0) -> Bare:
    """The same Originates by `bench.bare_ami`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "originate").write_bytes(originate.same_as_volley("flow"))
    (folder / "numbers").write_text("\n".join(numbers(calls)), encoding="ascii")
    with simulated(folder, "hangs-up-mid-message", ring, talk, spread) as pbx:
        done = subprocess.run(
            [sys.executable, "-m", "bench.bare_ami", "--port", str(pbx.port), "--secret-file", str(pbx.secret),
             "--template", str(folder / "originate"), "--numbers", str(folder / "numbers"), "--channels", str(channels)],
            capture_output=True, text=True, check=True, cwd=REPOSITORY, timeout=progress.PATIENCE,
        )  # fmt: skip
    tally = json.loads(done.stdout)
    return Bare(tally["calls"] / tally["seconds"], 1000 * tally["processor"] / tally["calls"])


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Exit code 1 when a leg is worthless."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.alone", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--calls", type=int, default=40_000)
    parser.add_argument("--channels", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", default="hangs-up-mid-message")
    parser.add_argument("--ring", type=float, default=0.05)
    parser.add_argument("--talk", type=float, default=0.2)
    parser.add_argument(
        "--spread", type=float, default=0.0, help="share of themselves by which ring and talk times vary"
    )
    parser.add_argument("--cps", type=float, default=job.LIMIT)
    parser.add_argument("--stages", action="store_true", help="a round with the stages timed as well")
    parser.add_argument("--concurrent", default="", help="memory at so many live calls: 1000,10000,20000")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    folder: Path = given.dir.absolute() / "alone"
    asked = partial(
        leg, folder, given.calls, given.channels, ways=given.ways, ring=given.ring, talk=given.talk, spread=given.spread,
        cps=given.cps,
    )  # fmt: skip
    rounds: list[tuple[Bare, Leg]] = []
    for _ in range(given.rounds):
        floor = bare(folder, min(given.calls, 20_000), given.channels, given.ring, given.talk, given.spread)
        one = asked()
        rounds.append((floor, one))
        print(f"bare script: {floor.rate:.0f} a second, {floor.processor:.3f} ms a call", flush=True)
        print(line(one), flush=True)
    staged = None
    if given.stages:
        staged = asked(stages=True)
        print(line(staged), flush=True)
    held = []
    for count in [int(one) for one in given.concurrent.split(",") if one]:
        held.append((count, leg(folder, count + 200, count, ring=1.0, talk=4.0 + count / 800, plateau=True)))
        print(f"{count} live: {line(held[-1][1])}", flush=True)
    legs = [one for _, one in rounds] + ([staged] if staged else []) + [one for _, one in held]
    figures = {
        "rounds": [{"bare": asdict(floor), "engine": _short(one)} for floor, one in rounds],
        "stages": staged and _short(staged),
        "held": [{"live": count, **_short(one)} for count, one in held],
    }
    results.keep(given.dir.absolute(), "alone", figures)
    return 1 if any(one.problems for one in legs) else 0


def _short(one: Leg) -> dict[str, Any]:
    """Without the moments of all calls."""
    return {name: value for name, value in asdict(one).items() if name != "moments"}


def line(one: Leg) -> str:
    """For a person."""
    text = (
        f"{one.calls} calls, {one.rate:.0f} a second ({one.whole:.0f} from first to last end), {one.most} at once at most;"
        f" {one.processor:.3f} ms a call; loop late by {one.lag50:.1f} ms, p99 {one.lag99:.1f}, most {one.most_lag:.1f}"
    )
    if one.memory is not None:
        text += f"; {one.memory:.1f} kB a live call"
    if one.stages:
        rest = 1000 * one.processor - sum(one.stages.values())
        text += (
            "\n  µs by stage: "
            + ", ".join(f"{name} {took:.0f}" for name, took in one.stages.items())
            + f", rest {rest:.0f}"
        )
    return text + "".join(f"\n  WORTHLESS: {problem}" for problem in one.problems)


if __name__ == "__main__":
    sys.exit(main())
