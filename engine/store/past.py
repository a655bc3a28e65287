"""What the database and the lists know of a number, for the gate: asked in the claim's own transaction, and only what the
rules of the callee's place need.

Knows rows. What follows from them: `engine.rules.gate`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from engine.rules.book import After, Scope
from engine.rules.day_caps import DAY
from engine.rules.gate import Listing, Used
from engine.store import abandonment
from engine.store.listing import Lists

_SCOPES: dict[Scope, str] = {
    "campaign": """
SELECT created_at FROM attempts WHERE number_id = :number AND created_at > :since AND campaign_id = :campaign
 AND (disposition IS NULL OR rang OR answered_at IS NOT NULL
  OR disposition NOT IN ('NOT_SENT', 'CONGESTION', 'CANCELLED')) ORDER BY created_at DESC LIMIT :most
""",
    "owner": """
SELECT created_at FROM attempts WHERE number_id = :number AND created_at > :since AND campaign_id IN
 (SELECT id FROM campaigns WHERE owner = :owner AND purpose = :purpose)
 AND (disposition IS NULL OR rang OR answered_at IS NOT NULL
  OR disposition NOT IN ('NOT_SENT', 'CONGESTION', 'CANCELLED')) ORDER BY created_at DESC LIMIT :most
""",
    "all": """
SELECT created_at FROM attempts WHERE number_id = :number AND created_at > :since
 AND (disposition IS NULL OR rang OR answered_at IS NOT NULL
  OR disposition NOT IN ('NOT_SENT', 'CONGESTION', 'CANCELLED')) ORDER BY created_at DESC LIMIT :most
""",
}
"""What rang, or may have rung, at the callee's: an attempt that never left, or that the trunk refused, is no call to anybody."""

_LAST = "SELECT max(coalesce(ended_at, created_at)) FROM attempts WHERE number_id = ? AND "
_EVENTS: dict[After, str] = {
    "refusal": _LAST + "(disposition = 'REJECTED' OR result = 'opted_out')",
    "abandoned": _LAST + "abandoned = 1",
    "machine": _LAST + "disposition = 'ANSWERED_MACHINE'",
    "conversation": _LAST + "disposition IN ('ANSWERED_HUMAN', 'ANSWERED_UNSURE')",
}
"""When a call ended, the event is over; before that it has not happened. An unsure verdict may have been a person."""


@dataclass(frozen=True, slots=True)
class Matter:
    """By what earlier calls are counted: the campaign, and its owner and purpose, which other campaigns may share."""

    campaign_id: int
    """0 for a campaign that is not in the database yet: none of the calls were its own."""
    owner: str
    purpose: str


def matter_of(connection: sqlite3.Connection, campaign_id: int) -> Matter:
    """That of a campaign in the database."""
    return Matter(
        *connection.execute(
            "SELECT id, owner, purpose FROM campaigns WHERE id = ?", (campaign_id,)
        ).fetchone()
    )


class StoredPast:
    """The past of one number, for one campaign. `share`: the campaign's answered and abandoned calls of 30 days; asked
    of the database when it is not given."""

    __slots__ = ("_connection", "_e164", "_lists", "_matter", "_now", "_number", "_share")

    def __init__(
        self,
        connection: sqlite3.Connection,
        matter: Matter,
        number_id: int | None,
        e164: str,
        lists: Lists,
        now: float,
        share: tuple[int, int] | None = None,
    ) -> None:
        self._connection = connection
        self._matter = matter
        self._number = number_id
        self._e164 = e164
        self._lists = lists
        self._now = now
        self._share = share

    def attempts(self, scope: Scope, most: int, since: float) -> Sequence[float]:
        matter = self._matter
        asked = {"number": self._number, "since": since, "most": most,
                 "campaign": matter.campaign_id, "owner": matter.owner, "purpose": matter.purpose}  # fmt: skip
        return [row[0] for row in self._connection.execute(_SCOPES[scope], asked)]

    def last(self, after: After) -> float | None:
        found: float | None = self._connection.execute(_EVENTS[after], (self._number,)).fetchone()[0]
        return found

    def lists(self, names: Sequence[str]) -> Listing:
        return self._lists.of(self._e164, names)

    def abandoned(self) -> tuple[int, int]:
        if self._share is None:
            self._share = share_of(self._connection, self._matter.campaign_id, self._now)
        return self._share

    def suppressed(self, e164: str) -> bool:
        return (
            self._connection.execute(
                "SELECT 1 FROM suppression s JOIN numbers n ON n.id = s.number_id WHERE n.e164 = ?", (e164,)
            ).fetchone()
            is not None
        )

    def today(self) -> Used:
        return used_today(self._connection, self._matter.campaign_id, self._now)


def share_of(connection: sqlite3.Connection, campaign_id: int, now: float) -> tuple[int, int]:
    """A campaign's calls of the last 30 days that a live person answered, and those of them that were abandoned."""
    share = abandonment.share(connection, campaign_id, now)
    return share.live, share.abandoned


def used_today(connection: sqlite3.Connection, campaign_id: int, now: float) -> Used:
    """What a campaign's calls that were dialed on this day (UTC) have used up."""
    found = connection.execute(
        "SELECT calls, cost, held FROM usage WHERE day = ? AND campaign_id = ?",
        (int(now // DAY), campaign_id),
    ).fetchone()
    return Used() if found is None else Used(*found)


def use(
    connection: sqlite3.Connection,
    campaign_id: int,
    dialed_at: float,
    *,
    calls: int,
    cost: float,
    held: float,
) -> None:
    """Count calls, what they cost, and what they may still come to, for the day on which they were dialed: only so can that day's
    caps not be passed by calls that outlast it."""
    connection.execute(
        "INSERT INTO usage (day, campaign_id, calls, cost, held) VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, campaign_id)"
        " DO UPDATE SET calls = calls + excluded.calls, cost = cost + excluded.cost, held = held + excluded.held",
        (int(dialed_at // DAY), campaign_id, calls, cost, held),
    )
