"""The engine as a process of its own beside the practice lab, and what both sides say of its calls."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import lab
from lab import Lab
from tests import log_lines

PATIENCE = 150.0
REPOSITORY = Path(__file__).resolve().parents[2]


def number(behaviour: int, instance: int) -> str:
    """A number that behaves so: French audio."""
    return f"+3319900{behaviour:02d}{instance:02d}"


class Engine:
    """`volley run` on a state and queue directory of its own."""

    def __init__(self, practice: Lab, folder: Path, **changes: str) -> None:
        self.folder = folder
        self.queue = folder / "queue"
        self.state = folder / "state"
        self.samples = practice.samples
        self.config = folder / "volley.toml"
        text = practice.settings.read_text(encoding="utf-8")
        for key, value in {
            "state": f'"{self.state}"',
            "queue": f'"{self.queue}"',
            "file": f'"{folder / "volley.log"}"',
            **changes,
        }.items():
            text, found = re.subn(
                rf"^{key} = .*$",
                lambda _, key=key, value=value: f"{key} = {value}",
                text,
                count=1,
                flags=re.MULTILINE,
            )  # type: ignore[misc]
            assert found, f"the lab's settings have no {key}"
        self.config.write_text(text, encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        errors = (self.folder / "engine.err").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "run", "--config", str(self.config)],
            cwd=REPOSITORY,
            stdout=errors,
            stderr=errors,
        )
        errors.close()
        self.wait(
            lambda: any(line["pid"] == self.pid for line in self.log("engine.started")),
            "the engine to start",
            20,
        )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def signal(self, number: signal.Signals, patience: float = 30.0) -> int:
        """Signal the engine and wait for its end; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(patience)

    def end(self) -> None:
        """Whatever happened: no engine stays behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        path = self.folder / "volley.log"
        if path.exists():
            log_lines.hold(path.read_bytes().splitlines())

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        path = self.folder / "volley.log"
        if not path.exists():
            return []
        lines = [
            json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")
        ]
        return [line for line in lines if event is None or line["event"] == event]

    def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Rows of the engine's database."""
        if not (self.state / "volley.db").exists():
            return []
        with closing(
            sqlite3.connect(f"file:{self.state / 'volley.db'}?mode=ro", uri=True, timeout=10)
        ) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, arguments)]

    def job(
        self,
        name: str,
        numbers: list[str],
        manifest: str,
        *,
        prompts: Sequence[str] = (),
        message: bool = True,
        beside: Path | None = None,
        **columns: list[str],
    ) -> Path:
        """A campaign folder with its prompts (`prompts` beside the usual ones), what lies in `beside`, and a CSV of contacts,
        dropped into the queue."""
        draft = self.folder / f"job-{name}"
        if beside is None:
            draft.mkdir()
        else:
            shutil.copytree(beside, draft)
        for prompt in ("appointment", "menu", "voicemail", *prompts):
            shutil.copy(self.samples / "fr" / f"{prompt}.wav", draft)
        with (draft / "people.csv").open("w", newline="", encoding="utf-8") as handle:
            rows = csv.writer(handle)
            rows.writerow(["phone_number", "external_id", *columns])
            rows.writerows(
                zip(numbers, [f"{name}-{at}" for at in range(len(numbers))], *columns.values(), strict=True)
            )
        text = MANIFEST.format(name=name) + (MESSAGE if message else "") + manifest
        (draft / "campaign.toml").write_text(text, encoding="utf-8")
        incoming = self.queue / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        (draft / ".complete").touch()
        draft.rename(incoming / name)
        return incoming / name

    def request(self, name: str, **request: object) -> dict[str, Any]:
        """Send a request through the control door and wait for its reply."""
        folder = self.queue / "control"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f".{name}").write_text(json.dumps(request), encoding="utf-8")
        os.rename(folder / f".{name}", folder / f"{name}.json")
        reply = folder / "done" / f"{name}.reply.json"
        self.wait(reply.exists, f"the reply to {name}", 5)
        found: dict[str, Any] = json.loads(reply.read_text(encoding="utf-8"))
        return found

    def wait(self, done: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while not done():
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(
                    f"the engine ended ({self.process.returncode}):\n"
                    + (self.folder / "engine.err").read_text()[-4000:]
                )
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"waited {patience:.0f} s for {what}; the last lines:\n"
                    + "\n".join(json.dumps(line) for line in self.log()[-15:])
                )
            time.sleep(0.1)

    def state_of(self, campaign: str) -> str:
        rows = self.rows("SELECT state FROM campaigns WHERE name = ?", campaign)
        return rows[0]["state"] if rows else ""

    def completed(self, campaign: str, patience: float = PATIENCE) -> None:
        self.wait(
            lambda: self.state_of(campaign) == "completed", f"campaign {campaign} to complete", patience
        )

    def contacts(self, campaign: str) -> dict[str, dict[str, Any]]:
        """Contacts by E.164 number."""
        rows = self.rows(
            "SELECT c.*, n.e164 FROM contacts c JOIN numbers n ON n.id = c.number_id JOIN campaigns k ON k.id = c.campaign_id"
            " WHERE k.name = ?",
            campaign,
        )
        return {row["e164"]: row for row in rows}

    def attempts(self, campaign: str) -> dict[str, list[dict[str, Any]]]:
        """Attempts by E.164 number, in the order of their dialing."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows(
            "SELECT a.*, n.e164 FROM attempts a JOIN numbers n ON n.id = a.number_id JOIN campaigns k ON k.id = a.campaign_id"
            " WHERE k.name = ? ORDER BY a.id",
            campaign,
        ):
            found.setdefault(row["e164"], []).append(row)
        return found


MANIFEST = """
id = "{name}"
owner = "Test <test@example.org>"
purpose = "informational"
caller_id = "+33162000001"
language = "fr"
window = [{{ from = "00:00", to = "00:00" }}]
ring_timeout = "15s"
contacts = {{ file = "people.csv", region = "FR" }}
"""
MESSAGE = 'message = { prompts = ["appointment.wav"] }\n'


def carrier_count() -> dict[str, int]:
    """The carrier's own count: calls that ended there, by number."""
    found: dict[str, int] = {}
    for call in lab.carrier_calls():
        found[call.number] = found.get(call.number, 0) + 1
    return found
