"""One run's site: PBX, callee, relay, and the engine with its state on a small disk of its own.

Knows how each is brought up and asked. Refuses to know when (`faults`) and what it should come to (`books`).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lab
from chaos.engine import Engine
from chaos.heard import CalleeLog
from chaos.link import Relay
from chaos.waves import Waves
from lab import process
from lab.places import BENCH_ADDRESS, PBX_ADDRESS

PORTS = lab.Ports(sip=25660, ami=25638, rtp=20000)
"""Apart from those of a person's lab, of the tests and of the benchmarks."""
RELAY_PORT = 25639
DISK = 320 << 20
"""Bytes of the engine's disk."""
LOW = 900
"""With fewer contacts waiting, the next job is dropped."""

SETTINGS = """
[engine]
state = "{disk}/state"
queue = "{dir}/queue"

[limits]
max_channels = {channels}
cps = {cps}
ring_timeout = 15
post_dial_delay = 5
max_call = 30

[log]
file = "{disk}/volley.log"

[pbx.lab]
host = "127.0.0.1"
port = {port}
secret_file = "{secret}"
sounds_dir = "{sounds}"
sounds_path = "{sounds}"

[trunk.bench]
pbx = "lab"
dial = "PJSIP/{{number}}@bench"
max_channels = {channels}
cps = {cps}

[[caller_id]]
number = "+33162000001"
owner = "Chaos"
proof = {proof}
"""


class Site:
    """Everything of one run, in one directory."""

    def __init__(
        self, directory: Path, dice: random.Random, cps: int, channels: int, say: Callable[[str], None]
    ) -> None:
        self.dir = directory
        self.dice = dice
        self.cps = cps
        self.channels = channels
        self.say = say
        self.laboratory = directory.parent / "lab"
        self.disk = directory / "disk"
        self.queue = directory / "queue"
        self.mounted = False
        self.waves = Waves(self.queue)
        self.engine = Engine(directory, self.disk / "volley.log")
        self.callee = CalleeLog(directory / "callee.log")
        self.relay = Relay(PBX_ADDRESS, RELAY_PORT, PORTS.ami, random.Random(dice.random()))

    # -- set-up and end ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Bring everything up; the engine is not started yet."""
        lab.down(self.laboratory)
        process.stop(self.dir / "callee.pid")
        if self.disk.is_mount():  # of a run that was killed
            self._unmount()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.disk.mkdir(parents=True)
        (self.queue / "incoming").mkdir(parents=True)
        self._mount()
        self.practice = lab.up(self.laboratory, PORTS, self.say)
        lab.console("pbx", "database deltree volley", self.laboratory)  # what an earlier run left
        self.relay.start()
        command = [sys.executable, "-m", "chaos.callee", "--address", BENCH_ADDRESS, "--port", str(PORTS.sip)]
        command += ["--log", str(self.callee.path), "--seed", str(self.dice.randrange(1 << 30))]
        process.start(command, self.dir / "callee.pid", self.dir / "callee.out")
        (self.dir / "volley.toml").write_text(
            SETTINGS.format(
                disk=self.disk, dir=self.dir, port=RELAY_PORT, secret=self.practice.secret_file, cps=self.cps,
                sounds=self.practice.sounds_dir, channels=self.channels, proof=datetime.now(UTC).date() - timedelta(days=30),
            ),
            encoding="utf-8",
        )  # fmt: skip

    def close(self) -> None:
        """End whatever still runs, in whatever state it is."""
        self.engine.end()
        self.relay.stop()
        process.stop(self.dir / "callee.pid")
        pid = lab.status(self.laboratory).pids["pbx"]
        if pid is not None:
            os.kill(pid, signal.SIGCONT)
        lab.down(self.laboratory)
        if self.mounted:
            kept = self.dir / "kept"
            shutil.copytree(self.disk, kept, ignore=shutil.ignore_patterns("filling", "*.sock"))
            self._unmount()
            self.mounted = False

    def _mount(self) -> None:
        if os.geteuid() == 0:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(self.disk)],
                check=False,
                capture_output=True,
            )
            self.mounted = done.returncode == 0
        if not self.mounted:
            self.say("a small disk cannot be mounted here (it takes root): no disk is filled in this run")

    def _unmount(self) -> None:
        subprocess.run(["umount", str(self.disk)], check=False)

    # -- the PBX -------------------------------------------------------------------------------------------------------

    def pbx_pid(self) -> int:
        pid = lab.status(self.laboratory).pids["pbx"]
        assert pid is not None, "the PBX does not run"
        return pid

    def start_pbx(self) -> None:
        """Start the PBX again; returns when it is fully booted."""
        lab.up(self.laboratory, PORTS)

    # -- the disk ------------------------------------------------------------------------------------------------------

    def fill_disk(self) -> None:
        """Leave not a byte."""
        with (self.disk / "filling").open("wb", buffering=0) as out:
            for size in (8 << 20, 64 << 10, 512):
                block = b"\0" * size
                try:
                    while out.write(block) == size:
                        pass
                except OSError:
                    continue

    def free_disk(self) -> None:
        (self.disk / "filling").unlink()

    # -- the database --------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        kept = self.dir / "kept" / "state" / "volley.db"
        return kept if kept.exists() else self.disk / "state" / "volley.db"

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the engine's database; none while there is none."""
        if not self.database.exists():
            return []
        try:
            with closing(
                sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
            ) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def in_flight(self) -> int:
        """Attempts that have no end."""
        found = self.ask("SELECT count(*) FROM attempts WHERE disposition IS NULL")
        return int(found[0][0]) if found else 0

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def feed(self) -> None:
        """Drop another job where few contacts wait and none is being taken in."""
        waiting = self.ask("SELECT count(*) FROM contacts WHERE state = 'pending' AND due_at < 1e12")
        if (waiting and waiting[0][0] >= LOW) or any((self.queue / "incoming").glob("[a-z]*")):
            return
        if (self.queue / "processing").is_dir() and any((self.queue / "processing").glob("*-wave*")):
            return
        if not self.waves.over():
            self.waves.drop(self.practice.samples)

    def cancel_all(self) -> None:
        """Ask for the end of every campaign that is open."""
        for (name,) in self.ask(
            "SELECT name FROM campaigns WHERE state IN ('running', 'paused', 'scheduled')"
        ):
            folder = self.queue / "control"
            draft = folder / f".cancel-{name}.tmp"
            draft.write_text(
                json.dumps({"action": "cancel", "campaign": name, "by": "chaos"}), encoding="utf-8"
            )
            draft.rename(folder / f"cancel-{name}.json")

    def until(self, holds: Callable[[], object], seconds: float, every: float = 0.02) -> bool:
        """Whether it came to hold in time."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(every)
        return True
