"""The trunks of `engine.ops.status` as a person reads them on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.ops import palette
from engine.ops.figures import Rates, TrunkStatus
from engine.ops.printable import line


def table(trunks: list[TrunkStatus]) -> Table:
    """One line a trunk."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    found.add_column("Trunk", min_width=16)
    for name in ("Live", "of", "Calls/s", "of", "Answered"):
        found.add_column(name, justify="right")
    found.add_column("State")
    for trunk in trunks:
        limits = ("gone", "") if trunk.max_channels is None else (f"{trunk.max_channels:,}", f"{trunk.cps:g}")
        found.add_row(
            trunk.name,
            f"{trunk.live_calls:,}",
            limits[0],
            f"{trunk.minute.begun / 60:.1f}",
            limits[1],
            ratio(trunk.minute),
            state(trunk),
        )
    return found


def state(trunk: TrunkStatus) -> Text:
    """Whether it gets calls."""
    if trunk.drained:
        return Text("drained", style=palette.QUIET)
    if not trunk.linked:
        return Text("no link to its PBX", style=palette.BAD)
    words = {"open": "breaker open", "half_open": "breaker half open"}
    if trunk.breaker in words:
        return Text(f"{words[trunk.breaker]}: {line(trunk.breaker_reason)}", style=palette.BAD)
    return Text("" if trunk.max_channels is None else "in use")


def view(trunks: list[TrunkStatus]) -> RenderableType:
    """All of them, and how calls are given to them."""
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    rows.add_column("Trunk", min_width=16)
    rows.add_column("PBX")
    rows.add_column("Priority", justify="right")
    rows.add_column("Weight", justify="right")
    for trunk in trunks:
        if trunk.max_channels is not None:
            rows.add_row(trunk.name, trunk.pbx, str(trunk.priority), f"{trunk.weight:g}")
    return Group(table(trunks), Text(), rows)


def ratio(rates: Rates) -> str:
    """Answered of ended, in per cent."""
    found = rates.answer_seizure_ratio
    return "-" if found is None else f"{100 * found:.0f} %"
