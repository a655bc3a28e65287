"""`volley backup`: a whole and checked copy of the database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.options import CONFIG, Config, Json, settings_of
from engine.cli.output import say, say_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley backup /var/backups/volley-2026-11-24.db")(backup)


def backup(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The copy to make, or with --verify to check.", show_default=False
        ),
    ],
    verify: Annotated[bool, typer.Option("--verify", help="Check a copy that was made before.")] = False,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Copy the database to FILE while the engine runs, and check the copy from end to end (integrity_check).

    FILE must not exist; it appears when it is whole and good, readable by you alone. An old copy knows nothing
    of the calls and opt-outs made since: an engine that is started on one pauses every campaign when its PBX
    remembers newer calls (docs/recovery.md).
    """
    from engine.ops.books import instant
    from engine.store import backup as backups

    found = backups.verify(file) if verify else backups.back_up(settings_of(config).database, file)
    if as_json:
        say_json({**asdict(found), "path": str(found.path)})
        return
    newest = f", the last attempt at {instant(found.newest)}" if found.newest else ""
    say(
        f"{found.path}: whole, {found.size:,} bytes; {found.campaigns:,} campaigns, {found.contacts:,} contacts,"
        f" {found.attempts:,} attempts, {found.suppressed:,} numbers never to be called{newest}"
    )
