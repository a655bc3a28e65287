"""`volley hooks`: what receivers were told, and what waits for them."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from engine.cli.options import CONFIG, By, Config, Json, asker, settings_of
from engine.cli.output import say_json
from engine.cli.requests import ask


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley hooks crm")(hooks)


def hooks(
    hook: Annotated[
        str | None,
        typer.Argument(metavar="HOOK", help="List what was given up of this one.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many to list.")] = 100,
    resend: Annotated[
        bool, typer.Option("--resend", help="Let what was given up of HOOK be sent again.")
    ] = False,
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """List the hooks: how many events wait, since when, how many were taken, given up and dropped, and the last error.

    Failing: the last try failed; it goes on. Gone: the receiver answered 410, and nothing is sent until the
    engine starts again.
    """
    from rich.console import Console

    from engine.ops.hooks import failed, look
    from engine.ops.hooks_view import view, view_failed

    settings = settings_of(config)
    if resend:
        if hook is None:
            raise typer.BadParameter("name the hook", param_hint="HOOK")
        request = {"action": "resend", "hook": hook, "by": asker(by)}
        ask(settings, request, as_json, lambda reply: f"{reply['events']:,} events wait for {hook} again")
        return
    if hook is not None:
        rows = failed(settings.database, hook, limit)
        if as_json:
            say_json([asdict(one) for one in rows])
        else:
            Console(highlight=False).print(view_failed(rows))
        return
    found = look(settings)
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        Console(highlight=False).print(view(found, time.time()))
