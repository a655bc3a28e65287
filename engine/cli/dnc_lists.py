"""`volley dnc import`, `lists`, `drop`, `export`: registries, litigators and campaign lists.

The command hands files over through the queue; the engine reads, sorts and swaps. Nothing here writes a list.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import CONFIG, By, Config, Json, asker, settings_of
from engine.cli.output import note, say, say_json
from engine.cli.requests import ask
from engine.errors import InputError, Problem, VolleyError

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.ops.listed import Listed

Reason = Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; kept with the list.")]
Name = Annotated[str, typer.Option("--list", metavar="NAME", help="Of the list: a-z, 0-9, - and _.")]
Unreadable = Annotated[
    int, typer.Option("--unreadable", min=0, metavar="N", help="Rows that may be unreadable and left out.")
]


def register(group: typer.Typer) -> None:
    """Add the commands to `volley dnc`."""
    group.command(
        "import",
        epilog="Example: volley dnc import 2026-11.zip --list us-dnc --kind registry --jurisdiction US"
        ' --date 2026-11-01 --reason "monthly download"',
    )(import_)
    group.command("lists", epilog="Example: volley dnc lists --verify")(lists)
    group.command(
        "drop", epilog='Example: volley dnc drop --list spring-optouts --reason "campaign is over"'
    )(drop)
    group.command("export", epilog="Example: volley dnc export -o never-again.csv")(export)


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Text, CSV, XLSX, JSON Lines; also in .gz or .zip."),
    ],
    name: Name,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="registry, litigators or campaign.")],
    date: Annotated[
        str, typer.Option("--date", metavar="YYYY-MM-DD", help="Of the data, as its owner gives it.")
    ],
    reason: Reason,
    jurisdiction: Annotated[
        str, typer.Option("--jurisdiction", metavar="CC", help="Whose registry: US, GB, US-TX, ...")
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="F",
            help="auto, lines, tagged, table, us-ftc, ca-dncl, uk-tps, fr-bloctel or in-ncpr.",
        ),
    ] = "auto",
    change: Annotated[
        bool, typer.Option("--change", help="The files add and delete, as their rows say.")
    ] = False,
    add: Annotated[bool, typer.Option("--add", help="Add all numbers of the files.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take all numbers of the files off the list.")
    ] = False,
    part: Annotated[
        list[str] | None,
        typer.Option("--part", metavar="AREA", help="The files are about this area code (or +prefix) alone."),
    ] = None,
    column: Annotated[
        str | None, typer.Option("--column", metavar="NAME", help="Of the numbers: a heading, or 1, 2, ...")
    ] = None,
    unreadable: Unreadable = 0,
    may_shrink: Annotated[
        bool, typer.Option("--may-shrink", help="The list may lose over a fifth of its numbers.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read the files and tell what is in them; no more.")
    ] = False,
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Make a new version of a suppression list from files: the whole list, parts of it, or changes to it.

    The engine reads them beside its work and swaps the list at once when it is whole; until then, and when
    anything is wrong, the present version counts. Numbers without a country code are of the jurisdiction.
    """
    from pydantic import ValidationError

    from engine.config import problems_of
    from engine.intake.lists.requests import ImportListRequest

    if change + add + remove > 1:
        raise typer.BadParameter("give at most one of --change, --add and --remove")
    settings = settings_of(config)
    names = handed_names(files)
    request = {
        "action": "import_list", "list": name, "kind": kind, "jurisdiction": jurisdiction, "date": date,
        "format": form, "mode": "change" if change else "add" if add else "remove" if remove else "full",
        "parts": part or [], "column": column, "unreadable": unreadable, "may_shrink": may_shrink,
        "by": asker(by), "reason": reason, "files": names,
    }  # fmt: skip
    try:
        read = ImportListRequest.model_validate(request)
    except ValidationError as error:
        raise InputError(problems_of(error)) from error
    if check:
        _check(
            files, read.jurisdiction[:2] or settings.defaults.region, read.format, read.mode, column, as_json
        )
        return
    copy_in(settings, files, names)

    def told(reply: dict[str, Any]) -> str:
        if reply.get("again"):
            return f"{name} was made of these files already: version {reply['version']}, {reply['count']:,} numbers"
        left_out = f", {reply['unreadable']:,} rows left out" if reply["unreadable"] else ""
        return (
            f"{name} is version {reply['version']} of {reply['date']}: {reply['count']:,} numbers"
            f" ({reply['added']:,} added, {reply['removed']:,} removed{left_out})"
        )

    ask(settings, request, as_json, told, long=True)


def handed_names(files: list[Path]) -> list[str]:
    """Names under which these files are handed over: one's own, and nobody else's."""
    stamp = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    return [
        f"{stamp}-{at}-{re.sub('[^A-Za-z0-9._-]+', '_', file.name)[-100:]}"
        for at, file in enumerate(files, 1)
    ]


def copy_in(settings: Settings, files: list[Path], names: list[str]) -> None:
    """Hand files over. Raises InputError with every one that cannot be read, VolleyError when the queue cannot be
    written."""
    from engine.intake.lists.handover import hand_over

    problems = [
        Problem(str(file), "is no readable file", "look at its name") for file in files if not file.is_file()
    ]
    if problems:
        raise InputError(problems)
    for file, name in zip(files, names, strict=True):
        try:
            hand_over(settings.engine.queue, file, name)
        except OSError as error:
            raise VolleyError(
                f"{file}: cannot be copied into {settings.engine.queue}: {error.strerror};"
                " who steers the engine must be in the directory's group"
            ) from error


def _check(
    files: list[Path], region: str | None, form: Any, mode: Any, column: str | None, as_json: bool
) -> None:
    """What the engine's own reader makes of the files."""
    import tempfile

    from engine.intake.lists.builder import Build
    from engine.intake.lists.rows import ListLimits
    from engine.intake.lists.task import Task

    with tempfile.TemporaryDirectory() as folder:
        task = Task(
            files=tuple(str(file.absolute()) for file in files),
            region=region,
            folder=folder,
            format=form,
            mode=mode,
            column=column,
        )
        found = Build(task, ListLimits(), lambda message: None).run()
    if as_json:
        say_json(found)
    else:
        say(f"{found['rows']:,} rows, {found['numbers']:,} numbers, {found['unreadable']:,} rows unreadable")
        for one in found["faults"]:
            note(f"{one['file']}, row {one['row']}: {one['text']!r}: {one['why']}")
    raise typer.Exit(1 if found["unreadable"] else 0)


def lists(
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file whole: is it what was written?")
    ] = False,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Tell which lists there are: kind, date and age of their data, numbers, versions, and whether they can be
    asked. Exit code 1 when one cannot: what it might say blocks."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from engine.ops.listed import everything

    settings = settings_of(config)
    found = everything(settings.database, settings.engine.state, datetime.now(UTC).date(), whole=verify)
    if as_json:
        say_json([asdict(one) for one in found])
    elif not found:
        say("there are no lists; the numbers that nobody may call: volley dnc list")
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("list", "kind", "of", "date", "age", "numbers", "version", "usable"):
            table.add_column(heading, justify="right" if heading in ("age", "numbers", "version") else "left")
        for one in found:
            table.add_row(*map(Text, _cells(one)))
        Console(highlight=False).print(table)
        for one in found:
            if one.unusable:
                note(f"{one.name}: {one.unusable}")
    if any(one.unusable for one in found):
        raise typer.Exit(1)


def _cells(one: Listed) -> tuple[str, ...]:
    areas = f" ({len(one.parts)} areas)" if list(one.parts) != [""] else ""
    version = f"{one.version} of {one.versions}" if one.versions != one.version else str(one.version)
    return (
        one.name, one.kind, one.jurisdiction + areas, one.date, f"{one.age_days} d", f"{one.count:,}", version,
        "no" if one.unusable else "yes",
    )  # fmt: skip


def drop(name: Name, reason: Reason, by: By = "", config: Config = CONFIG, as_json: Json = False) -> None:
    """Let a list count no more. Its history stays; campaigns that name it are held back until there is one again."""
    request = {"action": "drop_list", "list": name, "by": asker(by), "reason": reason}
    ask(settings_of(config), request, as_json, lambda reply: f"{name} is dropped, {reply['count']:,} numbers")


def export(
    name: Annotated[
        str | None,
        typer.Option("--list", metavar="NAME", help="A list; default: numbers that nobody may call."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    config: Config = CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines instead of CSV.")] = False,
) -> None:
    """Write the numbers of a list, or those never to be called with since when, why and by whom. What is written
    can be imported again. A FILE is readable by you alone, and appears when it is complete."""
    import sys
    from itertools import chain

    import orjson

    from engine.ops import spreadsheet
    from engine.ops.books import instant
    from engine.ops.listed import numbers
    from engine.ops.suppressed import everything
    from engine.ops.whole_file import STANDARD_OUTPUT, whole

    settings = settings_of(config)
    if name is None:
        columns = ["phone_number", "since", "reason", "source", "by"]
        rows = (
            [one.number, instant(one.since), one.reason, one.source, one.actor]
            for one in everything(settings.database)
            if one.number.startswith("+")  # the people who were forgotten have no number any more
        )
    else:
        columns = ["phone_number"]
        rows = ([one] for one in numbers(settings.database, settings.engine.state, name))
    first = next(rows, None)
    everyone = chain([] if first is None else [first], rows)

    def write(out: Any) -> None:
        if as_json:
            out.writelines(
                orjson.dumps(dict(zip(columns, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE).decode()
                for row in everyone
            )
        else:
            spreadsheet.write(columns, everyone, out)

    if output is None or output == STANDARD_OUTPUT:
        write(sys.stdout)
        return
    with whole(output) as out:
        write(out)
