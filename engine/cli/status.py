"""`volley status`: how things stand."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import CONFIG, Config, Json, campaigns_named, settings_of
from engine.cli.output import say_json

if TYPE_CHECKING:
    from engine.ops.figures import Status

REFRESH = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley status flu-shots --watch")(status)


def status(
    campaign: Annotated[
        str | None,
        typer.Argument(
            metavar="CAMPAIGN",
            help="One campaign, with its dispositions.",
            show_default=False,
            autocompletion=campaigns_named,
        ),
    ] = None,
    config: Config = CONFIG,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh every second until Ctrl-C.")] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="Count dispositions over all attempts and contacts; reads whole tables."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show progress, rates, live calls and what is due: of all open campaigns and the ten that ended last,
    or of one.

    Reads the database, whether the engine runs or not, and is cheap at any size; whether a PBX is linked is
    asked of the running engine (its own user and root may). Done, waiting and in call come from the engine's
    own counters and the live attempts. Rates count attempts begun in the last minute and five minutes; an
    answer counts when its call has ended, and calls longer than five minutes are missing among those.
    Dispositions are those of the newest 50,000 attempts (--full: of all, and of contacts too).
    """
    from rich.console import Console
    from rich.live import Live

    from engine.ops import pulse
    from engine.ops.status import look
    from engine.ops.status_view import view

    settings = settings_of(config)

    def found() -> Status:
        return look(settings, time.time(), campaign, full=full, told=pulse.read(settings.engine.state))

    if as_json:
        say_json(asdict(found()))
        return
    console = Console(highlight=False)
    if not watch:
        console.print(view(found()))
        return
    try:
        with Live(
            view(found()),
            console=console,
            screen=console.is_terminal,
            auto_refresh=False,
        ) as live:
            while True:
                time.sleep(REFRESH)
                live.update(view(found()), refresh=True)
    except KeyboardInterrupt:
        return
