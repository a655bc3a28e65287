"""`volley install`: the files that a PBX and its host get."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import Json
from engine.cli.output import say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley install --target / --dry-run")(install)


def install(
    target: Annotated[
        Path,
        typer.Option(
            "--target",
            metavar="DIR",
            help="Where to lay the files out: / or a directory to look at first.",
            show_default=False,
        ),
    ],
    layout: Annotated[
        str, typer.Option("--layout", metavar="NAME", help="Whose PBX it is: plain, freepbx or issabel.")
    ] = "plain",
    asterisk: Annotated[
        str,
        typer.Option(
            "--asterisk",
            metavar="VERSION",
            help="Asterisk's version. Default: what asterisk -V says here, else the newest.",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; tell what would be written.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write what a PBX and its host need for Volley, and tell what is left to do.

    AMI user with a new secret (0600), dialplan, options, a trunk to fill in, volley.toml, systemd unit, user,
    directories and log rotation. Nothing that exists is touched: a file that differs is kept, and the new one is
    written beside it with .new at its end. Asterisk's own files get their include lines by your hand.
    """
    from engine.ops import installation
    from engine.ops.installation import Layout, Outcome

    if layout not in set(Layout):
        raise typer.BadParameter(f"{layout!r}: plain, freepbx or issabel", param_hint="--layout")
    version = asterisk or installation.asterisk_version()
    found = installation.install(target, Layout(layout), version, dry_run)
    if as_json:
        placed = [{"path": str(one.path), "outcome": str(one.outcome)} for one in found.placed]
        say_json({"dry_run": dry_run, "files": placed, "steps": list(found.steps)})
        raise typer.Exit(0 if found.whole else 1)
    told = {
        Outcome.WRITTEN: "would be written" if dry_run else "written",
        Outcome.SAME: "is there already",
        Outcome.BESIDE: "would lie beside the one that is kept"
        if dry_run
        else "lies beside the one that was kept",
        Outcome.BLOCKED: "NOT written: a different one of that name is there; move it away",
    }
    for one in found.placed:
        say(f"{one.path}: {told[one.outcome]}")
    say()
    say("Left to do:")
    for at, step in enumerate(found.steps, 1):
        say(f"{at:>3}. {step}")
    raise typer.Exit(0 if found.whole else 1)
