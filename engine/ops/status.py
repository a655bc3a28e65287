"""How things stand now, in numbers that are cheap to have on a database of any size.

What is read: the counters that the engine keeps with its campaigns and jobs, the partial indexes of live
attempts and of contacts that wait, the attempts begun in the last ten minutes (their ids are ordered by
time), and the newest attempts for the dispositions. Tables are never read from end to end, except where
`full` asks for it.
"""

from __future__ import annotations

import json
import sqlite3

from engine.config import Settings
from engine.errors import InputError, Problem
from engine.ops.books import engine_pid, snapshot
from engine.ops.figures import CampaignStatus, Kept, Rates, Status, TrunkStatus
from engine.ops.pulse import Pulse
from engine.ops.summary import done_contacts
from engine.store.halts import halts
from engine.store.loading import HELD
from engine.store.purge import overdue

MINUTE = 60.0
FIVE_MINUTES = 300.0
LOOK_BACK = 600.0
"""Rates look at attempts begun in this many seconds: a call that lasts longer than the rest of it is
missing among those ended."""
NEWEST = 50_000
"""Dispositions count this many attempts, the newest, unless all are asked for."""
CLOSED = 10
"""Campaigns that are over and still listed: those that ended last."""


def look(
    settings: Settings,
    now: float,
    campaign: str | None = None,
    *,
    full: bool = False,
    newest: int = NEWEST,
    told: Pulse | None = None,
) -> Status:
    """How things stand at `now`, for one campaign or for all that are open and the last that ended.

    Dispositions are those of the `newest` attempts, or of all with `full`. Links to PBXs are in no book: they are what the
    running engine has `told`.
    Raises StoreError, and InputError when there is no such campaign.
    """
    pid = engine_pid(settings.engine.state)
    with snapshot(settings.database) as connection:
        found = _campaigns(connection, campaign)
        if campaign is not None and not found:
            raise InputError(
                [Problem("campaign", f"there is no campaign {campaign!r}", "see `volley status`")]
            )
        by_id = {one.id: one for one in found}
        trunks = _trunks(connection, settings, pid is not None)
        down = {pbx.name for pbx in told.pbxs if not pbx.up} if told is not None else set()
        for trunk in trunks.values():
            trunk.linked = trunk.pbx not in down
        status = Status(
            now, pid, 0, settings.limits.max_channels, settings.limits.cps, Rates(), Rates(), [], found,
            _kept(connection, settings, now),
        )  # fmt: skip
        status.halts = [halt for halt in halts(connection) if halt.holds(now)]
        _count_live(connection, status, by_id, trunks)
        _count_rates(connection, status, by_id, trunks)
        _count_callbacks(connection, by_id)
        _count_dispositions(connection, by_id, None if full else newest)
        for one in found:
            one.pending = max(0, one.contacts - one.done - one.in_call)
            one.next_due = _next_due(connection, one.id)
            if full:
                one.contact_dispositions = done_contacts(connection, one.id)
    status.trunks = [trunk for trunk in trunks.values() if trunk.max_channels is not None or trunk.live_calls]
    return status


_CAMPAIGN = """
SELECT k.id, k.name, k.title, k.state, k.priority, k.start_at, k.end_at, k.closed_at, k.open_contacts, k.steered,
       (SELECT coalesce(sum(j.accepted), 0) FROM jobs j WHERE j.campaign_id = k.id) AS contacts
FROM campaigns k
"""


def _kept(connection: sqlite3.Connection, settings: Settings, now: float) -> Kept:
    keep = settings.retention
    found = Kept(keep.contacts, keep.jobs)
    if keep.contacts is not None:
        found.overdue = len(overdue(connection, now - keep.contacts))
    found.purged, found.last_purged_at = connection.execute(
        "SELECT count(*), max(purged_at) FROM campaigns WHERE purged_at > closed_at"
    ).fetchone()
    return found


def _campaigns(connection: sqlite3.Connection, name: str | None) -> list[CampaignStatus]:
    if name is not None:
        rows = connection.execute(_CAMPAIGN + "WHERE k.name = ?", (name,)).fetchall()
    else:
        rows = connection.execute(
            _CAMPAIGN + "WHERE k.closed_at IS NULL ORDER BY k.priority DESC, k.id"
        ).fetchall()
        rows += connection.execute(
            _CAMPAIGN + "WHERE k.closed_at IS NOT NULL ORDER BY k.closed_at DESC LIMIT ?", (CLOSED,)
        ).fetchall()
    return [_campaign(row) for row in rows]


def _campaign(row: sqlite3.Row) -> CampaignStatus:
    contacts = row["contacts"]
    return CampaignStatus(
        id=row["id"],
        name=row["name"],
        title=row["title"],
        state=row["state"],
        priority=row["priority"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        closed_at=row["closed_at"],
        contacts=contacts,
        done=max(0, contacts - row["open_contacts"]),
        steered=json.loads(row["steered"]),
    )


def _trunks(connection: sqlite3.Connection, settings: Settings, runs: bool) -> dict[int, TrunkStatus]:
    found = {}
    rows = connection.execute(
        "SELECT id, name, drained_at IS NOT NULL AS drained, breaker, breaker_reason, breaker_at FROM trunks ORDER BY name"
    )
    for row in rows:
        known = settings.trunk.get(row["name"])
        if known is None:
            found[row["id"]] = TrunkStatus(row["name"], 0, None, None, Rates())
            continue
        one = found[row["id"]] = TrunkStatus(
            row["name"],
            0,
            known.max_channels,
            known.cps,
            Rates(),
            known.pbx,
            known.priority,
            known.weight,
            bool(row["drained"]),
        )
        if runs:
            one.breaker, one.breaker_reason = row["breaker"], row["breaker_reason"]
            one.breaker_at = row["breaker_at"]
    return found


def _count_live(
    connection: sqlite3.Connection,
    status: Status,
    by_id: dict[int, CampaignStatus],
    trunks: dict[int, TrunkStatus],
) -> None:
    rows = connection.execute(
        "SELECT a.campaign_id, a.trunk_id, count(*), sum(c.state = 'in_call') FROM attempts a INDEXED BY attempts_live"
        " JOIN contacts c ON c.id = a.contact_id WHERE a.disposition IS NULL GROUP BY 1, 2"
    )
    for campaign_id, trunk_id, live, in_call in rows:
        status.live_calls += live
        if trunk_id in trunks:
            trunks[trunk_id].live_calls += live
        if campaign_id in by_id:
            by_id[campaign_id].live_calls += live
            by_id[campaign_id].in_call += in_call


def _count_rates(
    connection: sqlite3.Connection,
    status: Status,
    by_id: dict[int, CampaignStatus],
    trunks: dict[int, TrunkStatus],
) -> None:
    minute, five = status.at - MINUTE, status.at - FIVE_MINUTES
    rows = connection.execute(
        "SELECT campaign_id, trunk_id, sum(created_at >= :minute), sum(coalesce(ended_at, 0) >= :minute),"
        " sum(coalesce(ended_at, 0) >= :minute AND answered_at IS NOT NULL), sum(created_at >= :five), sum(coalesce(ended_at, 0) >= :five),"
        " sum(coalesce(ended_at, 0) >= :five AND answered_at IS NOT NULL)"
        " FROM attempts WHERE id >= :first AND coalesce(disposition, '') != 'NOT_SENT' GROUP BY 1, 2",
        {"minute": minute, "five": five, "first": _id_at(status.at - LOOK_BACK)},
    )
    for campaign_id, trunk_id, *counts in rows:
        status.minute.add(*counts[:3])
        status.five_minutes.add(*counts[3:])
        if trunk_id in trunks:
            trunks[trunk_id].minute.add(*counts[:3])
        if campaign_id in by_id:
            by_id[campaign_id].minute.add(*counts[:3])
            by_id[campaign_id].five_minutes.add(*counts[3:])


def _id_at(at: float) -> int:
    """The smallest id that an attempt begun at `at` can have (`engine.channel.attempt_id`)."""
    return max(0, int(at * 1000)) << 16


def _count_callbacks(connection: sqlite3.Connection, by_id: dict[int, CampaignStatus]) -> None:
    rows = connection.execute(
        "SELECT c.campaign_id, count(*), min(b.due_at) FROM callbacks b JOIN contacts c ON c.id = b.contact_id"
        " WHERE b.state = 'due' GROUP BY 1"
    )
    for campaign_id, due, first in rows:
        if campaign_id in by_id:
            by_id[campaign_id].callbacks_due, by_id[campaign_id].next_callback = due, first


def _count_dispositions(
    connection: sqlite3.Connection, by_id: dict[int, CampaignStatus], newest: int | None
) -> None:
    rows = connection.execute(
        "SELECT campaign_id, disposition, count(*)"
        " FROM (SELECT campaign_id, disposition FROM attempts ORDER BY id DESC LIMIT ?) GROUP BY 1, 2",
        (-1 if newest is None else newest,),
    ).fetchall()
    seen = sum(count for *_, count in rows)
    for one in by_id.values():
        one.dispositions_of = seen if seen == newest else None
        mine = [
            (word, count) for campaign_id, word, count in rows if campaign_id == one.id and word is not None
        ]
        one.dispositions = dict(sorted(mine, key=lambda item: -item[1]))


def _next_due(connection: sqlite3.Connection, campaign_id: int) -> float | None:
    (due,) = connection.execute(
        "SELECT min(due_at) FROM contacts WHERE campaign_id = ? AND state = 'pending'", (campaign_id,)
    ).fetchone()
    return None if due is None or due >= HELD else float(due)
