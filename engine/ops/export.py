"""A campaign's contacts, attempts, call events and answers as rows: for a spreadsheet, or for another program.

The columns are in sheets/*.sql. Rows come in pieces, each read in a moment of its own, so that an export of
millions neither fills the memory nor keeps the engine's write-ahead log from being cut. A row that changes
meanwhile is exported as it was at one of those moments.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from engine.errors import InputError, Problem
from engine.ops.books import SLICE, reading

What = Literal["contacts", "attempts", "events", "answers"]
Values = dict[str, Any]

FIELD = "field_"
"""In front of the columns of the contact's own fields, so that none of them is taken for one of ours."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns in their order, and rows as dictionaries with exactly those keys. Instants are ISO 8601 in
    UTC."""

    columns: tuple[str, ...]
    rows: Iterator[Values]


def sheet(database: Path, campaign: str, what: What, piece: int = SLICE) -> Sheet:
    """What is asked for of a campaign, read `piece` rows at a time.

    Raises StoreError, and InputError when there is no such campaign."""
    query = (resources.files("engine.ops") / "sheets" / f"{what}.sql").read_text(encoding="utf-8")
    with reading(database) as connection:
        row = connection.execute("SELECT id FROM campaigns WHERE name = ?", (campaign,)).fetchone()
        if row is None:
            raise InputError(
                [Problem("campaign", f"there is no campaign {campaign!r}", "see `volley status`")]
            )
        asked = {"campaign": row["id"], "after": 0, "after_seq": 0, "limit": 0}
        described = connection.execute(query, asked).description
        fields = _field_names(connection, row["id"]) if what == "contacts" else ()
    columns = tuple(column[0] for column in described if not column[0].startswith("_"))

    def rows() -> Iterator[Values]:
        asked["limit"] = piece
        while True:
            with reading(database) as connection:
                found = connection.execute(query, asked).fetchall()
            for one in found:
                yield {"campaign": campaign, **{name: one[name] for name in columns}, **_fields(one, fields)}
            if len(found) < piece:
                return
            asked["after"] = found[-1]["_id"]
            asked["after_seq"] = found[-1]["seq"] if what in ("events", "answers") else 0

    return Sheet(("campaign", *columns, *(FIELD + name for name in fields)), rows())


def _field_names(connection: sqlite3.Connection, campaign_id: int) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT DISTINCT f.key FROM contacts c, json_each(c.fields) f WHERE c.campaign_id = ? AND c.fields != '{}'"
        " ORDER BY 1",
        (campaign_id,),
    )
    return tuple(row[0] for row in rows)


def _fields(row: sqlite3.Row, names: tuple[str, ...]) -> Values:
    if not names:
        return {}
    fields = json.loads(row["_fields"])
    return {FIELD + name: fields.get(name) for name in names}
