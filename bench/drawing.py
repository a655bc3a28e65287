"""Bars as SVG, by hand: the one plot of docs/benchmarks.md. Pure: names and numbers in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, NAMES, ROW, HEAD = 760, 170, 26, 34
COLOURS = ("#2f6f9f", "#7aa6c2", "#c98b3a")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its length, and the word at its end."""

    name: str
    value: float
    word: str
    ours: bool = False


def chart(groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Groups of bars, one below another, each with a scale of its own."""
    parts: list[str] = []
    y = 8
    for title, bars in groups:
        y += HEAD
        parts.append(f'<text class="t" x="8" y="{y - 10}">{escape(title)}</text>')
        most = max((bar.value for bar in bars), default=1.0) or 1.0
        for bar in bars:
            length = max(1.0, (WIDTH - NAMES - 190) * bar.value / most)
            colour = COLOURS[0] if bar.ours else COLOURS[1]
            parts.append(f'<text x="{NAMES - 8}" y="{y + 17}" text-anchor="end">{escape(bar.name)}</text>')
            parts.append(
                f'<rect x="{NAMES}" y="{y + 4}" width="{length:.1f}" height="{ROW - 8}" fill="{colour}"/>'
            )
            parts.append(f'<text x="{NAMES + length + 8:.1f}" y="{y + 17}">{escape(bar.word)}</text>')
            y += ROW
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 12}" viewBox="0 0 {WIDTH} {y + 12}"'
        ' role="img"><title>Benchmarks</title><style>text{font:13px sans-serif;fill:#333}.t{font-weight:bold}</style>'
        f'<rect width="{WIDTH}" height="{y + 12}" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>", ""])
