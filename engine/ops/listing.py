"""What the suppression lists say of a number, for those who read: the same question as the claim asks."""

from __future__ import annotations

import sqlite3

from engine.config import Settings
from engine.store.past import Lists, no_lists


def lists_of(settings: Settings, connection: sqlite3.Connection) -> Lists:
    """The lists of this engine's state directory, as `connection` sees them."""
    return no_lists
