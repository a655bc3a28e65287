"""`volley doctor`: what is wrong with the PBX and this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import say_json

if TYPE_CHECKING:
    from engine.ops.doctor.examine import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley doctor --wire")(doctor)


def doctor(
    config: Config = CONFIG,
    asterisk_etc: Annotated[
        Path | None,
        typer.Option(
            "--asterisk-etc",
            metavar="DIR",
            help="Asterisk's configuration files, for what AMI does not tell. Default: /etc/asterisk of a PBX on this machine.",
        ),
    ] = None,
    wire: Annotated[
        bool,
        typer.Option(
            "--wire",
            help="Also have each trunk's endpoint send one INVITE to this command, and to nobody else, and tell the From and"
            " P-Asserted-Identity that it shows.",
        ),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also the checks that found nothing wrong.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the PBX and this machine, and say what to change. Changes nothing, and calls nobody.

    Asks Asterisk over AMI as the engine's own user, whether the engine runs or not; what AMI does not tell is read
    from local files. Best run as root: otherwise some of what others may do cannot be seen, and is told as unknown.
    Exit code 1 when there is an error or a warning.
    """
    import asyncio

    from rich.console import Console

    from engine.ops.doctor.examine import examine
    from engine.ops.doctor.view import view

    found = asyncio.run(examine(config, settings_of(config), asterisk_etc, wire=wire))
    if as_json:
        say_json(as_table(found))
    else:
        Console(highlight=False).print(view(found, everything))
    raise typer.Exit(0 if found.well else 1)


def as_table(found: Report) -> dict[str, Any]:
    """A report for a program."""
    from engine.ops.doctor.facts import Severity

    return {
        "well": found.well,
        "counts": {str(severity): found.count(severity) for severity in Severity},
        "checks": [
            {
                "check": check.check,
                "about": check.about,
                "asks": check.asks,
                "findings": [
                    {"severity": str(one.severity), "where": one.where, "what": one.what, "todo": one.todo}
                    for one in check.findings
                ],
            }
            for check in found.checks
        ],
    }
