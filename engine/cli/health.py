"""`volley health`: well or not, for a health check."""

from __future__ import annotations

import typer

from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import note, say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley health --config /etc/volley/volley.toml")(health)


def health(config: Config = CONFIG, as_json: Json = False) -> None:
    """Tell whether the engine runs and answers, and its books can be read and written; exit code 1 when not.

    For a container's health check and for monitors. How PBX, trunks and campaigns fare tell `volley doctor` and
    `volley status`.
    """
    from engine.ops.health import problems

    found = problems(settings_of(config))
    if as_json:
        say_json({"well": not found, "problems": found})
    elif not found:
        say("well")
    else:
        for problem in found:
            note(problem)
    raise typer.Exit(1 if found else 0)
