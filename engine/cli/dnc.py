"""`volley dnc`: numbers that no campaign may call (do not call)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.options import CONFIG, By, Config, Json, Region, asker, settings_of
from engine.cli.output import say, say_json
from engine.cli.requests import ask
from engine.errors import InputError, Problem
from engine.ops.printable import line

Numbers = Annotated[
    list[str],
    typer.Argument(
        metavar="NUMBER...", help="Phone numbers, +E.164 or as dialed in --region.", show_default=False
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; kept with the number.")]

group = typer.Typer(
    name="dnc",
    help="Numbers that no campaign may call (do not call).",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group)


@group.command(epilog='Example: volley dnc add +33199001042 --reason "asked by letter" --by anna')
def add(
    numbers: Numbers,
    reason: Reason,
    by: By = "",
    region: Region = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Never call these numbers again, from any campaign. What rings there now is hung up."""
    _request("suppress", numbers, reason, by, region, config, as_json)


@group.command(epilog='Example: volley dnc remove +33199001042 --reason "consent of 2026-11-20" --by anna')
def remove(
    numbers: Numbers,
    reason: Reason,
    by: By = "",
    region: Region = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Take numbers off the list. Contacts that ended as SUPPRESSED stay ended."""
    _request("unsuppress", numbers, reason, by, region, config, as_json)


@group.command("list", epilog="Example: volley dnc list > never-again.txt")
def list_(config: Config = CONFIG, as_json: Json = False) -> None:
    """Print every number on the list, with since when, why and by whom, tab-separated. With --json one
    object a line."""
    import orjson

    from engine.ops.books import instant
    from engine.ops.suppressed import everything

    for one in everything(settings_of(config).database):
        if as_json:
            print(orjson.dumps(asdict(one)).decode())
        else:
            say("\t".join(map(line, (one.number, instant(one.since), one.reason, one.source, one.actor))))


@group.command(epilog="Example: volley dnc check +33199001042")
def check(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A phone number.", show_default=False)],
    region: Region = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Tell whether a number is on the list: exit code 0 when it is, 1 when it is not."""
    from engine.intake.control import read_numbers
    from engine.ops.books import instant
    from engine.ops.suppressed import find

    settings = settings_of(config)
    (read,) = read_numbers([number], region or settings.defaults.region)
    found = find(settings.database, read.e164)
    if as_json:
        say_json({"number": read.e164, "suppressed": found is not None, "entry": found and asdict(found)})
    elif found is None:
        say(f"{read.e164} is not on the list")
    else:
        by = f" by {found.actor}" if found.actor else ""
        say(f"{read.e164} is never to be called: {found.reason} ({found.source}{by}, {instant(found.since)})")
    raise typer.Exit(0 if found else 1)


def _request(
    action: str, numbers: list[str], reason: str, by: str, region: str | None, config: Path, as_json: bool
) -> None:
    from engine.intake.control import read_numbers

    settings = settings_of(config)
    if not reason.strip():
        raise InputError([Problem("--reason", "says nothing", "say why; it is kept with the number")])
    # What is wrong is told now, also when no engine runs.
    read = read_numbers(numbers, region or settings.defaults.region)

    def told(reply: dict[str, Any]) -> str:
        if action == "suppress":
            return f"{reply['numbers']:,} numbers are on the list"
        return f"{reply['numbers']:,} numbers were taken off the list"

    request = {"action": action, "numbers": [one.e164 for one in read], "reason": reason, "by": asker(by)}
    ask(settings, request, as_json, told)
