"""Campaigns by the beginning of their names, for the shell's Tab key."""

from __future__ import annotations

from pathlib import Path

from engine.ops.books import reading

MOST = 100
"""Nobody reads more."""


def campaigns(database: Path, beginning: str) -> list[str]:
    """Names that begin so: open campaigns first, then those that were taken in last. Raises StoreError."""
    with reading(database) as connection:
        rows = connection.execute(
            "SELECT name FROM campaigns WHERE substr(name, 1, ?) = ? ORDER BY closed_at IS NOT NULL, id DESC LIMIT ?",
            (len(beginning), beginning, MOST),
        ).fetchall()
    return [row[0] for row in rows]
