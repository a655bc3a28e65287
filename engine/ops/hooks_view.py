"""`engine.ops.hooks` as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine import durations
from engine.ops import palette
from engine.ops.books import instant
from engine.ops.hooks import Failed, Hook
from engine.ops.printable import line

_STYLE = {
    "ok": palette.GOOD,
    "new": palette.FAIR,
    "failing": palette.BAD,
    "gone": palette.BAD,
    "not in settings": palette.QUIET,
}


def view(hooks: Sequence[Hook], now: float) -> RenderableType:
    """A row a hook, and the last error of each that has one."""
    if not hooks:
        return Text("no hooks: volley.toml has no [hook.<name>]")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("Hook", "State"):
        table.add_column(name, no_wrap=True)
    for name in ("Pending", "Oldest", "Delivered", "Failed", "Dropped"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("To", overflow="fold")
    errors = []
    for one in hooks:
        oldest = "" if one.oldest_at is None else durations.text(max(0.0, now - one.oldest_at))
        table.add_row(
            one.name,
            Text(one.state, style=_STYLE[one.state]),
            f"{one.pending:,}",
            oldest,
            f"{one.delivered:,}",
            f"{one.failed:,}",
            f"{one.dropped:,}",
            line(one.target),
        )
        if one.error_at is not None:
            errors.append(Text(f"{one.name}: {instant(one.error_at)}: {line(one.error)}"))
    return Group(table, *([Text(), Text("Last errors", style="bold"), *errors] if errors else []))


def view_failed(rows: Sequence[Failed]) -> RenderableType:
    """What was given up, a row an event."""
    if not rows:
        return Text("nothing was given up")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("Given up", "Event", "Of", "Tries", "Id"):
        table.add_column(name, no_wrap=True)
    table.add_column("Error", overflow="fold")
    for one in rows:
        table.add_row(
            instant(one.failed_at), one.event, str(one.subject), str(one.tries), one.id, line(one.error)
        )
    return table
