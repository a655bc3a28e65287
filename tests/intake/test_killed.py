"""The engine is killed at whatever step of taking in a large job: no contact is lost, none is doubled."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import engine
from tests.patience import PATIENCE
from tests.speech.sounds import prompt

ROOT = Path(engine.__file__).parents[1]
CONTACTS = 60_000
KILLS = 12

SETTINGS = """
[engine]
state = "{dir}/state"
queue = "{dir}/queue"
[log]
file = "{dir}/volley.log"
[pbx.none]
port = 9
secret_env = "VOLLEY_TEST_SECRET"
sounds_dir = "{dir}/sounds"
[trunk.none]
pbx = "none"
dial = "PJSIP/{{number}}@none"
[[caller_id]]
number = "+33162000001"
owner = "Anna"
proof = 2026-01-01
[law]
countries = ["FR"]
"""
MANIFEST = """
id = "large"
owner = "Anna <anna@example.org>"
purpose = "informational"
caller_id = "+33162000001"
region = "FR"
[message]
prompts = ["hello.wav"]
[contacts]
file = "people.csv"
"""


class Engine:
    """`volley run` with a PBX that is not there: it takes jobs in and dials nobody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "sounds").mkdir()
        (folder / "volley.toml").write_text(SETTINGS.format(dir=folder), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "engine.err").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine.cli", "run", "--config", str(self.folder / "volley.toml")],
                cwd=ROOT, stdout=errors, stderr=errors, env={"VOLLEY_TEST_SECRET": "x", "PATH": "/usr/bin:/bin"},
            )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        path = self.folder / "state" / "volley.db"
        if not path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
                return connection.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []  # the tables are being made

    def drop(self) -> None:
        draft = self.folder / "queue" / "incoming" / ".large"
        draft.mkdir(parents=True)
        prompt(draft / "hello.wav")
        people = "".join(f"06{at:08d},{at}\n" for at in range(12_000_000, 12_000_000 + CONTACTS))
        (draft / "people.csv").write_text("phone_number,external_id\n" + people, encoding="utf-8")
        (draft / "campaign.toml").write_text(MANIFEST, encoding="utf-8")
        (draft / ".complete").touch()
        draft.rename(draft.with_name("large"))


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Engine]:
    found = Engine(tmp_path)
    yield found
    if found.process is not None and found.process.poll() is None:
        found.kill()
    shutil.rmtree(tmp_path / "queue", ignore_errors=True)


def test_a_job_that_was_killed_over_again_and_again_is_taken_in_once_and_whole(killed: Engine) -> None:
    seed = random.randrange(1 << 30)
    dice = random.Random(seed)
    killed.drop()
    seen = set()
    for turn in range(KILLS):
        killed.start()
        deadline = time.monotonic() + PATIENCE
        if turn < 3:  # before or about the claim of the job, its inspection, its first batch
            time.sleep(dice.uniform(0.2, 1.0))
        else:
            target = int(CONTACTS * (turn - 3 + dice.random()) / (KILLS - 3))
            while (killed.rows("SELECT count(*) FROM contacts") or [(0,)])[0][0] < target:
                assert time.monotonic() < deadline, seed
                time.sleep(0.001)
        killed.kill()
        seen.add((killed.rows("SELECT count(*) FROM contacts") or [(0,)])[0][0])
    killed.start()
    deadline = time.monotonic() + PATIENCE
    while killed.rows("SELECT state FROM jobs") != [("accepted",)]:
        assert time.monotonic() < deadline, (seed, (killed.folder / "engine.err").read_text()[-2000:])
        time.sleep(0.05)
    while not (killed.folder / "queue" / "accepted" / "large").is_dir():
        assert time.monotonic() < deadline, seed
        time.sleep(0.05)
    assert killed.rows(
        "SELECT count(*), count(DISTINCT external_id), count(DISTINCT number_id), min(row), max(row) FROM contacts"
    ) == [(CONTACTS, CONTACTS, CONTACTS, 2, CONTACTS + 1)], seed
    assert killed.rows("SELECT state, open_contacts FROM campaigns") == [("running", CONTACTS)], seed
    assert killed.rows("SELECT accepted, rejected FROM jobs") == [(CONTACTS, 0)], seed
    assert killed.rows("PRAGMA integrity_check") == [("ok",)]
    assert len(seen) > 2, f"seed {seed}: the kills did not fall into the taking in: {seen}"
