"""`volley submit`: hands a job in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.check import JobPath, Rejects, as_table, counting
from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import note, problems_json, say, say_json
from engine.errors import InputError, VolleyError

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.ops.job_journey import Whereabouts

LOOK = 0.1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley submit flu-shots/ --wait")(submit)


def submit(
    job: JobPath,
    config: Config = CONFIG,
    rejects: Rejects = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the engine has accepted or rejected it.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="How long to --wait.")
    ] = 600.0,
    as_json: Json = False,
) -> None:
    """Check a job and put a copy of it into the queue directory, whole or not at all.

    A job that the engine would reject is not handed in. Rows that cannot be called do not hinder the
    others: the engine rejects them, as `volley check` tells. Of a folder everything but hidden files is
    copied; of a manifest, itself and the files it names. Exit code 1 when the job is rejected, or was not
    dealt with in time.
    """
    from engine.intake import submit as queue
    from engine.ops.job_journey import inode_of
    from engine.ops.preview import files_of, open_job, preview

    settings = settings_of(config)
    with counting() as progress:
        found = preview(job, settings, time.time(), rejects, 0, progress)
    if not found.acceptable:
        if as_json:
            say_json({"submitted": None, "check": as_table(found)})
            raise typer.Exit(1)
        note(f"{job} was not handed in; the engine would reject it:")
        raise InputError(found.problems)
    files = [] if job.is_dir() else files_of(open_job(job))
    with _copying() as copied:
        submitted = queue.submit(job, settings.engine.queue, files, copied)
    inode = inode_of(submitted, settings.engine.queue)
    if not as_json:
        rejected = f", {found.rejected:,} rows rejected" if found.rejected else ""
        say(f"{submitted}: handed in, {found.accepted:,} contacts{rejected}")
    ended = _wait(settings, inode, timeout) if wait else None
    if as_json:
        say_json({"submitted": str(submitted), "check": as_table(found), "ended": ended and _table(ended)})
    elif ended is not None:
        _tell(ended)
    if ended is not None and ended.place == "rejected":
        raise typer.Exit(1)


def _tell(ended: Whereabouts) -> None:
    if ended.place == "rejected":
        note(f"{ended.path}: rejected")
        raise InputError(ended.problems)
    say(f"{ended.path}: accepted, {ended.accepted:,} contacts taken in, {ended.rejected:,} rows rejected")


def _table(ended: Whereabouts) -> dict[str, Any]:
    return {
        "state": ended.place,
        "path": str(ended.path),
        "accepted": ended.accepted,
        "rejected": ended.rejected,
        "problems": problems_json(ended.problems),
    }


def _wait(settings: Settings, inode: int, timeout: float) -> Whereabouts:
    """Follow the job to its end. Raises VolleyError when that takes too long."""
    from engine.ops.books import engine_pid
    from engine.ops.job_journey import find

    if engine_pid(settings.engine.state) is None:
        note("no engine is seen to run on this state directory; waiting for one")
    deadline = time.monotonic() + timeout
    while True:
        found = find(settings, inode)
        if found is not None and found.ended:
            return found
        if time.monotonic() > deadline:
            where = "not to be found in the queue" if found is None else f"in {found.path}"
            raise VolleyError(
                f"the job was neither accepted nor rejected within {timeout:g} s; it is {where}"
            )
        time.sleep(LOOK)


@contextmanager
def _copying() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (TextColumn("copying"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        yield lambda copied, total: bars.update(task, completed=copied, total=total)
