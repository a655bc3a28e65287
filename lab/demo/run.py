"""The order of the demonstration: lab, engine, jobs, watching, report; and the end of all that was started,
however it ends."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

import lab
from engine import config
from engine.config import Settings
from engine.errors import StoreError, VolleyError
from engine.intake.submit import submit
from engine.ops import palette, summary
from engine.ops.books import reading
from engine.ops.figures import Status
from engine.ops.status import look
from engine.ops.status_view import view as status_view
from lab import Lab, LabError, process
from lab.demo import places, report, seen
from lab.demo.campaigns import LANGUAGES, campaign_name, make_job

PATIENCE = 240.0
"""Seconds until the campaigns must be over; warm they take one minute."""
START_PATIENCE = 20.0
COUNT_PATIENCE = 5.0
"""Seconds until the carrier must have written down what ended."""
PLAIN_EVERY = 5.0
"""Seconds between lines where there is no terminal to draw on."""


def demonstrate() -> int:
    """The whole demonstration. Returns the exit code."""
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end, it cleans up as after Ctrl-C
    try:
        with _alone():
            return _demonstrate(console)
    except (LabError, VolleyError) as error:
        console.print(Text(f"The demonstration failed: {error}", style="bold red"))
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; what was started is stopped.")
        return 130


def _demonstrate(console: Console) -> int:
    begun = time.monotonic()
    try:
        process.stop(places.ENGINE_PID)  # of a demonstration that was killed
        with _step(console, "practice PBX and carrier"):
            practice = lab.up(
                places.LAB, places.PORTS, lambda text: console.print(f"    {text}", style="bright_black")
            )
            lab.reset(places.LAB)
        console.print(
            f"    Asterisk {practice.asterisk}, AMI {practice.pbx_address}:{practice.ports.ami}",
            style="bright_black",
        )
        with _step(console, "engine"):
            settings = _start_engine(practice)
        with _step(console, "jobs handed in"):
            for language in LANGUAGES:
                submit(make_job(language, practice.samples), settings.engine.queue)
        with _step(console, "campaigns"):
            over = _watch(console, settings)
        with _step(console, "engine stopped"):
            process.stop(places.ENGINE_PID, patience=15.0)
        compared = _report(console, settings)
    finally:
        process.stop(places.ENGINE_PID, patience=15.0)
        with _step(console, "practice PBX and carrier stopped"):
            lab.down(places.LAB)
    console.print(
        f"The demonstration took {time.monotonic() - begun:.0f} s. Its books, log and jobs are in {places.RUN}"
    )
    return 0 if over and not compared else 1


@contextmanager
def _alone() -> Iterator[None]:
    """One demonstration at a time in one checkout."""
    places.HOME.mkdir(parents=True, exist_ok=True)
    with places.LOCK.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"another demonstration runs in this checkout ({places.LOCK} is locked)") from None
        yield


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    begun = time.monotonic()
    console.print(Text(f"==> {what}", style="bold"))
    yield
    console.print(f"    {what}: {time.monotonic() - begun:.1f} s", style="bright_black")


def _start_engine(practice: Lab) -> Settings:
    shutil.rmtree(places.RUN, ignore_errors=True)
    places.RUN.mkdir(parents=True)
    settings = config.load(places.write_settings(practice))
    command = [sys.executable, "-m", "engine.cli", "run", "--config", str(places.SETTINGS)]
    process.start(command, places.ENGINE_PID, places.ENGINE_OUTPUT)
    incoming = settings.engine.queue / "incoming"
    deadline = time.monotonic() + START_PATIENCE
    while not (incoming.is_dir() and _books_are_there(settings.database)):
        _must_run()
        if time.monotonic() > deadline:
            raise LabError(
                f"the engine has not made its queue within {START_PATIENCE:.0f} s; see {places.LOG}"
            )
        time.sleep(0.05)
    return settings


def _books_are_there(database: Path) -> bool:
    try:
        with reading(database):
            return True
    except StoreError:
        return False


def _must_run() -> None:
    if process.running(places.ENGINE_PID) is None:
        said = places.ENGINE_OUTPUT.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise LabError(f"the engine ended:\n{said}\nsee {places.LOG}")


# --- watching -----------------------------------------------------------------------------------------------------------


def _watch(console: Console, settings: Settings) -> bool:
    """Show how the campaigns go until both are over; False when that takes too long."""
    begun = time.monotonic()

    def picture(status: Status) -> RenderableType:
        passed = Text(f"{time.monotonic() - begun:.0f} s", style="bright_black")
        return Group(status_view(status), Text(), _endings(status), Text(), passed)

    if not console.is_terminal:
        return _until_over(settings, lambda status: _plain(console, status, begun), PLAIN_EVERY)
    with Live(Text("..."), console=console, auto_refresh=False, transient=True) as live:
        return _until_over(settings, lambda status: live.update(picture(status), refresh=True), 0.5)


def _endings(status: Status) -> Text:
    """How attempts ended so far, in all campaigns together."""
    counts: Counter[str] = Counter()
    for one in status.campaigns:
        counts.update(one.dispositions)
    told = [
        Text(f"{word} {counts[word]}", style=palette.DISPOSITION.get(word, ""))
        for word in palette.listed(counts)
    ]
    return Text("  ").join(told)


def _plain(console: Console, status: Status, begun: float) -> None:
    told = ", ".join(
        f"{one.name} {one.done} of {one.contacts} done"
        for one in sorted(status.campaigns, key=lambda one: one.name)
    )
    callbacks = sum(one.callbacks_due for one in status.campaigns)
    console.print(
        f"    {time.monotonic() - begun:3.0f} s  {told or 'being taken in'}; live calls {status.live_calls}, callbacks due {callbacks}"
    )


def _until_over(settings: Settings, show: Callable[[Status], None], every: float) -> bool:
    deadline = time.monotonic() + PATIENCE
    shown = 0.0
    while time.monotonic() < deadline:
        _must_run()
        _must_be_accepted(settings)
        status = look(settings, time.time())
        over = len(status.campaigns) == len(LANGUAGES) and all(
            one.closed_at is not None for one in status.campaigns
        )
        if over or time.monotonic() - shown >= every:
            shown = time.monotonic()
            show(status)
        if over:
            return True
        time.sleep(0.25)
    return False


def _must_be_accepted(settings: Settings) -> None:
    for reasons in (settings.engine.queue / "rejected").glob("*.reason.txt"):
        raise LabError(reasons.read_text(encoding="utf-8"))


# --- the end ------------------------------------------------------------------------------------------------------------


def _report(console: Console, settings: Settings) -> report.Comparison:
    deadline = time.monotonic() + COUNT_PATIENCE
    while True:
        found = seen.look(settings.database)
        attempts, calls = seen.attempts_and_calls(found)
        if attempts == calls or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    with reading(settings.database) as connection:
        for language in LANGUAGES:
            row = connection.execute(
                "SELECT id FROM campaigns WHERE name = ?", (campaign_name(language),)
            ).fetchone()
            if row is not None:
                console.print()
                console.print(summary.table(connection, row["id"]))
    compared = report.compare(
        found, {campaign_name(one): seen.rejected_rows(campaign_name(one)) for one in LANGUAGES}
    )
    console.print()
    console.print(report.view(found, compared))
    return compared
