"""`volley dnc`: numbers that no campaign may call (do not call). Lists made of files: `engine.cli.dnc_lists`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli import dnc_lists
from engine.cli.options import CONFIG, By, Config, Json, Region, asker, settings_of
from engine.cli.output import note, say, say_json
from engine.cli.requests import ask
from engine.errors import InputError, Problem
from engine.ops.printable import line

if TYPE_CHECKING:
    from engine.ops.listed import Check

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


dnc_lists.register(group)


@group.command(epilog='Example: volley dnc add +33199001042 --reason "asked by letter" --by anna')
def add(
    reason: Reason,
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NUMBER...", help="Phone numbers, +E.164 or as dialed in --region.", show_default=False
        ),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file", metavar="FILE", help="Or a file of numbers: text, CSV, XLSX; may be repeated."
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help="Of the numbers in FILE: a heading, or 1, 2, ..."),
    ] = None,
    by: By = "",
    region: Region = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Never call these numbers again, from any campaign. What rings there now is hung up.

    Every number of a FILE that can be read is suppressed, also when others cannot: those are told, and the
    exit code is 1.
    """
    if bool(numbers) == bool(file):
        raise typer.BadParameter("give either numbers or --file")
    if file:
        _suppress_files(file, column, reason, by, region, config, as_json)
    else:
        _request("suppress", numbers or [], reason, by, region, config, as_json)


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
    """Tell every list that a number is on: exit code 0 when it is on one, 1 when it is on none.

    A list that cannot be asked may have it: then the exit code is 0 too.
    """
    from engine.intake.control import read_numbers
    from engine.ops.listed import check as look

    settings = settings_of(config)
    (read,) = read_numbers([number], region or settings.defaults.region)
    found = look(settings.database, settings.engine.state, read.e164)
    if as_json:
        say_json(
            {
                "number": read.e164,
                "listed": found.listed,
                "suppressed": found.entry is not None,
                "entry": found.entry and asdict(found.entry),
                "forgotten": found.forgotten,
                "lists": [asdict(one) for one in found.hits],
                "unusable": [asdict(one) for one in found.unusable],
            }
        )
    else:
        _tell(found)
    raise typer.Exit(0 if found.listed or found.unusable else 1)


def _tell(found: Check) -> None:
    from engine.ops.books import instant

    entry = found.entry
    if entry is not None:
        by = f" by {entry.actor}" if entry.actor else ""
        say(
            f"{found.number} is never to be called: {entry.reason} ({entry.source}{by}, {instant(entry.since)})"
        )
    if found.forgotten:
        say(f"{found.number} is the number of somebody who was forgotten: it is never to be called")
    for hit in found.hits:
        whose = f", {hit.jurisdiction}" if hit.jurisdiction else ""
        say(f"{found.number} is on {hit.list} ({hit.kind}{whose}, data of {hit.date}, version {hit.version})")
    for one in found.unusable:
        say(f"{one.list} cannot be asked, and may have it: {one.why}")
    if not found.listed and not found.unusable:
        say(f"{found.number} is not on the list")


def _suppress_files(
    files: list[Path],
    column: str | None,
    reason: str,
    by: str,
    region: str | None,
    config: Path,
    as_json: bool,
) -> None:
    settings = settings_of(config)
    if not reason.strip():
        raise InputError([Problem("--reason", "says nothing", "say why; it is kept with each number")])
    names = dnc_lists.handed_names(files)
    dnc_lists.copy_in(settings, files, names)
    unreadable: list[str] = []

    def told(reply: dict[str, Any]) -> str:
        unreadable.extend(reply["faults"])
        left = (
            f"; {reply['unreadable']:,} rows cannot be read and are NOT on it" if reply["unreadable"] else ""
        )
        return f"{reply['numbers']:,} numbers are on the list, {reply['added']:,} of them new{left}"

    request = {
        "action": "suppress_file", "files": names, "region": region, "column": column, "reason": reason,
        "by": asker(by),
    }  # fmt: skip
    ask(settings, request, as_json, told, long=True)
    for one in unreadable:
        note(one)
    if unreadable:
        raise typer.Exit(1)


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
