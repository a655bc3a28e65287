"""What falls due by time and not by an event: campaigns that begin, end and are complete, lost calls, tidying up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from engine.clock import Clock
from engine.config import Settings
from engine.dialing.agenda import Agenda
from engine.dialing.call import State
from engine.dialing.ledger import Ledger, Live
from engine.dialing.peer import Peer
from engine.errors import AmiError, StoreError, StoreFault
from engine.ops import log as events
from engine.ops.log import Lines, Log
from engine.ops.trail import Trail
from engine.purging import Purging
from engine.reports import Reports
from engine.retention import Retention
from engine.store import audited, campaigns
from engine.store.writer import Writer

SLICE = 2000
"""Contacts closed in one unit of work when a campaign is cancelled or over."""
PRUNE_EVERY = 20.0


class Housekeeping:
    """Looks round once a second."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        agenda: Agenda,
        ledger: Ledger,
        peers: Mapping[str, Peer],
        trail: Trail,
        retention: Retention,
        purging: Purging,
        reports: Reports,
        lines: Lines | None,
        changed: Callable[[], None],
        clock: Clock,
        log: Log,
    ) -> None:
        """`changed()` is told when a campaign's state was changed here."""
        self._settings = settings
        self._writer = writer
        self._agenda = agenda
        self._ledger = ledger
        self._peers = peers
        self._trail = trail
        self._retention = retention
        self._purging = purging
        self._reports = reports
        self._lines = lines
        self._changed = changed
        self._clock = clock
        self._log = log
        self._emptied: set[int] = set()
        self._pruned = clock.mono()
        self._tidy = False

    def __repr__(self) -> str:
        return f"<Housekeeping emptied={len(self._emptied)}>"

    def emptied(self, campaign_id: int) -> None:
        """No contact of this campaign is open any more: it may be complete."""
        self._emptied.add(campaign_id)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            try:
                await self._look_round()
            except AmiError as error:
                self._log.warning(events.AMI_FAILED, error=str(error))
            except (StoreError, OSError) as error:
                if not isinstance(error, StoreFault):  # that one is told by the writer's health
                    self._log.error(events.STORE_FAILED, error=str(error))
            if self._lines is not None:
                with contextlib.suppress(OSError):  # a full disk; the next second tries again
                    self._lines.reopen()

    async def _look_round(self) -> None:
        if not self._tidy:  # what a cancel left that was interrupted by the last stop
            while await self._writer.submit(partial(campaigns.close_cancelled, limit=SLICE), bulk=True):
                pass
        self._tidy = True
        await self._start_and_end()
        await self._complete()
        await self._reap()
        if self._clock.mono() - self._pruned > PRUNE_EVERY:
            self._pruned = self._clock.mono()
            for peer in self._peers.values():
                if peer.ami.up:
                    await peer.prune()
        await self._trail.tick()
        await self._retention.tick()
        await self._purging.tick()

    async def _start_and_end(self) -> None:
        now = self._clock.now()
        for running in list(self._agenda.campaigns.values()):
            if running.state == "scheduled" and running.start <= now:
                await self._writer.submit(
                    partial(audited.set_state, campaign_id=running.id, state="running", now=now)
                )
                self._log.info(events.CAMPAIGN_STARTED, campaign=running.name)
                self._changed()
            if running.end is not None and running.end <= now and running.live == 0:
                promises = now >= running.end + running.campaign.callbacks_after_end
                missed = await self._writer.submit(partial(campaigns.open_promises, campaign_id=running.id))
                if promises and missed:
                    self._log.error(
                        events.CALLBACK_MISSED, campaign=running.name, callbacks=missed, why="campaign_over"
                    )
                while await self._writer.submit(
                    partial(
                        campaigns.close_pending,
                        campaign_id=running.id,
                        disposition="EXPIRED",
                        reason="campaign_over",
                        promises=promises,
                        limit=SLICE,
                    ),
                    bulk=True,
                ):
                    pass
                self._emptied.add(running.id)

    async def _complete(self) -> None:
        for campaign_id in list(self._emptied):
            done = await self._writer.submit(
                partial(audited.complete, campaign_id=campaign_id, now=self._clock.now())
            )
            self._emptied.discard(campaign_id)
            if done:
                running = self._agenda.campaigns.get(campaign_id)
                self._reports.completed(campaign_id, running.name if running else str(campaign_id))
                self._changed()

    async def _reap(self) -> None:
        mono = self._clock.mono()
        overdue: dict[str, list[Live]] = {}
        for live in self._ledger:
            if live.deadline < mono and live.call.state is not State.CLAIMED:
                overdue.setdefault(live.trunk.pbx, []).append(live)
        for name, lives in overdue.items():
            if self._peers[name].ami.up:
                await self._peers[name].settlement.reap(lives)
