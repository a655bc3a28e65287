"""`python -m bench.size`: what a claim and an end cost with ten thousand contacts in the database, and with ten million.

Many campaigns, of which one in ten contacts was called before and one in ten is suppressed; beside them a suppression list
of its own file. For each size the same work in turn: calls are claimed for campaigns in turn, fifty at a time, and ended,
two commits each, as the writer does it. The first calls of a round are not counted.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sqlite3
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench import big, results
from bench.gate import AT_ONCE, NOON, RULES, shelf
from engine.channel import Report
from engine.store.claimed import Claim, Claimant
from engine.store.claims import claim
from engine.store.database import CONNECTION_PRAGMAS
from engine.store.endings import finish_all
from engine.store.listing import Lists
from engine.store.outcomes import Outcome
from engine.store.ways import Slot
from lab.places import REPOSITORY

SIZES = (10_000, 1_000_000)
CAMPAIGNS = 200
LISTED = 10_000_000
WARM = 500
RULES_HERE = replace(RULES, lists=("own",))


class Books:
    """One size: an engine's database, and where it is in it."""

    def __init__(self, folder: Path, contacts: int, listed: int) -> None:
        self.contacts = contacts
        began = time.perf_counter()
        big.build(folder / "volley.db", contacts, CAMPAIGNS)
        self.made = time.perf_counter() - began
        self.bytes = (folder / "volley.db").stat().st_size
        self._connection = sqlite3.connect(folder / "volley.db", isolation_level=None, cached_statements=512)
        for pragma in CONNECTION_PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        self._lists: Lists = shelf(folder, self._connection, listed)
        self._last = 1 << 60
        self._turn = 0
        self._now = NOON

    def close(self) -> None:
        self._connection.close()

    def dial(self, calls: int) -> tuple[float, float]:
        """Claim and end so many calls; µs of processor time and of time a call."""
        made = 0
        cpu, wall = time.process_time(), time.perf_counter()
        while made < calls:
            found = self._claim()
            self._end(found)
            made += len(found)
        return 1e6 * (time.process_time() - cpu) / made, 1e6 * (time.perf_counter() - wall) / made

    def _claim(self) -> tuple[Claim, ...]:
        """As the dispatcher has it: several campaigns, and free channels for some of their calls."""
        slots = [Slot(1, 1, "bench", lambda e164: e164)] * AT_ONCE
        claimants = []
        for _ in range(10):
            self._turn = self._turn % CAMPAIGNS + 1
            claimants.append(Claimant(self._turn, RULES_HERE, "flow", frozenset({"bench"}), AT_ONCE // 10))
        self._connection.execute("BEGIN IMMEDIATE")
        found = claim(self._connection, claimants, slots, self._last, self._now, self._lists)
        self._connection.execute("COMMIT")
        if not found.claims:
            raise SystemExit(f"nobody is left to call: {found.refusals[:1]}")
        self._last = found.claims[-1].attempt
        return found.claims

    def _end(self, claims: tuple[Claim, ...]) -> None:
        now = self._now
        outcomes = [
            Outcome(
                attempt=one.attempt, contact_id=one.contact_id, campaign_id=one.campaign_id, number_id=one.number_id,
                ended_at=now + 3, sent_at=now, dialed_at=now, answered_at=now + 1, rang=True, disposition="ANSWERED_UNSURE",
                counted=True, cause=16, reports=(Report(one.attempt, 1, "play", "message", now + 1.25),), result="hung_up",
            )
            for one in claims
        ]  # fmt: skip
        self._connection.execute("BEGIN IMMEDIATE")
        finish_all(self._connection, outcomes)
        self._connection.execute("COMMIT")


def main(arguments: list[str] | None = None) -> int:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.size", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="contacts; ten million need 4 GB and some minutes"
    )
    parser.add_argument("--listed", type=int, default=LISTED, help="numbers on the suppression list")
    parser.add_argument("--calls", type=int, default=1500, help="calls a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="keep the databases")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder: Path = given.dir.absolute() / "size"
    shutil.rmtree(folder, ignore_errors=True)
    every: list[Books] = []
    figures: dict[int, list[tuple[float, float]]] = {}
    try:
        for size in map(int, given.sizes.split(",")):
            (folder / str(size)).mkdir(parents=True)
            every.append(Books(folder / str(size), size, given.listed))
            figures[size] = []
            print(
                f"{size} contacts: {every[-1].bytes / 1e6:,.0f} MB, made in {every[-1].made:.0f} s",
                flush=True,
            )
            every[-1].dial(WARM)
        for _ in range(given.rounds):
            for books in every:
                figures[books.contacts].append(books.dial(given.calls))
    finally:
        for books in every:
            books.close()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    found = []
    for books in every:
        cpu = statistics.median(one[0] for one in figures[books.contacts])
        wall = statistics.median(one[1] for one in figures[books.contacts])
        # The ratio within a round, since the machine's pace is not the same in all.
        ratio = statistics.median(
            own[0] / first[0]
            for own, first in zip(figures[books.contacts], figures[every[0].contacts], strict=True)
        )
        found.append(
            {"contacts": books.contacts, "bytes": books.bytes, "cpu": cpu, "wall": wall, "ratio": ratio}
        )
        print(
            f"{books.contacts} contacts: {cpu:.0f} µs of processor a call, {wall:.0f} µs, {ratio:.2f} of {every[0].contacts}"
        )
    results.keep(given.dir.absolute(), "size", {"listed": given.listed, "sizes": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
