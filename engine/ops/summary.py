"""How a campaign went, in numbers: for the log, for `volley status`, and as the table at its end."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.config import Settings
from engine.store.database import open_reader


def dispositions(database: Path, campaign_id: int) -> dict[str, int]:
    """Contacts of a campaign that are done, by disposition."""
    with contextlib.closing(open_reader(database)) as connection:
        return done_contacts(connection, campaign_id)


def done_contacts(connection: sqlite3.Connection, campaign_id: int) -> dict[str, int]:
    rows = connection.execute("SELECT disposition, count(*) FROM contacts WHERE campaign_id = ? AND state = 'done' GROUP BY 1 ORDER BY 2 DESC",
                              (campaign_id,)).fetchall()
    return {row[0] or "NOT_DIALED": row[1] for row in rows}


def table(connection: sqlite3.Connection, campaign_id: int) -> Table:
    """The summary of one campaign as a table for a terminal or a text file."""
    (name,) = connection.execute("SELECT name FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
    contacts = done_contacts(connection, campaign_id)
    attempts = dict(connection.execute("SELECT disposition, count(*) FROM attempts WHERE campaign_id = ? AND disposition IS NOT NULL GROUP BY 1",
                                       (campaign_id,)).fetchall())
    goals = dict(connection.execute("SELECT goal, count(*) FROM contacts WHERE campaign_id = ? AND goal != '' GROUP BY 1", (campaign_id,)).fetchall())
    total = sum(contacts.values()) or 1
    found = Table(title=f"Campaign {name}", caption=", ".join(f"{goal} {count}" for goal, count in sorted(goals.items(), key=lambda item: -item[1])))
    found.add_column("Disposition")
    found.add_column("Contacts", justify="right")
    found.add_column("Share", justify="right")
    found.add_column("Attempts", justify="right")
    for word in sorted(contacts.keys() | attempts.keys(), key=lambda one: -contacts.get(one, 0)):
        count = contacts.get(word, 0)
        found.add_row(word, str(count), f"{100 * count / total:.1f} %", str(attempts.get(word, 0)))
    found.add_section()
    found.add_row("all", str(sum(contacts.values())), "", str(sum(attempts.values())))
    return found


def write(settings: Settings, campaign_id: int) -> Path:
    """Write the summary to `<state>/reports/<campaign>.txt`; returns that path."""
    with contextlib.closing(open_reader(settings.database)) as connection:
        (name,) = connection.execute("SELECT name FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()
        folder = settings.engine.state / "reports"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{name}.txt"
        with path.open("w", encoding="utf-8") as handle:
            Console(file=handle, width=100).print(table(connection, campaign_id))
    return path
