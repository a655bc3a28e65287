"""`python -m bench.survey`: a survey among up to 2,000 callees through the real PBX; every answer held against what was pressed.

Each callee is a number of the lab whose last four digits say what it answers (lab/behaviours.toml, 70): it listens until the
question is over, presses a key, and at last types those four digits. At the end the store must have exactly these three answers
of each contact that the carrier says pressed its keys, and nothing else. Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from rich.console import Console

import lab
from bench import drive, processor
from bench.pbx import PORTS, processor_time
from lab import process
from lab.places import REPOSITORY

NAME = "survey"
MOST = 2000
WORDS = ("awful", "bad", "fair", "good", "great")
MANIFEST = """
id = "survey"
owner = "Benchmark, bench@example.com"
purpose = "survey"
caller_id = "+33162000001"
language = "fr"
ring_timeout = "30s"
window = [{ from = "00:00", to = "00:00" }]
[message]
prompts = ["survey.wav"]
[menu]
timeout = "6s"
[menu.keys]
1 = "go:rating"
[nodes.rating]
kind = "question"
prompts = ["rating.wav"]
answers = { 1 = "awful", 2 = "bad", 3 = "fair", 4 = "good", 5 = "great" }
then = "account"
timeout = "6s"
[nodes.account]
kind = "digits"
prompts = ["account.wav"]
min = 4
max = 10
then = "end"
[contacts]
file = "people.csv"
region = "FR"
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the survey and compare."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.survey", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--contacts", type=int, default=MOST)
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--cps", type=int, default=10)
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    if not 1 <= given.contacts <= MOST:
        parser.error(f"there are numbers for {MOST} contacts")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    console = Console(highlight=False)
    numbers = [f"+3319900{digits}" for digits in range(7000, 7000 + given.contacts)]
    folder: Path = given.dir.absolute() / "survey"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    laboratory = given.dir.absolute() / "lab"
    lab.down(laboratory)
    practice = lab.up(laboratory, PORTS, console.print)
    try:
        lab.reset(laboratory)
        _job(folder, practice, numbers)
        started = time.monotonic()
        pid = drive.start(folder, drive.settings(practice, folder, given.channels, given.cps))
        busiest = drive.follow(folder, NAME, len(numbers))
        seconds, own = time.monotonic() - started, processor.used(pid)
        asterisk = processor_time(practice) or 0.0
        time.sleep(1)
        wrong = _compare(console, folder, laboratory, numbers)
        console.print(
            f"{len(numbers)} contacts in {seconds:.0f} s, at most {busiest} calls at once; processor time: engine {own:.1f} s,"
            f" PBX {asterisk:.0f} s; {os.cpu_count()} processors"
        )
        return 1 if wrong else 0
    finally:
        process.stop(folder / "engine.pid", patience=30.0)
        lab.down(laboratory)


def _job(folder: Path, practice: lab.Lab, numbers: list[str]) -> None:
    job = folder / "queue" / "incoming" / f".{NAME}"
    job.mkdir(parents=True)
    (job / "people.csv").write_text("phone_number\n" + "\n".join(numbers) + "\n", encoding="utf-8")
    for prompt in ("survey", "rating", "account"):
        shutil.copy(practice.samples / "fr" / f"{prompt}.wav", job)
    (job / "campaign.toml").write_text(MANIFEST, encoding="utf-8")
    (job / ".complete").touch()
    job.rename(job.with_name(NAME))


def _compare(console: Console, folder: Path, laboratory: Path, numbers: list[str]) -> int:
    pressed = {call.number: call.keys for call in lab.carrier_calls(laboratory)}
    with closing(sqlite3.connect(folder / "state" / "volley.db")) as database:
        books = {
            row[0]: row[1:]
            for row in database.execute(
                "SELECT n.e164, c.disposition, c.goal, (SELECT group_concat(value, ' ') FROM (SELECT e.value FROM call_events e"
                " JOIN attempts a ON a.id = e.attempt_id WHERE a.contact_id = c.id AND e.kind = 'answer' ORDER BY e.attempt_id, e.seq))"
                " FROM contacts c JOIN numbers n ON n.id = c.number_id"
            )
        }
    wrong = silent = answers = 0
    for number in numbers:
        last = number[-4:]
        key = str(1 + int(last) % 5)
        keys = pressed.get(number, "")
        disposition, goal, said = books.get(number, ("missing", "", ""))
        if keys != f"1{key}{last}#":
            silent += 1  # the callee did not press all: the lab, not the engine, went wrong
            console.print(f"{number} pressed only {keys!r}: {disposition} {goal} {said}")
            continue
        answers += 2
        if (disposition, goal, said) != (
            "ANSWERED_HUMAN",
            "answered",
            f"rating={WORDS[int(last) % 5]} account={last}",
        ):
            wrong += 1
            console.print(f"{number} pressed {keys!r}: the store has {disposition} {goal} {said}")
    console.print(
        f"{len(numbers) - silent} callees pressed all their keys, {silent} did not; {answers} answers expected,"
        + (f" {wrong} callees differ" if wrong else " all of them in the store, and no other")
    )
    return wrong + silent


if __name__ == "__main__":
    sys.exit(main())
