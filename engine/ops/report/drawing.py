"""Plots as SVG. Positions across are percentages, so that a plot takes the width that it is given while its words keep their size;
heights are pixels. Knows shares and names of fills, and nothing of campaigns.

A fill is a tone (a colour of page.css, another one on a dark page) and a texture; in each tone no two have the same texture, and every
part of a plot says its name and number, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from engine.ops.printable import line

FILLS: Mapping[str, tuple[str, str]] = {
    "ANSWERED_HUMAN": ("good", "plain"),
    "ANSWERED_MACHINE": ("fair", "hatch"),
    "ANSWERED_UNSURE": ("fair", "dots"),
    "NO_ANSWER": ("poor", "plain"),
    "BUSY": ("poor", "hatch"),
    "REJECTED": ("poor", "dots"),
    "CONGESTION": ("full", "plain"),
    "INVALID_NUMBER": ("bad", "plain"),
    "FAILED": ("bad", "hatch"),
    "UNKNOWN": ("bad", "dots"),
    "CANCELLED": ("quiet", "bars"),
    "SUPPRESSED": ("quiet", "hatch"),
    "EXPIRED": ("quiet", "dots"),
    "NOT_SENT": ("quiet", "lines"),
    "NOT_DIALED": ("quiet", "cross"),
    "plain": ("fair", "plain"),
    "rest": ("quiet", "plain"),
}

_TEXTURES = {
    "plain": "",
    "hatch": '<path d="M-2 2L2-2M0 8L8 0M6 10L10 6" class="texture"/>',
    "dots": '<path d="M2 2h.01M6 6h.01" class="texture dots"/>',
    "lines": '<path d="M0 2H8M0 6H8" class="texture"/>',
    "bars": '<path d="M2 0V8M6 0V8" class="texture"/>',
    "cross": '<path d="M2 0V8M6 0V8M0 2H8M0 6H8" class="texture"/>',
}

HEIGHT = 220
"""Of the columns; below them is the axis."""
AXIS = 22
GAP = 0.12
"""Share of a column's place that stays empty."""
LEAST = 0.4
"""Percent of a bar's width that even one of a million gets: it is there."""


def known(fill: str) -> str:
    """A fill of that name; `rest` where there is none (books of another version)."""
    return fill if fill in FILLS else "rest"


def textures() -> Markup:
    """What the fills of all plots on a page refer to: once, at its start."""
    patterns = [
        f'<pattern id="fill-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" class="tone-{tone}"/>{_TEXTURES[texture]}</pattern>'
        for name, (tone, texture) in FILLS.items()
    ]
    return Markup(
        '<svg class="textures" width="0" height="0" aria-hidden="true"><defs>{}</defs></svg>'
    ).format(Markup("".join(patterns)))


def swatch(fill: str) -> Markup:
    """A fill, for a legend."""
    return Markup('<svg class="swatch" width="14" height="14" aria-hidden="true">{}</svg>').format(
        _rect(0, 0, "14", "14", fill)
    )


def bar(parts: Sequence[tuple[str, float]], mark: float | None = None) -> Markup:
    """A lying bar of (fill, share) one after another, and a mark at a share. Its numbers stand beside it, so it is hidden from readers that
    cannot see."""
    drawn, at = [], 0.0
    for fill, share in parts:
        if share > 0:
            drawn.append(_rect(f"{100 * at:.2f}%", 0, f"{max(100 * share, LEAST):.2f}%", "100%", fill))
            at += share
    if mark is not None:
        place = f"{100 * mark:.2f}%"
        drawn.append(Markup('<line x1="{0}" x2="{0}" y1="0" y2="100%" class="mark"/>').format(place))
    return Markup('<svg class="bar" width="100%" height="12" aria-hidden="true">{}</svg>').format(
        Markup("").join(drawn)
    )


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below the columns, at a share of their width."""

    at: float
    text: str


def columns(
    stacks: Sequence[Sequence[tuple[str, int, str]]], ticks: Iterable[Tick], title: str, told: str
) -> Markup:
    """Standing columns of (fill, amount, words), from the bottom up. `title` names the plot, `told` says what is to be seen in it."""
    most = max((sum(amount for _, amount, _ in stack) for stack in stacks), default=0)
    marks = scale(most)
    top = marks[-1]
    drawn: list[Markup] = []
    for value in marks:
        y = _height(value, top)
        drawn.append(Markup('<line x1="0" x2="100%" y1="{0}" y2="{0}" class="grid"/>').format(y))
    place = 100 / max(1, len(stacks))
    for at, stack in enumerate(stacks):
        below = 0
        for fill, amount, words in stack:
            y, bottom = _height(below + amount, top), _height(below, top)
            x, width = f"{place * (at + GAP / 2):.3f}%", f"{place * (1 - GAP):.3f}%"
            drawn.append(_rect(x, y, width, f"{bottom - y:.1f}", fill, words))
            below += amount
    for tick in ticks:
        anchor = "start" if tick.at < 0.06 else "end" if tick.at > 0.94 else "middle"
        drawn.append(
            Markup(
                '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" class="tick"/><text x="{0}" y="{3}" text-anchor="{4}">{5}</text>'
            ).format(f"{100 * tick.at:.2f}%", HEIGHT, HEIGHT + 5, HEIGHT + 19, anchor, tick.text)
        )
    labels = [
        Markup('<text x="100%" y="{}" text-anchor="end">{}</text>').format(
            _height(value, top) + 4, f"{value:,}"
        )
        for value in marks
    ]
    return Markup(
        '<div class="plot"><svg class="scale" width="{width}" height="{height}" aria-hidden="true">{labels}</svg>'
        '<svg class="columns" width="100%" height="{height}" role="img" aria-label="{title}. {told}">{drawn}</svg></div>'
    ).format(
        width=7 * len(f"{top:,}") + 6, height=HEIGHT + AXIS, labels=Markup("").join(labels), title=title, told=told,
        drawn=Markup("").join(drawn),
    )  # fmt: skip


def scale(most: int) -> list[int]:
    """Round values from 0 to `most` or above, five or so of them."""
    step = 1
    while step * 5 < most:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return [step * times for times in range(-(-max(most, 1) // step) + 1)]


def _height(value: float, top: int) -> float:
    return round(8 + (HEIGHT - 8) * (1 - value / top), 1)


def _rect(x: object, y: object, width: str, height: str, fill: str, words: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(line(words)) if words else Markup("")
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="url(#fill-{})">{}</rect>').format(
        x, y, width, height, fill, title
    )
