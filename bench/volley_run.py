"""A leg by Volley: the engine as its users run it, with a campaign dropped into its queue directory.

Everything that the engine does for a call is on: the attempt durable before the Originate, the gate, the
decision row, the evidence in AstDB, the log line. Only the limits are out of the way, so that Asterisk is
what limits. Knows volley.toml, a job and the engine's log and database.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import job, pbx, processor, progress
from bench.callee import callee
from bench.leg import Leg
from bench.meter import Meter
from lab import process

SETTLING = timedelta(seconds=5)
"""Between the job and the campaign's start: time to take it in, so that a call's cost is measured without the
intake's."""


def volley(
    pair: int,
    directory: Path,
    numbers: list[str],
    channels: int,
    *,
    caller: str = "volley",
    settings: str = "",
    settling: timedelta = SETTLING,
) -> Leg:
    """One leg by the engine; the callee hangs up. `settings` are added to volley.toml, and `caller` names the leg then.

    Raises RuntimeError when the engine ends or does not come to an end.
    """
    engine = directory / "engine"
    shutil.rmtree(engine, ignore_errors=True)
    with pbx.fresh_pbx(directory / "lab") as state, callee(directory, state.ports.sip, hold=0) as far:
        where = job.Pbx(
            state.pbx_address, state.ports.ami, state.secret_file, state.sounds_dir, str(state.sounds_path)
        )
        toml, log = job.settings(engine, where, channels, more=settings), engine / "volley.log"
        pid_file, output = directory / "engine.pid", engine / "out"
        process.stop(pid_file)
        pid = process.start(
            [str(Path(sys.executable).with_name("volley")), "run", "--config", str(toml)],
            pid_file,
            output,
        )
        try:
            progress.said(log, b'"ami.connected"', pid_file, output)
            start = datetime.now(UTC) + settling
            job.campaign(engine, numbers, start, sound=state.sounds_dir / "en" / "goodbye.wav")
            progress.until(start - timedelta(seconds=0.3), pid_file, output)
            meter, before = Meter(state, far), processor.used(pid)
            progress.said(log, b'"campaign.completed"', pid_file, output)
            used = processor.used(pid) - before
            seconds, calls, found = _books(engine / "state" / "volley.db")
            found += _leaks(log, pid_file)
            return meter.leg(caller, pair, numbers, calls, seconds, used, found)
        finally:
            process.stop(pid_file, patience=20.0)


def _leaks(log: Path, pid_file: Path) -> list[str]:
    """Stop the engine: within a second of the last hangup its ledger must be empty."""
    process.stop(pid_file, patience=20.0)
    for line in log.read_text(encoding="utf-8").splitlines():
        if '"engine.stopping"' in line:
            live = json.loads(line)["live"]
            return [f"{live} calls are left in the ledger after the last one ended"] if live else []
    return ["the engine did not say that it stops"]


def _books(database: Path) -> tuple[float, int, list[str]]:
    """Seconds from the first attempt to the last ending, attempts, and what is wrong with them."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as books:
        first, last, attempts = books.execute(
            "SELECT min(created_at), max(ended_at), count(*) FROM attempts"
        ).fetchone()
        other = books.execute(
            "SELECT coalesce(disposition, 'open'), count(*) FROM attempts WHERE disposition IS NULL OR disposition NOT LIKE 'ANSWERED%'"
            " GROUP BY disposition"
        ).fetchall()
    found = [f"{count} attempts ended as {disposition}" for disposition, count in other]
    return (last or 0.0) - (first or 0.0), attempts, found
