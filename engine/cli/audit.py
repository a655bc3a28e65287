"""`volley audit`: who changed what, and whether the log of it is whole."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import say, say_json
from engine.errors import InputError, Problem
from engine.ops.printable import line

group = typer.Typer(
    name="audit",
    help="Who changed what, and whether the log of it is whole.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group)


@group.command(epilog="Example: volley audit verify --log /var/log/volley/volley.log")
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            "--head", metavar="ID:HASH", help="A head that was kept elsewhere; may be given several times."
        ),
    ] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option("--log", metavar="FILE", help="Take every head in this log file (also .gz) too."),
    ] = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Walk the whole log and tell which row is the first that is wrong: changed, missing, put in, cut off.

    A cut-off end shows only against a head that was kept elsewhere: in the engine's logs, or printed by
    `volley audit head`. Exit code 0 when the log is whole, 1 when it is not.
    """
    from engine.ops import audit as reader

    settings = settings_of(config)
    heads = [reader.head_of(text) for text in head or ()]
    for path in log or ():
        found = reader.heads_in(path)
        if not found:
            raise InputError([Problem(str(path), "holds no head of an audit log", "is it the engine's log?")])
        heads += found
    begun = time.monotonic()
    chain = reader.verify(settings.database, heads)
    broken = chain.broken
    if as_json:
        say_json(
            {
                "whole": broken is None, "rows": chain.head.id, "head": str(chain.head), "heads_checked": len(heads),
                "broken": broken and asdict(broken),
            }
        )  # fmt: skip
    elif broken is None:
        checked = f", {len(heads):,} heads met" if heads else ""
        say(f"the log is whole: {chain.head.id:,} rows in {time.monotonic() - begun:.1f} s{checked}")
        say(f"head {chain.head}")
    else:
        where = "the log" if broken.row is None else f"row {broken.row}"
        say(f"{where} is wrong: {broken.what}")
        say(f"{chain.head.id:,} rows before that are right")
    raise typer.Exit(0 if broken is None else 1)


@group.command("list", epilog="Example: volley audit list --since 2026-11-01 --action campaign")
def list_(
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="From then on: a date, an instant, or 2d, 12h ago.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="WHEN", help="To before then.")] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="ACTION", help="campaign.paused, or all of campaign.")
    ] = "",
    subject: Annotated[
        str, typer.Option("--subject", metavar="TEXT", help="Part of the subject, such as a campaign's id.")
    ] = "",
    actor: Annotated[str, typer.Option("--actor", metavar="NAME", help="Only what this one did.")] = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Print the entries, oldest first, tab-separated: id, instant (UTC), actor, action, subject, details. With
    --json one object a line. Numbers stand by their id."""
    import orjson

    from engine.ops import audit as reader
    from engine.ops.books import instant

    settings = settings_of(config)
    now = time.time()
    problems: list[Problem] = []
    spans = [_when("--since", since, now, problems), _when("--until", until, now, problems)]
    if problems:
        raise InputError(problems)
    found = reader.entries(
        settings.database,
        since=float("-inf") if spans[0] is None else spans[0],
        until=float("inf") if spans[1] is None else spans[1],
        action=action,
        subject=subject,
        actor=actor,
    )
    for one in found:
        if as_json:
            print(orjson.dumps(asdict(one)).decode())
        else:
            details = orjson.dumps(one.details).decode()
            say(
                "\t".join(
                    map(line, (str(one.id), instant(one.at), one.actor, one.action, one.subject, details))
                )
            )


@group.command(epilog="Example: volley audit head >> /mnt/elsewhere/volley-heads")
def head(config: Config = CONFIG, as_json: Json = False) -> None:
    """Print the newest row's id and hash. Kept elsewhere, it proves later that nothing up to it is missing."""
    from engine.ops import audit as reader

    found = reader.head(settings_of(config).database)
    if as_json:
        say_json({"id": found.id, "hash": found.hash.hex(), "head": str(found)})
    else:
        say(str(found))


def _when(option: str, text: str, now: float, problems: list[Problem]) -> float | None:
    """POSIX seconds of a date or instant (UTC unless it has an offset) or of a time ago; None for nothing."""
    from engine import durations

    if not text:
        return None
    try:
        return now - durations.seconds(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        problems.append(
            Problem(option, f"{text!r} is no instant", "write 2026-11-24, 2026-11-24T09:00:00+01:00, or 2d")
        )
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
