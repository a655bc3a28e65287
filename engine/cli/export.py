"""`volley export`: a campaign's results for a spreadsheet or another program."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from engine.cli.options import CONFIG, CampaignName, Config, settings_of

if TYPE_CHECKING:
    from engine.ops.export import Sheet


class Format(StrEnum):
    csv = "csv"
    jsonl = "jsonl"


class What(StrEnum):
    contacts = "contacts"
    answers = "answers"
    attempts = "attempts"
    events = "events"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley export flu-shots --what attempts -o attempts.csv")(export)


def export(
    campaign: CampaignName,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="CSV for spreadsheets, JSON Lines for programs.")
    ] = Format.csv,
    what: Annotated[
        What, typer.Option("--what", help="One row a contact, a dialed attempt, or an event within a call.")
    ] = What.contacts,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    config: Config = CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
) -> None:
    """Write a campaign's contacts, attempts or call events, with every column; instants are ISO 8601 in UTC.

    CSV is safe to open in a spreadsheet: a cell that begins with = + - @, a tab or a line break gets an
    apostrophe in front, also within a cell after a semicolon, tab or line break. Plain numbers stay as they
    are, so +33199001042 is usable. JSON Lines hold every value untouched. cause is the Q.850 hangup cause,
    sip the final SIP code; the contact's own columns begin with field_. A FILE is readable by you alone,
    begins with a byte-order mark (CSV), and appears when it is complete.
    """
    from engine.ops import export as exports
    from engine.ops.whole_file import STANDARD_OUTPUT, whole

    sheet = exports.sheet(settings_of(config).database, campaign, what.value)
    form = Format.jsonl if as_json else form
    if output is None or output == STANDARD_OUTPUT:
        _write(sheet, form, sys.stdout)
        return
    with whole(output) as out:
        if form is Format.csv:
            out.write("\ufeff")
        _write(sheet, form, out)


def _write(sheet: Sheet, form: Format, out: TextIO) -> None:
    import orjson

    from engine.ops import spreadsheet

    if form is Format.csv:
        spreadsheet.write(sheet.columns, ([row[name] for name in sheet.columns] for row in sheet.rows), out)
    else:
        out.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode() for row in sheet.rows)
