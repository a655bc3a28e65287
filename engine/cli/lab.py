"""`volley lab`: the practice PBX and carrier, and the demonstration on them.

The lab comes with the source checkout. Nothing else of Volley knows it, and this file imports it only when
it is asked for.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import Json
from engine.cli.output import note, say
from engine.errors import VolleyError

if TYPE_CHECKING:
    from lab import Lab

Directory = Annotated[
    Path | None,
    typer.Option("--dir", metavar="DIR", help="The lab's directory; default VOLLEY_LAB_DIR, then var/lab."),
]

group = typer.Typer(
    name="lab",
    help="The practice PBX and carrier: two real Asterisks on loopback.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group)


@group.callback()
def _installed() -> None:
    if importlib.util.find_spec("lab") is None:
        raise VolleyError(
            "the practice lab is not installed here; it comes with Volley's source: run this in a checkout, after `make setup`"
        )


@group.command(epilog="Example: volley lab prepare")
def prepare(directory: Directory = None, as_json: Json = False) -> None:
    """Set up all that takes time, and start nothing: an Asterisk, spoken prompts, secrets."""
    from lab import LabError, prepare

    try:
        _show(prepare(directory, note), as_json)
    except LabError as error:
        raise VolleyError(f"lab: {error}") from error


@group.command(epilog="Example: volley lab up && volley run --config var/lab/volley.toml")
def up(
    directory: Directory = None,
    sip_port: Annotated[int | None, typer.Option("--sip-port", metavar="PORT")] = None,
    ami_port: Annotated[int | None, typer.Option("--ami-port", metavar="PORT")] = None,
    rtp_port: Annotated[
        int | None, typer.Option("--rtp-port", metavar="PORT", help="The first of 20,000.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Start both Asterisks, prepared if need be; returns when they see each other. Ports: default those of
    the last time."""
    from lab import LabError, Ports, up

    given = {
        name: port
        for name, port in (("sip", sip_port), ("ami", ami_port), ("rtp", rtp_port))
        if port is not None
    }
    try:
        _show(up(directory, Ports(**given) if given else None, note), as_json)
    except LabError as error:
        raise VolleyError(f"lab: {error}") from error


@group.command(epilog="Example: volley lab down")
def down(directory: Directory = None, as_json: Json = False) -> None:
    """Stop both Asterisks of this lab, and nothing else."""
    from lab import LabError, down, status

    try:
        if not down(directory, note):
            note("nothing was running")
        _show(status(directory), as_json)
    except LabError as error:
        raise VolleyError(f"lab: {error}") from error


@group.command(epilog="Example: volley lab status --json")
def status(directory: Directory = None, as_json: Json = False) -> None:
    """Tell what runs. Exit code 1 when not both Asterisks do."""
    from lab import LabError, status

    try:
        state = status(directory)
    except LabError as error:
        raise VolleyError(f"lab: {error}") from error
    _show(state, as_json)
    raise typer.Exit(0 if state.running else 1)


@group.command(epilog="Example: volley lab demo")
def demo() -> None:
    """Run a campaign of every callee behaviour through both Asterisks and compare what was expected with
    what was seen."""
    from lab.demo import main

    raise typer.Exit(main())


def _show(state: Lab, as_json: bool) -> None:
    if as_json:
        say(json.dumps(asdict(state), default=str, indent=2))
        return
    from lab.__main__ import shown

    say(shown(state))
