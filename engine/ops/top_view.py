"""`engine.ops.top` as a person reads it: one screen of a terminal, at any size, with colours or without.

Every word that a colour says is written too. What does not fit is left out from the least urgent on: columns by width, then lines by
height; how many campaigns and trunks are not shown is told.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.ops import palette
from engine.ops.figures import CampaignStatus, Rates, TrunkStatus
from engine.ops.printable import line
from engine.ops.tally import Trouble
from engine.ops.top import STEERABLE, Picture, Top

KEYS = "p pause  r resume  d drain all  up/down choose  q quit"
WORDS = {"ANSWERED_HUMAN": "human", "ANSWERED_MACHINE": "machine", "ANSWERED_UNSURE": "unsure"}
MOST_TRUNKS, MOST_TROUBLES = 4, 3
"""Lines for trunks and for troubles while campaigns need the room."""
ENDLESS = 100_000
LEVEL = {"warning": palette.POOR, "error": palette.BAD}


def view(
    top: Top, picture: Picture, width: int, height: int | None = None, problem: str = ""
) -> RenderableType:
    """One screen of this height; without one, everything. `problem`: why the books cannot be read now; the picture is an old
    one then."""
    head = _head(picture, problem)
    campaigns = picture.status.campaigns
    room = (height or ENDLESS) - len(head) - 1  # the last line
    trunks = min(len(picture.status.trunks), MOST_TRUNKS)
    grouped = _grouped(picture.troubles)
    troubles = min(len(grouped), MOST_TROUBLES)
    if room - (trunks + 2) - (troubles + 2) < 4:
        troubles = 0
    if room - (trunks + 2) < 3:
        trunks = 0
    lines: list[RenderableType] = list(head)
    if trunks:
        spare = room - (trunks + 2) - (troubles + 2 if troubles else 0) - (len(campaigns) + 2)
        trunks = min(len(picture.status.trunks), trunks + max(0, spare))
        lines += [Text(), _trunks(picture, trunks, width)]
        room -= trunks + 2
    shown = max(0, min(len(campaigns), room - 2 - (troubles + 2 if troubles else 0)))
    if shown:
        lines += [Text(), _campaigns(top, picture, shown, width)]
        room -= shown + 2
    elif not campaigns and room > 1:
        none = Text("No campaign yet: hand one in with `volley submit`.", style=palette.QUIET)
        none.truncate(width, overflow="ellipsis")
        lines += [Text(), none]
        room -= 2
    if troubles and room > 2:
        lines += _troubles(grouped[: room - 2], width)
        room -= min(len(grouped), room - 2) + 2
    if height is None:
        return Group(*lines)
    lines += [Text()] * room
    return Group(*lines, _last(top, len(campaigns) - shown, width))


def _head(picture: Picture, problem: str) -> list[Text]:
    status, pulse = picture.status, picture.pulse
    clock = datetime.fromtimestamp(status.at, UTC).strftime("%H:%M:%S UTC")
    if problem:
        first = Text.assemble((f"{line(problem)}; as of {clock}", palette.BAD))
    elif status.engine_pid is None:
        first = Text.assemble("Engine ", ("DOES NOT RUN", palette.BAD), f": its books as they stand, {clock}")
    elif pulse is None:
        first = Text.assemble(
            "Engine runs ",
            ("but tells nothing", palette.POOR),
            f" (busy, or not yours; pid {status.engine_pid})  {clock}",
        )
    else:
        first = Text.assemble(
            "Engine ",
            ("runs", palette.GOOD),
            f" ({short(pulse.at - pulse.started)}, pid {status.engine_pid})",
            f"  {clock}",
        )
        for pbx in pulse.pbxs:
            up = ("up", palette.GOOD) if pbx.up else ("DOWN", palette.BAD)
            first.append_text(Text.assemble("  PBX ", pbx.name, " ", up))
        if pulse.fault:
            first = Text.assemble(
                ("DATABASE REFUSES", palette.BAD), f", nothing is dialed: {line(pulse.fault)}"
            )
    live = status.live_calls if pulse is None else pulse.live
    states = (
        " in the books"
        if pulse is None
        else ": " + ", ".join(f"{count:,} {state}" for state, count in pulse.calls.items())
    )
    lines = [
        first,
        Text(f"Calls  {live:,} of {status.max_channels:,}{states}"),
        Text(
            f"Rate   {picture.rate:.1f}/s of {status.cps:g}, minute {status.minute.begun / 60:.1f}/s"
            f"   Answered {_ratio(status.five_minutes)} of {status.five_minutes.ended:,} ended in 5 min"
        ),
        Text(f"Who    {_who(picture.outlook.answered)}"),
    ]
    if picture.times:
        told = ", ".join(f"{name} {_times(*times)}" for name, times in picture.times.items())
        lines.append(Text(f"Times  {told} ms (half/95 %)"))
    for one in lines:
        one.no_wrap, one.overflow = True, "ellipsis"
    return lines


def _who(answered: dict[str, int]) -> str:
    count = sum(answered.values())
    if not count:
        return "nobody answered in 5 min"
    shares = ", ".join(f"{word} {100 * answered.get(key, 0) / count:.0f} %" for key, word in WORDS.items())
    return f"{shares} of {count:,} answered in 5 min"


def _times(half: float, most: float) -> str:
    return f"{_ms(half)}/{_ms(most)}"


def _ms(seconds: float) -> str:
    return "long" if seconds == float("inf") else f"{1000 * seconds:g}"


def _ratio(rates: Rates) -> str:
    ratio = rates.answer_seizure_ratio
    return "-" if ratio is None else f"{100 * ratio:.0f} %"


def _trunks(picture: Picture, count: int, width: int) -> Table:
    apart = 2 if width >= 72 else 1
    found = Table(box=None, pad_edge=False, padding=(0, apart, 0, 0), header_style="bold")
    found.add_column("Trunk", width=18 if width >= 72 else 12, no_wrap=True, overflow="ellipsis")
    found.add_column("State", min_width=9, max_width=17, no_wrap=True, overflow="ellipsis")
    for name in ("Live", "of", "Calls/s", "of", "Answered"):
        found.add_column(name, justify="right", no_wrap=True)
    for trunk in picture.status.trunks[:count]:
        state = _state(picture, trunk)
        limits = ("gone", "") if trunk.max_channels is None else (f"{trunk.max_channels:,}", f"{trunk.cps:g}")
        found.add_row(
            Text(trunk.name),
            Text(
                state, style=palette.GOOD if state == "up" else palette.QUIET if state == "-" else palette.BAD
            ),
            f"{trunk.live_calls:,}",
            limits[0],
            f"{picture.trunk_rates.get(trunk.name, 0.0):.1f}",
            limits[1],
            _ratio(trunk.minute),
        )
    return found


def _state(picture: Picture, trunk: TrunkStatus) -> str:
    """The word of the running engine, `-` without one; and before that whatever the books say against dialing by it."""
    if trunk.drained:
        return "drained"
    if trunk.breaker != "closed":
        return f"breaker {trunk.breaker.replace('_', ' ')}"
    told = {one.name: one.state for one in picture.pulse.trunks} if picture.pulse else {}
    return told.get(trunk.name, "-")


COLUMNS = (
    ("State", 9, 0), ("Progress", 8, 72), ("Done", 5, 0), ("Left", 9, 48), ("Call", 5, 56), ("/min", 5, 72), ("Ans", 5, 72),
    ("Ends in", 7, 0),
)  # fmt: skip
"""Of campaigns, beside the name: heading, width, and the width of the screen from which on it is shown."""


def _campaigns(top: Top, picture: Picture, count: int, width: int) -> Table:
    columns = [(heading, size) for heading, size, least in COLUMNS if width >= least]
    spare = width - 2 - sum(size + 1 for _, size in columns) - 1
    name = max(8, min(spare, 32))
    bar = 8 + max(0, min(32, spare - name))
    found = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    found.add_column(" ", width=1)
    found.add_column("Campaign", width=name, no_wrap=True, overflow="ellipsis")
    for heading, size in columns:
        left = heading in ("State", "Progress")
        found.add_column(
            heading,
            width=bar if heading == "Progress" else size,
            justify="left" if left else "right",
            no_wrap=True,
        )
    for one in _window(picture.status.campaigns, top.chosen, count):
        chosen = one.name == top.chosen
        cells = _cells(picture, one, bar)
        found.add_row(
            Text(">" if chosen else " ", style="bold"),
            Text(one.name, style="bold" if chosen else "" if one.state in STEERABLE else palette.QUIET),
            *(cells[heading] for heading, _ in columns),
        )
    return found


def _cells(picture: Picture, one: CampaignStatus, bar: int) -> dict[str, RenderableType]:
    left = max(0, one.contacts - one.done)
    return {
        "State": Text(one.state, style=palette.STATE.get(one.state, "")),
        "Progress": ProgressBar(
            total=max(1, one.contacts),
            completed=one.done,
            width=bar,
            complete_style=palette.GOOD,
            finished_style=palette.GOOD,
        ),
        "Done": f"{int(100 * one.done / one.contacts)} %" if one.contacts else "-",
        "Left": f"{left:,}",
        "Call": f"{one.in_call:,}",
        "/min": f"{one.minute.begun:,}",
        "Ans": _ratio(one.five_minutes),
        "Ends in": _ends(picture, one, left),
    }


def _window(campaigns: list[CampaignStatus], chosen: str, count: int) -> list[CampaignStatus]:
    """As many as there is room for, with the chosen one among them."""
    at = next((at for at, one in enumerate(campaigns) if one.name == chosen), 0)
    first = max(0, min(at - count // 2, len(campaigns) - count))
    return campaigns[first : first + count]


def _ends(picture: Picture, one: CampaignStatus, left: int) -> str:
    """How long it will take at the pace of the last minutes; or, with a plus, until when nobody is due."""
    now = picture.status.at
    if one.closed_at is not None or not left:
        return ""
    if one.state == "paused":
        return "paused"
    if one.start_at > now:
        return f"+{short(one.start_at - now)}"
    if one.next_due is not None and one.next_due > now and not one.in_call:
        return f"+{short(one.next_due - now)}"
    seconds = picture.outlook.ends_in(one.name, left)
    return "-" if seconds is None else short(seconds)


def _grouped(troubles: list[Trouble]) -> list[tuple[Trouble, int]]:
    """The newest first; several of one event in a row are one, with their count."""
    found: list[tuple[Trouble, int]] = []
    for one in reversed(troubles):
        last, count = found[-1] if found else (None, 0)
        if last is not None and (last.level, last.event) == (one.level, one.event):
            found[-1] = last, count + 1
        else:
            found.append((one, 1))
    return found


def _troubles(troubles: list[tuple[Trouble, int]], width: int) -> list[RenderableType]:
    found: list[RenderableType] = [Text(), Text("Last warnings and errors", style="bold")]
    for one, count in troubles:
        times = f" {count} times" if count > 1 else ""
        text = Text.assemble(
            f"{one.time[11:19]} ", (one.level, LEVEL.get(one.level, "")), f" {one.event}{times} {line(one.text)}",
            no_wrap=True, overflow="ellipsis",
        )  # fmt: skip
        text.truncate(width, overflow="ellipsis")
        found.append(text)
    return found


def _last(top: Top, hidden: int, width: int) -> Text:
    if top.confirming:
        count = len(top.confirming)
        what = f"campaign {top.confirming[0]}" if count == 1 else f"all {count} campaigns"
        text = f"Drain: pause {what}? Calls that live run to their end. y yes, any other key no"
        found = Text(text, style="reverse")
    elif top.note:
        found = Text(line(top.note), style="reverse")
    else:
        more = f"   ({hidden:,} campaigns not shown)" if hidden > 0 else ""
        found = Text(KEYS + more, style=palette.QUIET)
    found.truncate(width, overflow="ellipsis")
    return found


def short(seconds: float) -> str:
    """A length of time in at most two units, such as `3h20m`."""
    rest = round(seconds)
    if rest < 60:
        return f"{rest}s"
    if rest < 3600:
        return f"{rest // 60}m"
    if rest < 86400:
        return f"{rest // 3600}h{rest % 3600 // 60:02d}m"
    days = rest // 86400
    return f"{days}d{rest % 86400 // 3600}h" if days < 100 else f"{days}d"
