"""`engine.ops.promises` as a person reads it on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine import durations
from engine.ops import palette, reasons
from engine.ops.books import instant
from engine.ops.printable import line
from engine.ops.promises import Callback, Callbacks

_STYLE = {"due": palette.FAIR, "kept": palette.GOOD, "missed": palette.BAD, "withdrawn": palette.QUIET}


def view(found: Callbacks, now: float) -> RenderableType:
    """Counts, and a row a promise."""
    counts = Text(", ").join(
        Text(f"{found.counts.get(state, 0):,} {state}", style=style) for state, style in _STYLE.items()
    )
    heading = Text.assemble("Callbacks: ", counts)
    if not found.listed:
        return heading
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("State", "Promised for", "Number"):
        table.add_column(name, no_wrap=True)
    for name in ("Campaign", "Contact", "What became of it"):
        table.add_column(name, overflow="fold")
    for one in found.listed:
        who = str(one.contact) if one.external_id is None else f"{one.contact} ({line(one.external_id)})"
        table.add_row(
            Text(one.state, style=_STYLE[one.state]),
            _second(one.due_at),
            one.number,
            one.campaign,
            who,
            _became(one, now),
        )
    return Group(heading, Text(), table)


def _second(at: float) -> str:
    return instant(at).replace("T", " ")


def _became(one: Callback, now: float) -> str:
    told = _so_far(one, now)
    return f"{told}; begins with {one.start}".removeprefix("; ") if one.start else told


def _so_far(one: Callback, now: float) -> str:
    if one.state == "kept" and one.kept_at is not None:
        return f"called {durations.text(max(0.0, one.kept_at - one.due_at))} after"
    if one.state != "due" or one.next_look_at is None:
        return ""
    if one.next_look_at > one.due_at + 1 and one.gate not in ("", "allowed"):
        return f"not before {_second(one.next_look_at)}: {reasons.sentence(one.gate)}"
    if one.due_at <= now:
        return f"due for {durations.text(now - one.due_at)}"
    return f"in {durations.text(one.due_at - now)}"
