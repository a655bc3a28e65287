"""`volley samples`: campaigns to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import Json
from engine.cli.output import say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley samples survey --to /srv/jobs")(samples)


def samples(
    name: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Those to copy; all of them when none is named."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where to copy them; without it they are listed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the sample campaigns, or copy them out: each is a job in English and in French that `volley check` takes.

    What is there already is not touched; then the exit code is 1.
    """
    from engine.ops import samples as shelf

    if to is None:
        found = {one: shelf.about(one) for one in shelf.names()}
        if as_json:
            say_json(found)
            return
        for one, text in found.items():
            say(f"{one}: {text}")
        return
    copied = shelf.copy(to, name or [])
    if as_json:
        say_json({"written": [str(one) for one in copied.written], "kept": [str(one) for one in copied.kept]})
    else:
        for path in copied.written:
            say(f"{path}: written")
        for path in copied.kept:
            say(f"{path}: is there, and was not touched")
    raise typer.Exit(1 if copied.kept else 0)
