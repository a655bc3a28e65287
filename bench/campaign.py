"""`python -m bench.campaign`: a large mixed campaign through the real PBX, every contact held against the carrier's
own count.

The contacts come in an XLSX, as a user would hand them in, and behave as `lab/behaviours.toml` says. At the end
each must have the one disposition that its number's behaviour leads to, and the carrier must have seen each number
exactly as often as the engine has attempts. Prints the counts, the rate, the most calls that lived at once, and the
processor time of engine and Asterisk. Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import openpyxl
from rich.console import Console

import lab
from bench import drive, processor
from bench.pbx import PORTS, processor_time
from lab import process
from lab.behaviours import Behaviour
from lab.places import REPOSITORY

MIX = {
    "10": 20,
    "11": 8,
    "13": 4,
    "15": 6,
    "20": 4,
    "22": 8,
    "24": 3,
    "26": 2,
    "30": 6,
    "34": 6,
    "36": 2,
    "40": 8,
    "41": 12,
    "42": 4,
    "43": 6,
    "44": 2,
    "45": 3,
    "49": 2,
    "60": 4,
    "63": 3,
}
"""Behaviour -> its share, in parts."""
AREAS = 352
"""Area codes of the lab's American numbers."""
NAME = "large"
MAX_ATTEMPTS = 3
EXTRA = {"BUSY": 1, "NO_ANSWER": 1, "CONGESTION": 3}
"""Retries that the manifest gives a disposition; the others are final."""

MANIFEST = """
id = "{name}"
owner = "Benchmark, bench@example.com"
purpose = "informational"
caller_id = "+33162000001"
ring_timeout = "30s"
window = [{{ from = "00:00", to = "00:00" }}]
amd = {{ machine = "voicemail" }}
message = {{ prompts = ["appointment.wav"] }}
voicemail = {{ prompts = ["voicemail.wav"] }}
[menu]
repeats = 0
timeout = "3s"
[menu.keys]
1 = "confirm"
2 = {{ action = "call_back", after = "10s" }}
[retry]
max_attempts = {max_attempts}
min_gap = "10s"
BUSY = {{ delay = "10s", attempts = 1 }}
NO_ANSWER = {{ delay = "10s", attempts = 1 }}
CONGESTION = {{ delay = "10s", attempts = 3 }}
FAILED = {{ delay = "10s", attempts = 0 }}
[contacts]
file = "people.xlsx"
region = "US"
"""


def numbers(count: int) -> list[tuple[str, str]]:
    """(national number, behaviour) of `count` contacts, mixed; 555-01XX of every American area code."""
    if count > AREAS * len(MIX):
        raise SystemExit(f"there are numbers for {AREAS * len(MIX)} contacts at most")
    parts = [code for code, share in MIX.items() for _ in range(share)]
    used: Counter[str] = Counter()
    found: list[tuple[str, str]] = []
    for code in itertools.cycle(parts):
        if len(found) == count:
            return found
        if used[code] < AREAS:  # a behaviour without numbers left gives its share to the others
            number = lab.number(code, used[code], "en")
            found.append((f"({number[2:5]}) {number[5:8]}-{number[8:]}", code))
            used[code] += 1
    raise AssertionError


def expected(behaviour: Behaviour) -> tuple[str, int]:
    """The final disposition, and how many calls it takes to get there."""
    seen: Counter[str] = Counter()
    for call in itertools.count(1):
        word = behaviour.disposition_of(call)
        seen[word] += 1
        if "2" in behaviour.keys and call in behaviour.key_calls:
            continue  # asked to be called back
        counted = sum(number for one, number in seen.items() if one != "CONGESTION")
        if seen[word] > EXTRA.get(word, 0) or counted >= MAX_ATTEMPTS:
            return word, call
    raise AssertionError


def main(arguments: list[str] | None = None) -> int:
    """Run the campaign and hold the books against each other."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.campaign", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--contacts", type=int, default=5000)
    parser.add_argument("--channels", type=int, default=500)
    parser.add_argument("--cps", type=int, default=25)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    console = Console(highlight=False)
    people = numbers(given.contacts)
    folder: Path = given.dir.absolute() / "campaign"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    laboratory = given.dir.absolute() / "lab"
    lab.down(laboratory)
    practice = lab.up(laboratory, PORTS, console.print)
    try:
        lab.reset(laboratory)
        return _run(console, practice, laboratory, folder, people, given)
    finally:
        process.stop(folder / "engine.pid", patience=30.0)
        lab.down(laboratory)


def _run(
    console: Console,
    practice: lab.Lab,
    laboratory: Path,
    folder: Path,
    people: list[tuple[str, str]],
    given: argparse.Namespace,
) -> int:
    settings = drive.settings(practice, folder, given.channels, given.cps)
    _job(folder, practice, people)
    started = time.monotonic()
    pid = drive.start(folder, settings)
    busiest = drive.follow(folder, NAME, len(people))
    seconds, own = time.monotonic() - started, processor.used(pid)
    asterisk = processor_time(practice)
    time.sleep(2)
    wrong = _compare(console, folder, laboratory, people)
    with closing(sqlite3.connect(folder / "state" / "volley.db")) as database:
        attempts, first, last = database.execute(
            "SELECT count(*), min(sent_at), max(ended_at) FROM attempts"
        ).fetchone()
        words = database.execute(
            "SELECT disposition, count(*) FROM contacts GROUP BY 1 ORDER BY 2 DESC"
        ).fetchall()
    console.print("contacts by disposition: " + ", ".join(f"{word} {count}" for word, count in words))
    console.print(
        f"{len(people)} contacts, {attempts} calls in {last - first:.0f} s of dialing ({seconds:.0f} s with intake), at most {busiest}"
        f" at once; processor time: engine {own:.1f} s ({1000 * own / attempts:.2f} ms a call), PBX {asterisk or 0:.0f} s;"
        f" {os.cpu_count()} processors"
    )
    console.print(
        f"{wrong} contacts differ"
        if wrong
        else "none differs: dispositions, and the carrier's count of INVITEs by number"
    )
    return 1 if wrong else 0


def _job(folder: Path, practice: lab.Lab, people: list[tuple[str, str]]) -> None:
    job = folder / "queue" / "incoming" / f".{NAME}"
    job.mkdir(parents=True)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("People")
    sheet.append(["Name", "Phone", "Customer no"])
    for at, (number, _) in enumerate(people, 1):
        sheet.append([f"Person {at}", number, at])
    book.save(job / "people.xlsx")
    for prompt in ("appointment", "voicemail"):
        shutil.copy(practice.samples / "en" / f"{prompt}.wav", job)
    (job / "campaign.toml").write_text(
        MANIFEST.format(name=NAME, max_attempts=MAX_ATTEMPTS), encoding="utf-8"
    )
    (job / ".complete").touch()
    job.rename(job.with_name(NAME))


def _compare(console: Console, folder: Path, laboratory: Path, people: list[tuple[str, str]]) -> int:
    table = lab.behaviour_table()
    carrier = Counter(call.number for call in lab.carrier_calls(laboratory))
    with closing(sqlite3.connect(folder / "state" / "volley.db")) as database:
        books = {
            row[0]: row[1:]
            for row in database.execute(
                "SELECT n.e164, c.disposition, c.state, (SELECT count(*) FROM attempts a WHERE a.contact_id"
                " = c.id AND a.sent_at IS NOT NULL),"
                " (SELECT group_concat(disposition || ' ' || cause || ' ' || sip || ' ' || amd, '; ') FROM"
                " attempts a WHERE a.contact_id = c.id)"
                " FROM contacts c JOIN numbers n ON n.id = c.number_id"
            )
        }
    wrong = 0
    for written, code in people:
        number = "+1" + "".join(filter(str.isdigit, written))
        disposition, state, attempts, story = books.get(number, ("missing", "missing", 0, ""))
        should, calls = expected(table[code])
        if (disposition, state, attempts, carrier[number]) != (should, "done", calls, calls):
            wrong += 1
            if wrong <= 40:
                console.print(
                    f"{number} ({table[code].name}): expected {should} after {calls} calls; the engine has {disposition} ({state}) after"
                    f" {attempts}, the carrier counted {carrier[number]}: {story}"
                )
    return wrong


if __name__ == "__main__":
    sys.exit(main())
