"""`volley callbacks`: promises made in calls, and what became of them."""

from __future__ import annotations

import time
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import say_json


class State(StrEnum):
    due = "due"
    kept = "kept"
    missed = "missed"
    withdrawn = "withdrawn"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley callbacks flu-shots --state missed")(callbacks)


def callbacks(
    campaign: Annotated[
        str | None, typer.Argument(metavar="CAMPAIGN", help="Only of this campaign.", show_default=False)
    ] = None,
    state: Annotated[State | None, typer.Option("--state", help="Only those in this state.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many to list; all are counted.")
    ] = 100,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """List the callbacks that people asked for: due (the next first), kept, missed, withdrawn.

    Kept: the call made for it was answered. Missed: the contact was done before that. Withdrawn: the number
    was suppressed or is on a list, or the campaign or the contact was taken back.
    """
    from rich.console import Console

    from engine.ops.promises import look
    from engine.ops.promises_view import view

    found = look(settings_of(config).database, campaign, state.value if state else None, limit)
    if as_json:
        say_json(asdict(found))
    else:
        Console(highlight=False).print(view(found, time.time()))
