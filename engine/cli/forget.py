"""`volley forget`: erase what is known of somebody, and never call them again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.cli.options import CONFIG, By, Config, Json, Region, asker, settings_of
from engine.cli.requests import ask


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog='Example: volley forget +33199001042 --reason "letter of 24 November" --by anna')(
        forget
    )


def forget(
    numbers: Annotated[
        list[str],
        typer.Argument(
            metavar="NUMBER...", help="Of the people: +E.164 or as dialed in --region.", show_default=False
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; do not write a name.")],
    by: By = "",
    region: Region = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Erase what the database holds of these people, for good, and never call them again.

    They are suppressed at once, and erased when no call of theirs lives. Ids, dates and outcomes of calls
    stay, so that reports still add up; who it was is gone. Should the number come in again, it is known by a
    keyed hash and not called. Files are not rewritten: the reply names the jobs whose files have the data.
    """
    from engine.intake.control import read_numbers

    settings = settings_of(config)
    # What is wrong is told now, also when no engine runs.
    read = read_numbers(numbers, region or settings.defaults.region)

    def told(reply: dict[str, Any]) -> str:
        jobs = reply["jobs"]
        files = f"\nStill in files of: {', '.join(jobs)} (accepted/, with their rejects)" if jobs else ""
        return (
            f"{reply['people']:,} people are forgotten: {reply['contacts']:,} contacts and {reply['attempts']:,} calls"
            f" tell nothing of them any more{files}"
        )

    request = {"action": "forget", "numbers": [one.e164 for one in read], "reason": reason, "by": asker(by)}
    ask(settings, request, as_json, told, long=True)
