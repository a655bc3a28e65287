"""`volley report`: a campaign as one page for a browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import CONFIG, CampaignName, Config, Json, settings_of
from engine.cli.output import say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley report flu-shots -o flu-shots.html")(report)


def report(
    campaign: CampaignName,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Default: CAMPAIGN.html, here; - is standard output."
        ),
    ] = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Write a campaign's report: one HTML page with plots, tables and a summary in plain words.

    It needs nothing beside itself and loads nothing, so it can be sent and printed. No callee's number is on it. A campaign may
    still run; the page then tells how it stands. The engine writes one for each completed campaign, to STATE/reports. --json
    prints the figures instead. A FILE is readable by you alone, and appears when it is complete.
    """
    from engine.ops.report.page import render
    from engine.ops.report.write import figures_of
    from engine.ops.whole_file import STANDARD_OUTPUT, whole

    found = figures_of(settings_of(config), campaign, time.time())
    if as_json:
        say_json(found)
        return
    path = output or Path(f"{campaign}.html")
    with whole(path) as out:
        out.write(render(found))
    if path != STANDARD_OUTPUT:
        say(str(path))
