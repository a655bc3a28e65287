"""A leg by Volley: the engine as its users run it, with a campaign dropped into its queue directory.

Everything that the engine does for a call is on: the attempt durable before the Originate, the gate, the
decision row, the evidence in AstDB, the log line. Only the limits are out of the way, so that Asterisk is
what limits. Knows volley.toml, a job and the engine's log and database.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lab
from bench import originate, pbx, processor
from bench.callee import callee
from bench.leg import Leg
from bench.meter import Meter
from lab import process

LIMIT = 10_000
"""Calls a second: what volley.toml allows at most."""
SETTLING = timedelta(seconds=5)
"""Between the job and the campaign's start: time to take it in, so that a call's cost is measured without the
intake's."""
PATIENCE = 600.0
CAMPAIGN = "bench"
COMPLETED = b'"campaign.completed"'

SETTINGS = """
[engine]
state = "{engine}/state"
queue = "{engine}/queue"

[limits]
max_channels = {channels}
cps = {limit}
ring_timeout = 18
max_call = 60

[log]
file = "{engine}/volley.log"

[pbx.bench]
host = "{host}"
port = {port}
secret_file = "{secret}"
sounds_dir = "{sounds_dir}"
sounds_path = "{sounds_path}"

[trunk.{trunk}]
pbx = "bench"
dial = "PJSIP/{{number}}@{trunk}"
max_channels = {channels}
cps = {limit}

[[caller_id]]
number = "{caller_id}"
owner = "Benchmark"
proof = {today}
"""

MANIFEST = """
id = "{campaign}"
owner = "Benchmark, bench@example.com"
purpose = "informational"
caller_id = "{caller_id}"
start = {start}
window = [{{ days = ["mon-sun"], from = "00:00", to = "00:00", timezone = "callee" }}]

[retry]
max_attempts = 1

[amd]
enabled = false

[message]
prompts = ["message.wav"]

[contacts]
file = "contacts.csv"
"""


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
        start = datetime.now(UTC) + settling
        toml = _prepare(engine, state, numbers, channels, start, settings)
        pid_file, output = directory / "engine.pid", engine / "out"
        process.stop(pid_file)
        pid = process.start(
            [str(Path(sys.executable).with_name("volley")), "run", "--config", str(toml)],
            pid_file,
            output,
        )
        try:
            _wait(start, pid_file, output)
            meter, before = Meter(state, far), processor.used(pid)
            _wait_until_completed(engine / "volley.log", pid_file, output)
            used = processor.used(pid) - before
            seconds, calls, found = _books(engine / "state" / "volley.db")
            found += _leaks(engine / "volley.log", pid_file)
            return meter.leg(caller, pair, numbers, calls, seconds, used, found)
        finally:
            process.stop(pid_file, patience=20.0)


def _prepare(
    engine: Path, state: lab.Lab, numbers: list[str], channels: int, start: datetime, more: str
) -> Path:
    job = engine / "queue" / "incoming" / CAMPAIGN
    for folder in (engine / "state", job):
        folder.mkdir(parents=True)
    settings = engine / "volley.toml"
    settings.write_text(
        SETTINGS.format(
            engine=engine,
            channels=channels,
            limit=LIMIT,
            host=state.pbx_address,
            port=state.ports.ami,
            secret=state.secret_file,
            sounds_dir=state.sounds_dir,
            sounds_path=state.sounds_path,
            trunk=originate.TRUNK,
            caller_id=originate.CALLER_ID,
            today=datetime.now(UTC).date(),
        )
        + more,
        encoding="utf-8",
    )
    shutil.copyfile(state.sounds_dir / "en" / "goodbye.wav", job / "message.wav")
    with (job / "contacts.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["phone_number"])
        rows.writerows([number] for number in numbers)
    manifest = MANIFEST.format(
        campaign=CAMPAIGN, caller_id=originate.CALLER_ID, start=start.isoformat(timespec="seconds")
    )
    (job / "campaign.toml").write_text(manifest, encoding="utf-8")
    return settings


def _wait(start: datetime, pid_file: Path, output: Path) -> None:
    while datetime.now(UTC) < start - timedelta(seconds=0.3):
        _must_run(pid_file, output)
        time.sleep(0.05)


def _wait_until_completed(log: Path, pid_file: Path, output: Path) -> None:
    deadline, read = time.monotonic() + PATIENCE, b""
    with log.open("rb") as lines:
        while COMPLETED not in read:
            _must_run(pid_file, output)
            if time.monotonic() > deadline:
                raise RuntimeError(f"the campaign is not over after {PATIENCE:.0f} s; see {log}")
            time.sleep(0.1)
            read = read[-len(COMPLETED) :] + lines.read()


def _must_run(pid_file: Path, output: Path) -> None:
    if process.running(pid_file) is None:
        said = output.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"the engine ended:\n{said[-2000:]}")


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
