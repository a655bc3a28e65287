"""What an engine needs for a benchmark: its settings, and a campaign in its queue directory.

Everything that the engine does for a call is on: the attempt durable before the Originate, the gate, the decision row,
the evidence in AstDB, the log line. Only the limits are out of the way, so that something else is what limits.
"""

from __future__ import annotations

import csv
import math
import shutil
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import originate

LIMIT = 10_000
"""Calls a second: what volley.toml allows at most."""
CAMPAIGN = "bench"

SETTINGS = """
[engine]
state = "{engine}/state"
queue = "{engine}/queue"

[limits]
max_channels = {channels}
cps = {cps}
ring_timeout = 18
max_call = 60

[log]
file = "{engine}/volley.log"

[pbx.bench]
host = "{pbx.host}"
port = {pbx.port}
secret_file = "{pbx.secret_file}"
sounds_dir = "{pbx.sounds_dir}"
sounds_path = "{pbx.sounds_path}"

[trunk.{trunk}]
pbx = "bench"
dial = "PJSIP/{{number}}@{trunk}"
max_channels = {channels}
cps = {cps}

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


@dataclass(frozen=True, slots=True)
class Pbx:
    """Where a PBX is, and where it has its sounds."""

    host: str
    port: int
    secret_file: Path
    sounds_dir: Path
    sounds_path: str


def settings(engine: Path, pbx: Pbx, channels: int, cps: float = LIMIT, more: str = "") -> Path:
    """volley.toml of an engine in directory `engine`; `more` is added to it."""
    (engine / "state").mkdir(parents=True, exist_ok=True)
    path = engine / "volley.toml"
    text = SETTINGS.format(
        engine=engine,
        channels=channels,
        cps=cps,
        pbx=pbx,
        trunk=originate.TRUNK,
        caller_id=originate.CALLER_ID,
        today=datetime.now(UTC).date(),
    )
    path.write_text(text + more, encoding="utf-8")
    return path


def campaign(
    engine: Path,
    numbers: Iterable[str],
    start: datetime,
    *,
    name: str = CAMPAIGN,
    sound: Path | None = None,
) -> None:
    """Hand in a campaign that begins at `start` and plays `sound`, or a tone."""
    job = engine / "queue" / "incoming" / f".{name}"
    job.mkdir(parents=True)
    if sound is None:
        tone(job / "message.wav")
    else:
        shutil.copyfile(sound, job / "message.wav")
    with (job / "contacts.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["phone_number"])
        rows.writerows([number] for number in numbers)
    text = MANIFEST.format(
        campaign=name,
        caller_id=originate.CALLER_ID,
        start=start.isoformat(timespec="seconds"),
    )
    (job / "campaign.toml").write_text(text, encoding="utf-8")
    (job / ".complete").touch()
    job.rename(job.with_name(name))


def tone(path: Path, seconds: float = 2.0, rate: int = 8000) -> None:
    """A sound to play."""
    samples = (
        int(8000 * math.sin(2 * math.pi * 440 * at / rate)).to_bytes(2, "little", signed=True)
        for at in range(int(seconds * rate))
    )
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(samples))
