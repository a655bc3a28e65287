"""`engine.ops.status` as a person reads it on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine import durations
from engine.halts import Halt
from engine.ops import palette
from engine.ops.figures import CampaignStatus, Rates, Status
from engine.ops.printable import line
from engine.ops.trunk_view import ratio, table
from engine.rules.hours import local_time

SHOWN = 40
"""Campaigns in the table at most; `--json` has them all."""


def view(status: Status) -> RenderableType:
    """The whole picture. Columns: contacts done, waiting, in a call; calls begun in the last minute;
    answered of the calls that ended in five minutes; callbacks promised; when the next contact is due."""
    parts: list[RenderableType] = [_engine(status), Text(), table(status.trunks)]
    if status.campaigns:
        parts += [Text(), _campaigns(status)]
    else:
        parts += [Text(), Text("No campaign yet: hand one in with `volley submit`.", style=palette.QUIET)]
    if len(status.campaigns) == 1:
        parts += [Text(), _detail(status.campaigns[0], status.at)]
    return Group(*parts)


def _engine(status: Status) -> RenderableType:
    runs = (
        (f"runs (pid {status.engine_pid})", palette.GOOD)
        if status.engine_pid
        else ("does not run", palette.BAD)
    )
    return Group(
        *(Text(_halted(halt), style=palette.BAD) for halt in status.halts),
        Text.assemble("Engine ", runs, f", live calls {status.live_calls:,} of {status.max_channels:,}"),
        *(Text(_down(pbx), style=palette.BAD) for pbx in _unlinked(status)),
        Text(f"Last minute  {_rates(status.minute, 60)}"),
        Text(f"Five minutes {_rates(status.five_minutes, 300)}"),
    )


def _unlinked(status: Status) -> list[str]:
    return sorted({trunk.pbx for trunk in status.trunks if not trunk.linked})


def _down(pbx: str) -> str:
    return f"PBX {pbx} DOWN: nothing is dialed by it. `volley doctor` tells why."


def _halted(halt: Halt) -> str:
    since = local_time(halt.at, "UTC")
    until = "until `volley go`" if halt.until is None else f"until {local_time(halt.until, 'UTC')}"
    what = "STOPPED" if halt.kind == "stop" else "QUIET"
    return line(f"{what} since {since}, {until}, by {halt.by}: {halt.reason}. Nothing is dialed.")


def _rates(rates: Rates, seconds: int) -> str:
    return f"{rates.begun:,} calls begun ({rates.begun / seconds:.1f}/s), {rates.ended:,} ended, {ratio(rates)} of them answered"


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


def _campaigns(status: Status) -> Table:
    found = _table()
    found.add_column("Campaign", min_width=12, overflow="fold")
    found.add_column("State", min_width=9)
    found.add_column("Progress", min_width=10)
    for name in ("Done", "Wait", "Call", "/min", "Ans", "Back"):
        found.add_column(name, justify="right")
    found.add_column("Next", no_wrap=True)
    for one in status.campaigns[:SHOWN]:
        found.add_row(
            one.name,
            Text(one.state, style=palette.STATE.get(one.state, "")),
            ProgressBar(total=max(1, one.contacts), completed=one.done, width=10),
            f"{one.done:,}/{one.contacts:,}",
            f"{one.pending:,}",
            f"{one.in_call:,}",
            f"{one.minute.begun:,}",
            ratio(one.five_minutes),
            f"{one.callbacks_due:,}",
            "" if one.closed_at is not None else until(one.next_due, status.at),
        )
    if len(status.campaigns) > SHOWN:
        found.add_row(Text(f"and {len(status.campaigns) - SHOWN:,} more", style=palette.QUIET))
    return found


def until(at: float | None, now: float) -> str:
    """How long until an instant, for a person."""
    if at is None:
        return "-"
    return "now" if at <= now else f"in {durations.text(at - now)}"


def _detail(one: CampaignStatus, now: float) -> RenderableType:
    found = _table()
    found.add_column(Text(line(one.title or one.name)), min_width=24)
    found.add_column("Attempts", justify="right")
    if one.contact_dispositions is not None:
        found.add_column("Contacts", justify="right")
    contacts = one.contact_dispositions or {}
    for word in palette.listed(one.dispositions | contacts):
        cells = [f"{one.dispositions.get(word, 0):,}"]
        if one.contact_dispositions is not None:
            cells.append(f"{contacts.get(word, 0):,}")
        found.add_row(Text(word, style=palette.DISPOSITION.get(word, "")), *cells)
    notes = []
    if one.steered:
        notes.append("changed since it was accepted: " + ", ".join(sorted(one.steered)))
    if one.dispositions_of is not None:
        notes.append(f"of the newest {one.dispositions_of:,} attempts of all campaigns; --full counts all")
    if one.callbacks_due:
        notes.append(f"{one.callbacks_due:,} callbacks promised, the next {until(one.next_callback, now)}")
    return Group(found, Text("; ".join(notes), style=palette.QUIET)) if notes else found
