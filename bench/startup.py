"""`python -m bench.startup`: how long an engine takes until it is ready, with a large database and with calls in hand.

Ready is `ami.connected`: flows written, every open attempt settled. Three starts on one database of `bench.big`: after an
orderly end; after a kill in the middle of some hundred calls that live on in the PBX (so the database is checked for damage,
and every call is taken up again); and once more in order. The files are in the machine's cache.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import alone, big, job, progress, results
from lab import process
from lab.places import REPOSITORY

CAMPAIGNS = 200
RING, TALK = 0.5, 600.0


class Desk:
    """A folder with an engine in it, and the simulated PBX that it dials by."""

    def __init__(self, folder: Path, pbx: alone.Simulated) -> None:
        self.folder = folder
        self._log, self._pid_file, self._output = (
            folder / name for name in ("volley.log", "engine.pid", "engine.out")
        )
        at = job.Pbx("127.0.0.1", pbx.port, pbx.secret, folder / "sounds", str(folder / "sounds"))
        self._settings = job.settings(folder, at, 20_000, 500)

    def start(self) -> tuple[float, float]:
        """Start the engine; seconds from the start of its process until it is ready, and how many of them went by before its
        first word: those are Python's, which loads the program."""
        self._log.unlink(missing_ok=True)
        began, at = time.monotonic(), time.time()
        process.start(
            [sys.executable, "-m", "engine.cli", "run", "--config", str(self._settings)],
            self._pid_file,
            self._output,
        )
        progress.said(self._log, b'"ami.connected"', self._pid_file, self._output)
        ready = time.monotonic() - began
        first = json.loads(self._log.read_text(encoding="utf-8").partition("\n")[0])
        return ready, datetime.fromisoformat(first["time"]).timestamp() - at

    def dial(self, calls: int) -> None:
        """Have so many calls live."""
        job.campaign(
            self.folder, alone.numbers(calls), datetime.now(UTC) + timedelta(seconds=1), name="living"
        )
        progress.said(self._log, b'"campaign.accepted"', self._pid_file, self._output)
        deadline = time.monotonic() + progress.PATIENCE
        while self.live() < calls:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{calls} calls never lived at once")
            time.sleep(0.1)
        time.sleep(RING + 1.0)  # until all of them are answered

    def live(self) -> int:
        with closing(
            sqlite3.connect(f"file:{self.folder / 'state' / 'volley.db'}?mode=ro", uri=True)
        ) as books:
            found: int = books.execute("SELECT count(*) FROM attempts WHERE disposition IS NULL").fetchone()[
                0
            ]
            return found

    def kill(self) -> None:
        pid = process.running(self._pid_file)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while process.running(self._pid_file) is not None:
            time.sleep(0.02)

    def stop(self) -> None:
        process.stop(self._pid_file, patience=60.0)

    def taken_up(self) -> int:
        return self._log.read_bytes().count(b'"call.taken_up"')


def measure(folder: Path, calls: int) -> dict[str, float]:
    """The three starts on the database in folder/state."""
    (folder / "sounds").mkdir(exist_ok=True)
    with alone.simulated(folder, "hangs-up-mid-message", RING, TALK) as pbx:
        desk = Desk(folder, pbx)
        try:
            first, loading = desk.start()
            desk.dial(calls)
            desk.kill()
            killed, _ = desk.start()
            time.sleep(1.0)
            taken_up = desk.taken_up()
            desk.stop()
            again, _ = desk.start()
        finally:
            desk.stop()
    return {"loading": loading, "first": first, "killed": killed, "again": again, "taken_up": taken_up}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print. Exit code 1 when a call was not taken up."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.startup", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=1000, help="calls that live when the engine is killed")
    parser.add_argument(
        "--database", type=Path, help="one that `bench.size --keep` has left, moved from there"
    )
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    folder: Path = given.dir.absolute() / "startup"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "state").mkdir(parents=True)
    path = folder / "state" / "volley.db"
    if given.database is None:
        big.build(path, given.contacts, CAMPAIGNS, state="paused")
    else:
        given.database.rename(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as books:
            books.execute("UPDATE campaigns SET state = 'paused'")
            books.execute("DELETE FROM lists")  # their files stay where they were
            books.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.chmod(0o600)
    with closing(sqlite3.connect(path)) as books:
        (contacts,) = books.execute("SELECT max(id) FROM contacts").fetchone()
    size = path.stat().st_size
    try:
        found = measure(folder, given.calls)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{contacts} contacts, {size / 1e6:,.0f} MB: ready in {found['first']:.1f} s ({found['loading']:.1f} of"
        f" them to load the program); after a kill with {given.calls} calls in hand in"
        f" {found['killed']:.1f} s ({found['taken_up']:.0f} taken up); in {found['again']:.1f} s again"
    )
    results.keep(
        given.dir.absolute(), "startup", {"contacts": contacts, "bytes": size, "calls": given.calls, **found}
    )
    return 0 if found["taken_up"] == given.calls else 1


if __name__ == "__main__":
    sys.exit(main())
