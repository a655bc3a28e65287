"""`volley check`: what would happen to a job, without dialing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import say_json

if TYPE_CHECKING:
    from engine.ops.preview import Preview, Progress

JobPath = Annotated[
    Path, typer.Argument(metavar="JOB", help="A job's folder, or its manifest.", show_default=False)
]
Rejects = Annotated[
    Path | None, typer.Option("--rejects", metavar="FILE", help="Write all rejected rows to this CSV file.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley check flu-shots/ --rejects rejected.csv")(check)


def check(
    job: JobPath,
    config: Config = CONFIG,
    rejects: Rejects = None,
    show: Annotated[
        int, typer.Option("--show", min=0, metavar="N", help="How many rejected rows to show.")
    ] = 10,
    flow: Annotated[
        bool, typer.Option("--flow", help="Show each node of the call: what it speaks, and what follows.")
    ] = False,
    diagram: Annotated[
        Path | None,
        typer.Option("--diagram", metavar="FILE", help="Write the call's flow as a Mermaid diagram."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell what a job would come to, without dialing or changing anything.

    Reads manifest, prompts and contacts as the engine does, and puts every contact to the gate as of now:
    how many are accepted or rejected and why, when they could be called first, what callees hear and can
    press. Exit code 1 when the engine would reject the job.
    """
    from rich.console import Console

    from engine.ops.preview import preview
    from engine.ops.preview_view import view

    settings = settings_of(config)
    with counting() as progress:
        found = preview(job, settings, time.time(), rejects, show, progress)
    if diagram is not None and found.call is not None:
        diagram.write_text(found.call.mermaid, encoding="utf-8")
    elif diagram is not None:
        typer.echo(f"{diagram} was not written: {_no_call(found)}", err=True)
    if as_json:
        say_json(as_table(found))
    else:
        Console(highlight=False).print(view(found, flow))
    raise typer.Exit(0 if found.acceptable else 1)


def _no_call(found: Preview) -> str:
    if found.adds:
        return f"the job adds contacts to {found.campaign}; check the job of that campaign itself"
    return "the call cannot be told from this manifest: mend it first"


def as_table(found: Preview) -> dict[str, Any]:
    """A preview for a program."""
    return {**asdict(found), "acceptable": found.acceptable}


@contextmanager
def counting() -> Iterator[Progress]:
    """Shows on a terminal how many rows were read; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("reading contacts: {task.completed:,} rows"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None)
        yield lambda rows: bars.update(task, completed=rows)
