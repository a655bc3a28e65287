"""The reference pages, taken apart: sections by their heading, rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.ops import log

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]
EVENTS = {
    name: value
    for name, value in vars(log).items()
    if name.isupper() and isinstance(value, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", value)
}
"""The event constants of the engine's log: name -> event."""


def section(page: str, heading: str) -> str:
    """The part of a page under `heading`, up to the next heading of its level or above."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(
        rf"^(#+) {re.escape(heading)}$(.*?)(?=^#{{1,6}} |\Z)", text, flags=re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/{page} has no heading {heading!r}"
    level = len(found[1])
    start = text.index(found[0]) + len(f"{found[1]} {heading}")
    end = re.search(rf"^#{{1,{level}}} ", text[start:], flags=re.MULTILINE)
    return text[start : start + end.start()] if end else text[start:]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables in `text`, without their headings."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        heading = at + 1 < len(lines) and re.match(r"^\|[-|]+\|$", lines[at + 1])
        if line.startswith("| ") and not heading:
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def first_table(text: str) -> str:
    """`text` up to the end of its first table."""
    found = re.search(r"^\|.*?(?=^[^|]|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found[0]
