"""Takes up what intake and control change in the database while things run: campaigns that open, change and end, trunks that
are drained."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from engine.clock import Clock
from engine.config import problems_of
from engine.dialing.agenda import Agenda
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger
from engine.dialing.peer import Peer
from engine.dialing.trunks import Trunks
from engine.errors import AmiError, StoreError, StoreFault
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import campaigns
from engine.store import trunks as stored_trunks
from engine.store.writer import Writer

OVERLAP = 10.0
"""Seconds by which jobs are asked for again that were taken in: what is being stored has an instant of before its commit."""
LEAVE = 10
"""With thousands of campaigns, of which many change in a second, taking it up leaves so many times its own time to the calls,"""
LONGEST_LEAVE = 0.5
"""and this many seconds at most, so that what was asked for counts within a second."""
STORE_RETRY = 1.0


class OpenCampaigns:
    """Keeps agenda and PBXs at what the database says. `changed` is set by whoever changed it; `wake()`: there may be more to
    dial; `emptied(campaign)`: no contact of it is open."""

    def __init__(
        self,
        agenda: Agenda,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        peers: Mapping[str, Peer],
        changed: asyncio.Event,
        wake: Callable[[], None],
        emptied: Callable[[int], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self._agenda = agenda
        self._trunks = trunks
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._peers = peers
        self._changed = changed
        self._wake = wake
        self._emptied = emptied
        self._clock = clock
        self._log = log
        self._since = 0.0
        """POSIX seconds: jobs that were taken in before then are known."""
        self._unreadable: set[int] = set()
        """Campaigns of which that was said."""

    def __repr__(self) -> str:
        return f"<OpenCampaigns {self._agenda!r}>"

    async def open(self) -> None:
        """Everything as the last run left it. Raises StoreError."""
        for name in await self._writer.submit(stored_trunks.drained):
            if name in self._trunks.by_name:
                self._trunks.by_name[name].drained = True
        await self._refresh()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            began = self._clock.mono()
            try:
                changes = await self._refresh()
            except StoreError as error:
                if not isinstance(error, StoreFault):
                    self._log.error(events.STORE_FAILED, error=str(error), retry_in=STORE_RETRY)
                await asyncio.sleep(STORE_RETRY)
                self._changed.set()
                continue
            for peer in self._peers.values():
                if peer.ami.up:
                    try:
                        await peer.put_flows()
                    except (AmiError, StoreError) as error:  # the next login writes them
                        self._log.warning(events.AMI_FAILED, pbx=peer.name, error=str(error))
            for campaign_id in changes.empty:
                self._emptied(campaign_id)
            self._wake()
            await asyncio.sleep(min(LONGEST_LEAVE, LEAVE * (self._clock.mono() - began)))

    async def _refresh(self) -> campaigns.Changes:
        now, known = self._clock.now(), frozenset(self._agenda.campaigns)
        since = min(self._since, now - OVERLAP)  # the clock may have been set back
        changes = await self._writer.submit(partial(campaigns.changes, known=known, since=since))
        for row, error in self._agenda.update(changes.states, changes.new, changes.grown):
            if row.id not in self._unreadable:
                self._unreadable.add(row.id)
                self._log.error(
                    events.ENGINE_FAULT,
                    what="a campaign that another version of Volley has stored cannot be read: it is not dialed; cancel it",
                    campaign=row.name,
                    error="; ".join(str(one) for one in problems_of(error)),
                )
        self._since = now - OVERLAP
        return changes

    def steered(self, campaign_id: int, state: str) -> None:
        """A campaign was paused, resumed or cancelled: nothing of it that is not sent yet goes out against that."""
        running = self._agenda.campaigns.get(campaign_id)
        if running is not None:
            running.set_state(state)
        if state == "cancelled":
            for live in self._ledger:
                if live.running.id == campaign_id:
                    live.running.set_state(state)
                    self._follower.withdraw(live)

    def trunk_steered(self, name: str, drained: bool) -> None:
        """A trunk was drained or resumed: what of it is claimed and not sent goes elsewhere."""
        trunk = self._trunks.by_name[name]
        trunk.drained = drained
        if not drained:
            trunk.rate.begin()
        self._wake()
