"""What the report of a large campaign costs: time, processor time, memory.

    python -m bench.report [--contacts 1000000] [--page FILE] [--state DIR]

Makes up a campaign of a week (in a database of the engine's schema: American and French people, three trunks, a survey, every disposition),
then runs `volley report` on it as a person would, and measures that process. The same numbers each time: the dice are thrown from one seed.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.store.database import migrate

BEGIN = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
"""A Monday."""
DAY, HOUR = 86400.0, 3600.0
PLACES = (
    ("US", "America/New_York", 5), ("US", "America/Chicago", 6), ("US", "America/Los_Angeles", 8), ("FR", "Europe/Paris", -1),
    ("US", "America/New_York,America/Chicago", 5),
)  # fmt: skip
"""Country, zones, hours from local time to UTC in November."""
OFTEN = {9: 3, 10: 6, 11: 7, 12: 4, 13: 3, 14: 5, 15: 6, 16: 7, 17: 9, 18: 8, 19: 5}
"""Local hours in which is called, and how much."""
ENDINGS = {
    "NO_ANSWER": 22,
    "BUSY": 8,
    "REJECTED": 3,
    "CONGESTION": 4,
    "INVALID_NUMBER": 3,
    "FAILED": 2,
    "UNKNOWN": 0.1,
    "NOT_SENT": 0.2,
}
CODES = {
    "NO_ANSWER": (0, 19),
    "BUSY": (486, 17),
    "REJECTED": (603, 21),
    "CONGESTION": (503, 34),
    "INVALID_NUMBER": (404, 1),
}
FINAL = ("ANSWERED_HUMAN", "ANSWERED_MACHINE", "ANSWERED_UNSURE", "INVALID_NUMBER", "REJECTED", "UNKNOWN")
MACHINE = ("MACHINE/LONGGREETING-2500-2500", "MACHINE/MAXWORDS-4-4", "MACHINE/INITIALSILENCE-2500-2500")
UNSURE = ("NOTSURE/TOOLONG-5000", "NOTSURE/INITIALSILENCE-2500-2500", "")
ATTEMPTS = 3
FLUSH = 50_000
"""Contacts a time that are written."""
NODES = {
    "satisfied": {"kind": "question", "answers": {"1": "yes", "2": "no"}, "then": "rating"},
    "rating": {"kind": "question", "answers": {str(key): str(key) for key in range(1, 6)}, "then": "account"},
    "account": {"kind": "digits", "then": "end"},
}
MANIFEST = {"purpose": "marketing", "topics": [], "nodes": NODES}
COLUMNS = {
    "numbers": "id e164 region zones",
    "contacts": "id campaign_id job_id row state due_at number_id disposition goal",
    "attempts": "id contact_id campaign_id number_id position kind pbx_id trunk_id caller_id dialed flow_version rules created_at sent_at"
    " rang_at answered_at ended_at disposition sip cause amd result wait abandoned heard",
    "call_events": "attempt_id seq kind value at",
    "callbacks": "contact_id attempt_id asked_at due_at state",
}


class Campaign:
    """Throws the dice, and writes what they say."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.dice = random.Random(20261123)
        self.rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.days: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self.last = 0

    def fill(self, contacts: int) -> None:
        self.connection.execute("BEGIN")
        self.connection.execute("INSERT INTO pbxs (id, name) VALUES (1, 'main')")
        self.connection.executemany(
            "INSERT INTO trunks (id, name, pbx_id) VALUES (?, ?, 1)",
            [(1, "north"), (2, "south"), (3, "spare")],
        )
        self.connection.execute(
            "INSERT INTO campaigns (id, name, title, owner, purpose, priority, state, manifest, flow_version, created_at, start_at,"
            " closed_at) VALUES (1, 'survey-w48', 'Customer survey, week 48', 'bench', 'marketing', 50, 'completed', ?, 'f', ?, ?, ?)",
            (json.dumps(MANIFEST), BEGIN, BEGIN, BEGIN + 7 * DAY),
        )
        for contact in range(1, contacts + 1):
            self._contact(contact)
            if contact % FLUSH == 0:
                self._flush()
        self._flush()
        self.connection.executemany(
            "INSERT INTO abandonment (campaign_id, day, live, abandoned) VALUES (1, ?, ?, ?)",
            [(day, *counts) for day, counts in self.days.items()],
        )
        self.connection.execute("COMMIT")

    def _flush(self) -> None:
        for table, rows in self.rows.items():
            names = COLUMNS[table].split()
            marks = ", ".join("?" * len(names))
            self.connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608 -- our own words
            rows.clear()

    def _contact(self, contact: int) -> None:
        dice = self.dice
        region, zones, offset = dice.choices(PLACES, (40, 20, 18, 18, 4))[0]
        self.rows["numbers"].append(
            (contact, f"+{'1' if region == 'US' else '33'}{3_000_000_000 + contact}", region, zones)
        )
        goal, word = "", ""
        for position in range(ATTEMPTS):
            hour = dice.choices(tuple(OFTEN), tuple(OFTEN.values()))[0]
            at = (
                BEGIN
                + dice.choices(range(6), (5, 6, 6, 5, 4, 2))[0] * DAY
                + (hour + offset + dice.random()) * HOUR
            )
            word, result = self._attempt(contact, position, at, hour)
            goal = result or goal
            if word in FINAL or dice.random() < 0.4:
                break
        self.rows["contacts"].append(
            (
                contact,
                1,
                "job",
                contact + 1,
                "done",
                0.0,
                contact,
                "FAILED" if word == "NOT_SENT" else word,
                goal,
            )
        )

    def _attempt(self, contact: int, position: int, at: float, hour: int) -> tuple[str, str]:
        dice = self.dice
        self.last += 1
        attempt, trunk = self.last, dice.choices((1, 2, 3), (5, 3, 1))[0]
        likely = 0.32 + 0.12 * (hour >= 17) - 0.05 * (hour <= 10) - 0.1 * (trunk == 3)
        rang = at + dice.lognormvariate(1.0 if trunk == 3 else 0.5, 0.4)
        answered = wait = heard = rang_at = None
        sip = cause = abandoned = 0
        amd = result = ""
        chance = dice.random()
        if chance < likely + 0.2:
            rang_at, answered, cause = rang, rang + dice.uniform(2, 15), 16
            word = (
                "ANSWERED_HUMAN"
                if chance < likely
                else "ANSWERED_MACHINE"
                if chance < likely + 0.17
                else "ANSWERED_UNSURE"
            )
            amd = (
                "HUMAN/HUMAN-800-800"
                if word == "ANSWERED_HUMAN"
                else dice.choice(MACHINE if word == "ANSWERED_MACHINE" else UNSURE)
            )
            ended = answered + dice.expovariate(1 / 22)
            result = self._conversation(contact, attempt, answered, ended, word)
            if word != "ANSWERED_MACHINE":
                wait, heard = max(0.05, dice.gauss(0.8, 0.3)), min(1.0, dice.expovariate(1.0))
                abandoned = int(wait > 1.6)
                counts = self.days[int(ended // DAY)]
                counts[0] += 1
                counts[1] += abandoned
        else:
            word = dice.choices(tuple(ENDINGS), tuple(ENDINGS.values()))[0]
            sip, cause = CODES.get(word, (0, 19))
            rang_at, ended = (rang, rang + 25) if word in ("NO_ANSWER", "REJECTED") else (None, rang)
        sent = None if word == "NOT_SENT" else at
        self.rows["attempts"].append(
            (attempt, contact, 1, contact, 0, "retry" if position else "first", 1, trunk, "", "", "f", "r", at, sent, rang_at, answered,
             ended, word, sip, cause, amd, result, wait, abandoned, heard)
        )  # fmt: skip
        return word, result

    def _conversation(self, contact: int, attempt: int, answered: float, ended: float, word: str) -> str:
        """What is reported of an answered call; returns its result."""
        dice = self.dice
        if word == "ANSWERED_MACHINE":
            return dice.choice(("voicemail_left", "hung_up_on"))
        told: list[tuple[str, str]] = [("play", "message")]
        result = dice.choices(
            ("answered", "partial", "heard", "hung_up", "opted_out", "call_back"), (20, 12, 30, 28, 4, 6)
        )[0]
        if result in ("answered", "partial"):
            happy = dice.choices(("yes", "no"), (7, 3))[0]
            told += [
                ("key", "1@message"),
                ("key", "1@satisfied" if happy == "yes" else "2@satisfied"),
                ("answer", f"satisfied={happy}"),
            ]
        if result == "answered":
            rating = dice.choices("12345", (1, 1, 2, 4, 3))[0]
            told += [
                ("key", f"{rating}@rating"),
                ("answer", f"rating={rating}"),
                ("answer", f"account={dice.randrange(10**6, 10**7)}"),
            ]
        if result == "opted_out":
            told.append(("key", "9@message"))
        if result == "call_back":
            told.append(("key", "2@message"))
            self.rows["callbacks"].append(
                (contact, attempt, ended, ended + HOUR, dice.choices(("kept", "missed"), (30, 1))[0])
            )
        self.rows["call_events"] += [
            (attempt, seq, kind, value, answered + 3 * seq) for seq, (kind, value) in enumerate(told, 1)
        ]
        return result


def settings_for(state: Path) -> Path:
    """volley.toml of an engine with these books."""
    path = state.parent / "volley.toml"
    path.write_text(
        f'[engine]\nstate = "{state}"\nqueue = "{state.parent / "queue"}"\n'
        f'[pbx.main]\nsecret_env = "VOLLEY_BENCH_SECRET"\nsounds_dir = "{state.parent / "sounds"}"\n'
        '[trunk.north]\npbx = "main"\ndial = "PJSIP/{number}@north"\nmax_channels = 100\ncps = 50\n'
        '[[caller_id]]\nnumber = "+33162000001"\nowner = "bench"\nproof = 2026-01-01\n',
        encoding="utf-8",
    )
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.report", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--page", type=Path, help="keep the page in this file")
    parser.add_argument(
        "--state", type=Path, help="keep the database in this directory, which must not exist"
    )
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="volley-report-") as folder:
        state = (asked.state or Path(folder) / "state").resolve()
        state.mkdir(parents=True)
        began = time.monotonic()
        with closing(sqlite3.connect(state / "volley.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            migrate(connection)
            campaign = Campaign(connection)
            campaign.fill(asked.contacts)
        print(
            f"{asked.contacts:,} contacts, {campaign.last:,} attempts made up in {time.monotonic() - began:.0f} s"
        )
        page = (asked.page or Path(folder) / "report.html").resolve()
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "engine.cli", "report", "survey-w48", "-c", str(settings_for(state)), "-o", str(page)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"volley report: {time.monotonic() - began:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of processor time,"
            f" {used.ru_maxrss / 1024:.0f} MB at most; page of {page.stat().st_size / 1024:.0f} kB"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
