"""`python -m chaos`: break everything under load, many times, and hold the books against each other.

    python -m chaos --engine-kills 50 --asterisk-kills 5 --link-cuts 5 --restarts 5 --seed 7

Prints a line a fault, and at the end the table of what was seen and every violation. Exit code 0 when there is none. Counts that are
larger than one run carries are divided into several runs, each on a site of its own with a seed of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import statistics
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from chaos import books as accounts
from chaos.books import Books
from chaos.faults import FAULTS, Seen
from chaos.site import Site
from lab import LabError
from lab.places import REPOSITORY

RESULTS = REPOSITORY / "var" / "chaos"
FAULTS_A_RUN = 110
"""The numbers of one run last for about so many."""
CALM = (0.3, 2.2)
"""Seconds of undisturbed dialing before each fault."""
END_PATIENCE = 120.0


def main(arguments: list[str] | None = None) -> int:
    """Run, report. Exit code 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=(__doc__ or "").partition("\n")[0])
    for name in FAULTS:
        parser.add_argument(f"--{name}", type=int, default=0, metavar="N")
    parser.add_argument("--each", type=int, default=0, metavar="N", help="so many of every kind")
    parser.add_argument("--seed", type=int, default=None, help="default: of the clock; printed")
    parser.add_argument("--cps", type=int, default=120)
    parser.add_argument("--channels", type=int, default=600)
    parser.add_argument("--dir", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    seed = given.seed if given.seed is not None else int(time.time())
    dice = random.Random(seed)
    wanted = [name for name in FAULTS for _ in range(getattr(given, name.replace("-", "_")) + given.each)]
    if not wanted:
        parser.error("say how many faults, such as --each 2 or --engine-kills 10")
    dice.shuffle(wanted)
    print(
        f"seed {seed}: {len(wanted)} faults, {given.cps} calls a second, {given.channels} channels",
        flush=True,
    )
    failed = False
    for start in range(0, len(wanted), FAULTS_A_RUN):
        part = wanted[start : start + FAULTS_A_RUN]
        try:
            failed = (
                not _run(given, part, random.Random(dice.random()), f"{seed}-{start // FAULTS_A_RUN + 1}")
                or failed
            )
        except LabError as error:
            print(f"chaos: {error}", file=sys.stderr)
            return 1
    return 1 if failed else 0


def _run(given: argparse.Namespace, wanted: list[str], dice: random.Random, name: str) -> bool:
    """One run on a fresh site; True when nothing was violated."""
    site = Site(
        given.dir.absolute() / "run", dice, given.cps, given.channels, lambda said: print(said, flush=True)
    )
    seen: list[Seen] = []
    began = time.monotonic()
    try:
        site.open()
        if "clock-jumps" in wanted:
            site.engine.set_clock(0.0)
        site.engine.start()

        def dials() -> bool:
            site.feed()
            return bool(site.callee.read())

        if not site.until(dials, 30.0):
            raise LabError("no call left within 30 s: " + site.engine.last_words())
        for kind in wanted:
            calm = time.monotonic() + dice.uniform(*CALM)
            while time.monotonic() < calm:
                site.feed()
                site.callee.read()
                time.sleep(0.05)
            site.engine.mark()
            one = FAULTS[kind](site)
            seen.append(one)
            again = "never" if one.again is None else f"{one.again:.2f} s"
            print(
                f"{len(seen):4}  {one.kind:28} in flight {one.in_flight:4}  again after {again}  {one.problem}",
                flush=True,
            )
            if not site.engine.lives():
                print(site.engine.last_words(), flush=True)
                site.engine.start()
        problems = _end(site)
    finally:
        site.close()
    site.callee.read()
    books = accounts.check(site.database, site.callee.lines, seen, loaded=site.waves.people, cps=given.cps)
    books.violations += problems + [f"{one.kind}: {one.problem}" for one in seen if one.problem]
    _report(name, seen, books, time.monotonic() - began, given.dir.absolute())
    if books.violations:
        kept = given.dir.absolute() / f"failed-{name}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(site.dir, kept, ignore=shutil.ignore_patterns("queue"))
        print(f"everything of this run is kept in {kept}", flush=True)
    return not books.violations


def _end(site: Site) -> list[str]:
    """Let it come to an end: no more calls, every row closed, and a clean stop within a second of the last hangup."""
    problems: list[str] = []

    def over() -> bool:
        site.cancel_all()
        return (
            not any((site.queue / "processing").glob("*-wave*"))
            and not any((site.queue / "incoming").glob("[a-z]*"))
            and site.ask("SELECT count(*) FROM contacts WHERE state != 'done'") == [(0,)]
            and not site.in_flight()
        )

    ended = site.until(over, END_PATIENCE, every=0.5)
    if not ended:
        problems.append(
            f"contacts or calls are still open {END_PATIENCE:.0f} s after everything was cancelled"
        )
    site.engine.signal(signal.SIGTERM)
    if (status := site.engine.ended()) != 0:
        problems.append(f"the engine ended with {status}: {site.engine.last_words()}")
    stopping = site.engine.log("engine.stopping")[-1]
    if stopping["live"]:
        problems.append(f"the engine's ledger held {stopping['live']} calls after the last one had ended")
    return problems


def _report(name: str, seen: list[Seen], books: Books, seconds: float, directory: Path) -> None:
    print(f"\nrun {name}: {len(seen)} faults in {seconds:.0f} s")
    kinds = Counter(one.kind for one in seen)
    print(f"{'fault':28} {'count':>5} {'in flight':>10} {'again, median':>14} {'95 %':>8} {'most':>8}")
    for kind, count in sorted(kinds.items()):
        again = sorted(one.again for one in seen if one.kind == kind and one.again is not None)
        flight = statistics.median(one.in_flight for one in seen if one.kind == kind)
        row = (
            [again[len(again) // 2], again[min(len(again) - 1, int(len(again) * 0.95))], again[-1]]
            if again
            else [0.0] * 3
        )
        print(f"{kind:28} {count:5} {flight:10.0f} {row[0]:12.2f} s {row[1]:6.2f} s {row[2]:6.2f} s")
    print(
        f"{books.invites} INVITEs to {books.numbers} numbers; attempts "
        + ", ".join(f"{word} {count}" for word, count in books.attempts.most_common())
    )
    print("contacts " + ", ".join(f"{word} {count}" for word, count in books.contacts.most_common()))
    print(
        f"{books.keys} keys pressed, {books.opt_outs} opt-outs listed, {books.excused} keys lost in the last moment of a killed Asterisk or"
        f" pressed to a dead one; closest INVITEs to one number {books.closest:.2f} s apart, busiest"
        f" second {books.busiest} INVITEs"
    )
    print("VIOLATED:\n  " + "\n  ".join(books.violations) if books.violations else "no violation", flush=True)
    written = {
        "run": name, "seconds": seconds, "seen": [asdict(one) for one in seen],
        "books": {**asdict(books), "attempts": dict(books.attempts), "contacts": dict(books.contacts)},
    }  # fmt: skip
    (directory / f"run-{name}.json").write_text(
        json.dumps(written, indent=1, default=str) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
