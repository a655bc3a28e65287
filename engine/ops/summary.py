"""How a campaign went, in numbers: for the log, and as the tables at its end, coloured on a terminal and
plain in a file.

Counts every contact and attempt of the campaign, so it reads much: meant for a campaign's end. What goes on
now: `engine.ops.status`.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine import durations
from engine.config import Settings
from engine.ops import palette, reasons
from engine.ops.books import reading, snapshot
from engine.ops.printable import line

WIDTH = 100


@dataclass(slots=True)
class Summary:
    """A campaign's numbers. Times in seconds."""

    name: str
    title: str
    state: str
    began_at: float | None
    """When the first attempt was sent."""
    ended_at: float | None
    contacts: dict[str, int] = field(default_factory=dict)
    """Contacts that are done, by disposition."""
    open_contacts: int = 0
    attempts: dict[str, int] = field(default_factory=dict)
    goals: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    """Attempts that were sent, by kind: first, retry, callback."""
    sent: int = 0
    answered: int = 0
    talk: float = 0.0
    callbacks: dict[str, int] = field(default_factory=dict)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    """Question -> answer -> calls; not of questions whose answers are typed digits, or too many."""

    @property
    def answer_seizure_ratio(self) -> float | None:
        """Answered attempts of those sent; None where none was."""
        return self.answered / self.sent if self.sent else None


def dispositions(database: Path, campaign_id: int) -> dict[str, int]:
    """Contacts of a campaign that are done, by disposition. Raises StoreError."""
    with reading(database) as connection:
        return done_contacts(connection, campaign_id)


def done_contacts(connection: sqlite3.Connection, campaign_id: int) -> dict[str, int]:
    """Contacts that are done, by disposition; `NOT_DIALED` where there is none."""
    rows = connection.execute(
        "SELECT disposition, count(*) FROM contacts WHERE campaign_id = ? AND state = 'done' GROUP BY 1 ORDER BY 2 DESC",
        (campaign_id,),
    ).fetchall()
    return {row[0] or "NOT_DIALED": row[1] for row in rows}


def read(connection: sqlite3.Connection, campaign_id: int) -> Summary:
    """The numbers of one campaign."""
    found = Summary(
        *connection.execute(
            "SELECT name, title, state, NULL, closed_at FROM campaigns WHERE id = ?", (campaign_id,)
        ).fetchone()
    )
    found.contacts = done_contacts(connection, campaign_id)
    rows = connection.execute(
        "SELECT disposition, kind, count(*), sum(answered_at IS NOT NULL), sum(max(0, coalesce(ended_at - answered_at, 0))), min(sent_at),"
        " max(ended_at) FROM attempts WHERE campaign_id = ? AND disposition IS NOT NULL GROUP BY 1, 2",
        (campaign_id,),
    ).fetchall()
    last = None
    for word, kind, count, answered, talk, first, end in rows:
        found.attempts[word] = found.attempts.get(word, 0) + count
        if word != "NOT_SENT":
            found.kinds[kind] = found.kinds.get(kind, 0) + count
            found.sent += count
        found.answered += answered
        found.talk += talk
        found.began_at = min(filter(None, (found.began_at, first)), default=None)
        last = max(filter(None, (last, end)), default=None)
    found.ended_at = last if found.ended_at is None or last is None else min(found.ended_at, last)
    found.goals = dict(
        connection.execute(
            "SELECT goal, count(*) FROM contacts WHERE campaign_id = ? AND goal != '' GROUP BY 1 ORDER BY 2 DESC, 1",
            (campaign_id,),
        ).fetchall()
    )
    found.callbacks = dict(
        connection.execute(
            "SELECT b.state, count(*) FROM callbacks b JOIN contacts c ON c.id = b.contact_id WHERE c.campaign_id = ? GROUP BY 1",
            (campaign_id,),
        ).fetchall()
    )
    found.answers = _answers(connection, campaign_id)
    (found.open_contacts,) = connection.execute(
        "SELECT max(0, open_contacts) FROM campaigns WHERE id = ?", (campaign_id,)
    ).fetchone()
    return found


MOST_ANSWERS = 12
"""Different answers to a question, beyond which they are not counted here: the export has them."""


NUMBER = re.compile("[0-9]{5}")
"""An answer or a result with so many digits in a row may be somebody's number."""


def _answers(connection: sqlite3.Connection, campaign_id: int) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    typed = {
        row[0]
        for row in connection.execute(
            "SELECT n.key FROM campaigns k, json_each(k.manifest, '$.nodes') n WHERE k.id = ? AND n.value ->> 'kind' = 'digits'",
            (campaign_id,),
        )
    }
    rows = connection.execute(
        "SELECT e.value, count(*) FROM attempts a JOIN call_events e ON e.attempt_id = a.id AND e.kind = 'answer'"
        " WHERE a.campaign_id = ? AND e.value != '' GROUP BY 1 ORDER BY 2 DESC, 1",
        (campaign_id,),
    )
    for value, count in rows:
        question, _, answer = value.partition("=")
        if question not in typed and not NUMBER.search(answer):
            found.setdefault(question, {})[answer] = count
    return {question: answers for question, answers in found.items() if len(answers) <= MOST_ANSWERS}


def table(connection: sqlite3.Connection, campaign_id: int) -> RenderableType:
    """The summary of one campaign, for a terminal or a text file."""
    return tables(read(connection, campaign_id))


def tables(summary: Summary) -> RenderableType:
    """A summary's heading, dispositions, results and figures."""
    title = line(f"{summary.name} - {summary.title}") if summary.title else summary.name
    heading = Text.assemble(
        "Campaign ", (title, "bold"), "  ", (summary.state, palette.STATE.get(summary.state, ""))
    )
    parts: list[RenderableType] = [heading, _span(summary), Text(), _dispositions(summary)]
    if summary.goals:
        parts += [Text(), _goals(summary)]
    if summary.answers:
        parts += [Text(), _answered(summary)]
    return Group(*parts, Text(), _figures(summary))


def _span(summary: Summary) -> Text:
    if summary.began_at is None or summary.ended_at is None:
        return Text("nothing was dialed", style=palette.QUIET)
    began, ended = (
        datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for at in (summary.began_at, summary.ended_at)
    )
    return Text(
        f"{began} to {ended} UTC, {durations.text(summary.ended_at - summary.began_at)}", style=palette.QUIET
    )


def _plain_table(*columns: str) -> Table:
    found = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for at, name in enumerate(columns):
        found.add_column(name, justify="right" if at else "left", min_width=30 if not at else 9)
    return found


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else ""


def _dispositions(summary: Summary) -> Table:
    found = _plain_table("Disposition", "Contacts", "Share", "Attempts")
    total = sum(summary.contacts.values())
    for word in palette.listed(summary.contacts | summary.attempts):
        contacts, attempts = summary.contacts.get(word, 0), summary.attempts.get(word, 0)
        share = _share(contacts, total) if contacts else ""
        counts = (f"{count:,}" if count else "-" for count in (contacts, attempts))
        found.add_row(Text(word, style=palette.DISPOSITION.get(word, "")), next(counts), share, next(counts))
    if summary.open_contacts:
        found.add_row(Text("not done yet", style=palette.QUIET), f"{summary.open_contacts:,}", "", "")
    found.add_row(
        "all", f"{total + summary.open_contacts:,}", "", f"{sum(summary.attempts.values()):,}", style="bold"
    )
    return found


def _goals(summary: Summary) -> Table:
    found = _plain_table("Last call's result", "Contacts", "Share")
    total = sum(summary.contacts.values()) + summary.open_contacts
    for goal, count in summary.goals.items():
        found.add_row(reasons.result(goal), f"{count:,}", _share(count, total))
    return found


def _answered(summary: Summary) -> Table:
    found = _plain_table("Question and answer", "Calls", "Share")
    for question, answers in summary.answers.items():
        total = sum(answers.values())
        for answer, count in answers.items():
            found.add_row(f"{question}: {answer}", f"{count:,}", _share(count, total))
    return found


def _figures(summary: Summary) -> Table:
    found = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    found.add_column(min_width=30)
    found.add_column()
    ratio = summary.answer_seizure_ratio
    words = {"first": "first calls", "retry": "retries", "callback": "callbacks"}
    kinds = ", ".join(f"{summary.kinds.get(kind, 0):,} {plural}" for kind, plural in words.items())
    found.add_row("Attempts sent", f"{summary.sent:,} ({kinds})")
    if ratio is not None:
        found.add_row("Answer-seizure ratio", f"{100 * ratio:.1f} % ({summary.answered:,} answered)")
    if summary.answered:
        found.add_row(
            "Talk time",
            f"{durations.text(summary.talk)} in all, {summary.talk / summary.answered:.1f} s an answered call",
        )
    if summary.callbacks:
        told = [
            f"{summary.callbacks[state]:,} {state}"
            for state in ("kept", "due", "missed", "withdrawn")
            if state in summary.callbacks
        ]
        found.add_row("Callbacks promised", f"{sum(summary.callbacks.values()):,} ({', '.join(told)})")
    return found


def write(settings: Settings, campaign_id: int) -> Path:
    """Write the summary to `<state>/reports/<campaign>.txt`; returns that path. Raises StoreError."""
    with snapshot(settings.database) as connection:
        summary = read(connection, campaign_id)
    folder = settings.engine.state / "reports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{summary.name}.txt"
    with path.open("w", encoding="utf-8") as handle:
        Console(file=handle, width=WIDTH, color_system=None).print(tables(summary))
    return path
