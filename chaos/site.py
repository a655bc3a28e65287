"""One run's site: PBX, callee, relay, and the engine as a process, with its state on a small disk of its own.

Knows how each is started, killed, frozen and asked. Refuses to know when (`faults`) and what it should come to (`books`).
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
import wave
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lab
from chaos import plan
from chaos.link import Relay
from lab import process
from lab.places import BENCH_ADDRESS, PBX_ADDRESS, REPOSITORY

PORTS = lab.Ports(sip=25660, ami=25638, rtp=20000)
"""Apart from those of a person's lab, of the tests and of the benchmarks."""
RELAY_PORT = 25639
CLOCK = REPOSITORY / "chaos" / "clock"
"""What sets the clock of a Python program that has it on its PYTHONPATH."""
DISK = 320 << 20
"""Bytes of the engine's disk."""
WAVE = 2500
"""Contacts of one job."""
LOW = 900
"""With fewer contacts waiting, the next job is dropped."""
CAMPAIGN = "wave"

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

GAP = 4.0
"""Seconds of the campaigns' min_gap, and of every retry's delay."""
BUDGET = 3
MESSAGE = 3.0
"""Seconds of the message."""
MANIFEST = """
id = "{name}"
owner = "Chaos, chaos@example.org"
purpose = "informational"
caller_id = "+33162000001"
window = [{{ from = "00:00", to = "00:00" }}]
max_callbacks = 1
[amd]
enabled = false
[message]
prompts = ["message.wav"]
[menu]
repeats = 0
timeout = "2s"
[menu.keys]
1 = "confirm"
2 = {{ action = "call_back", after = "6s" }}
[retry]
max_attempts = 3
min_gap = "4s"
unknown = "after_gap"
BUSY = {{ delay = "4s", attempts = 1 }}
NO_ANSWER = {{ delay = "4s", attempts = 0 }}
FAILED = {{ delay = "4s", attempts = 1 }}
CONGESTION = {{ delay = "4s", attempts = 4 }}
[contacts]
file = "people.csv"
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """A line of the callee's log."""

    at: float
    """POSIX seconds."""
    what: str
    number: str
    call_id: str
    rest: str


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
        self.clock = 0.0
        """Seconds by which the engine's wall clock is off; set by `set_clock`."""
        self.waves = 0
        self.instances = 0
        """Numbers handed out so far."""
        self.engine: subprocess.Popen[bytes] | None = None
        self.heard: list[Heard] = []
        self._offset = 0
        self._marked = 0
        self._torn = b""
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
        command += ["--log", str(self.callee_log), "--seed", str(self.dice.randrange(1 << 30))]
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
        if self.engine is not None and self.engine.poll() is None:
            self.engine.send_signal(signal.SIGCONT)
            self.engine.kill()
            self.engine.wait()
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

    # -- the callee ----------------------------------------------------------------------------------------------------

    @property
    def callee_log(self) -> Path:
        return self.dir / "callee.log"

    def listen(self) -> list[Heard]:
        """What the callee wrote since the last time."""
        if not self.callee_log.exists():
            return []
        with self.callee_log.open("rb") as handle:
            handle.seek(self._offset)
            data = handle.read()
        self._offset += len(data)
        *lines, self._torn = (self._torn + data).split(b"\n")
        fresh = []
        for line in lines:
            at, what, number, call_id, *rest = line.decode().split(" ")
            fresh.append(Heard(float(at) / 1000, what, number, call_id, " ".join(rest)))
        self.heard += fresh
        return fresh

    def heard_after(self, moment: float) -> list[Heard]:
        """What the callee wrote after that moment, oldest first."""
        self.listen()
        found: list[Heard] = []
        for one in reversed(self.heard):
            if one.at <= moment - 1.0:
                break
            if one.at > moment:
                found.append(one)
        return found[::-1]

    def logins(self) -> list[float]:
        """When the engine was ready to dial since the last `mark`, POSIX seconds: its `ami.connected`, by its own clock less
        what that is off."""
        return [
            datetime.fromisoformat(line["time"]).timestamp() - self.clock
            for line in self.log_tail("ami.connected")
        ]

    # -- the engine ----------------------------------------------------------------------------------------------------

    def start_engine(self) -> None:
        """Start `volley run`; returns at once."""
        environment = dict(os.environ)
        if (self.dir / "clock").exists():
            environment |= {"PYTHONPATH": str(CLOCK), "VOLLEY_CHAOS_CLOCK": str(self.dir / "clock")}
        with (self.dir / "engine.err").open("ab") as errors:
            self.engine = subprocess.Popen(
                [sys.executable, "-m", "engine.cli", "run", "--config", str(self.dir / "volley.toml")],
                cwd=REPOSITORY,
                stdout=errors,
                stderr=errors,
                env=environment,
            )
        # Who ends this harness by force finds the engine by this file.
        started = process.started_at(self.engine.pid)
        (self.dir / "engine.pid").write_text(f"{self.engine.pid} {started}\n", encoding="ascii")

    def set_clock(self, offset: float) -> None:
        """Set the engine's wall clock, and nobody else's, to `offset` seconds off; its monotonic clock runs on."""
        self.clock = offset
        draft = self.dir / "clock.tmp"
        draft.write_text(repr(offset), encoding="ascii")
        draft.rename(self.dir / "clock")

    def signal_engine(self, number: signal.Signals) -> None:
        assert self.engine is not None
        self.engine.send_signal(number)

    def engine_ended(self, patience: float = 30.0) -> int:
        """Its exit status, once it has ended."""
        assert self.engine is not None
        return self.engine.wait(patience)

    def engine_lives(self) -> bool:
        return self.engine is not None and self.engine.poll() is None

    def mark(self) -> None:
        """A fault is about to strike: `logins` looks at what the engine logs from here on."""
        path = self.disk / "volley.log"
        self._marked = path.stat().st_size if path.exists() else 0

    def log_tail(self, name: str) -> list[dict[str, Any]]:
        """Lines of this event since the last `mark`."""
        path = self.disk / "volley.log"
        if not path.exists():
            return []
        with path.open("rb") as handle:
            handle.seek(self._marked)
            lines = handle.read().split(b"\n")
        found = []
        for line in lines:
            if b'"event":"%s"' % name.encode() in line:
                with suppress(ValueError):  # cut off by a full disk
                    found.append(json.loads(line))
        return found

    def log(self, *names: str) -> list[dict[str, Any]]:
        """The engine's log lines of these events."""
        path = self.disk / "volley.log"
        if not path.exists():
            return []
        found = []
        with path.open("rb") as lines:
            for line in lines:
                if any(b'"event":"%s"' % name.encode() in line for name in names):
                    try:
                        found.append(json.loads(line))
                    except ValueError:  # cut off by a full disk
                        continue
        return found

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
        if self.instances + WAVE > plan.MOST:
            return
        self.waves += 1
        name = f"{CAMPAIGN}{self.waves}"
        draft = self.queue / "incoming" / f".{name}"
        draft.mkdir()
        _cut(self.practice.samples / "en" / "menu.wav", draft / "message.wav", MESSAGE)
        people = "".join(f"{plan.number(self.instances + at)}\n" for at in range(WAVE))
        self.instances += WAVE
        (draft / "people.csv").write_text("phone_number\n" + people, encoding="utf-8")
        (draft / "campaign.toml").write_text(MANIFEST.format(name=name), encoding="utf-8")
        (draft / ".complete").touch()
        draft.rename(draft.with_name(name))

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


def _cut(source: Path, target: Path, seconds: float) -> None:
    """The first seconds of a WAV file."""
    with wave.open(str(source), "rb") as long, wave.open(str(target), "wb") as short:
        short.setparams(long.getparams())
        short.writeframes(long.readframes(int(long.getframerate() * seconds)))
