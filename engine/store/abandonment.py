"""How many live people waited too long, by campaign and day."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from engine.rules.abandonment import Measured

DAY = 86400.0
PERIOD_DAYS = 30
"""Days over which the share counts (47 CFR 64.1200(a)(7): 30 days, by campaign)."""


@dataclass(frozen=True, slots=True)
class Share:
    """Live calls of a campaign in a period, and how many of them were abandoned."""

    live: int
    abandoned: int

    @property
    def rate(self) -> float:
        """Between 0 and 1; 0 while there is none."""
        return self.abandoned / self.live if self.live else 0.0


def count(connection: sqlite3.Connection, campaign_id: int, measured: Measured, ended_at: float) -> None:
    """Count a call that ended, within the transaction that ends it: once, since an attempt ends once."""
    if measured.live:
        add(connection, campaign_id, int(ended_at // DAY), 1, measured.abandoned)


def add(connection: sqlite3.Connection, campaign_id: int, day: int, live: int, abandoned: int) -> None:
    """Count so many calls of a day that a live person answered."""
    connection.execute(
        "INSERT INTO abandonment (campaign_id, day, live, abandoned) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (campaign_id, day) DO UPDATE SET live = live + excluded.live, abandoned = abandoned + excluded.abandoned",
        (campaign_id, day, live, abandoned),
    )


def share(connection: sqlite3.Connection, campaign_id: int, now: float, days: int = PERIOD_DAYS) -> Share:
    """The campaign's share over the last `days` days, today (UTC) among them. At most so many rows are read."""
    today = int(now // DAY)
    live, abandoned = connection.execute(
        "SELECT coalesce(sum(live), 0), coalesce(sum(abandoned), 0) FROM abandonment"
        " WHERE campaign_id = ? AND day > ? AND day <= ?",
        (campaign_id, today - days, today),
    ).fetchone()
    return Share(live, abandoned)
