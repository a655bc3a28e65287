"""One PBX as the engine works with it: its connection, its flows, and reconciliation after each login."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from engine.ami.client import AmiClient, Link, LiveChannel
from engine.ami.outbox import Evidence
from engine.channel import BUCKET_SECONDS, ChannelEvent, Report, Ringing, Up, bucket_of, channel_id
from engine.config import PbxSettings
from engine.dialing.agenda import Agenda, Running
from engine.dialing.call import State
from engine.dialing.disposition import Disposition
from engine.dialing.follower import REAP_GRACE, Clock, Follower
from engine.dialing.ledger import Ledger, Live
from engine.dialing.reconcile import CALM, LOOK_EVERY, NOTHING, Fate, Witness, settle
from engine.dialing.trunks import Trunks
from engine.errors import AmiError, RefusedField, StoreError
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import campaigns, outcomes, recovery
from engine.store.claims import Claim
from engine.store.writer import Writer

SLICE = 5000
"""Late reports stored in one unit of work."""
KEEP_BUCKETS = 2 * BUCKET_SECONDS
"""Outbox entries are kept for this many seconds at least."""


class Peer:
    """Keeps one PBX connected, equipped with flows, and its open attempts settled."""

    def __init__(
        self,
        name: str,
        settings: PbxSettings,
        agenda: Agenda,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        new_running: Callable[[campaigns.CampaignRow], Running],
        wake: Callable[[], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self.name = name
        self.settings = settings
        self._agenda = agenda
        self._trunks = trunks
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._new_running = new_running
        self._wake = wake
        self._clock = clock
        self._log = log.bind(pbx=name)
        self._flows: set[str] = set()
        self._closed: dict[int, Running] = {}
        self._pruned: int | None = None
        self._told_failed = ""
        self.ami = AmiClient(
            name,
            settings.host,
            settings.port,
            settings.username,
            settings.secret,
            sink=self._event,
            connected=self._connected,
            lost=self._lost,
            failed=self._failed,
            backoff_max=settings.reconnect_max,
        )

    def __repr__(self) -> str:
        return f"<Peer {self.name} up={self.ami.up} flows={len(self._flows)}>"

    def _event(self, event: ChannelEvent) -> None:
        self._follower.take(event)

    def _lost(self, why: str) -> None:
        self._flows.clear()
        self._log.error(events.AMI_LOST, why=why)

    def _failed(self, error: AmiError, retry_in: float) -> None:
        self._flows.clear()
        self._log.error(
            events.AMI_FAILED,
            error=str(error),
            kind=type(error).__name__,
            host=self.settings.host,
            port=self.settings.port,
            retry_in=retry_in,
        )

    async def _connected(self, link: Link) -> None:
        """After each login, before any Originate: flows, then every open attempt settled. Raises AmiError."""
        try:
            await self._set_up(link)
        except StoreError as error:
            raise AmiError(f"PBX {self.name}: the open attempts cannot be settled: {error}") from error

    async def _set_up(self, link: Link) -> None:
        same = link.started == await self._writer.submit(partial(recovery.pbx_started, pbx=self.name))
        await self.put_flows(self._agenda.campaigns.values())
        counts = await self.reconcile(same_asterisk=same)
        await self._writer.submit(partial(recovery.note_started, pbx=self.name, started=link.started))
        self._log.info(events.AMI_CONNECTED, asterisk=link.version, restarted=not same)
        if counts:
            self._log.info(events.AMI_RECONCILED, **counts)
        asyncio.get_running_loop().call_soon(self._wake)

    # -- flows ---------------------------------------------------------------------------------------------------------

    def has_flow(self, version: str) -> bool:
        return version in self._flows

    async def put_flows(self, running: Iterable[Running]) -> None:
        """Write the flows of these campaigns into AstDB, where they are not yet. Raises AmiError."""
        sounds = self.settings.sounds_path or str(self.settings.sounds_dir)
        for version in {one.flow_version for one in running} - self._flows:
            entries = await self._writer.submit(partial(campaigns.flow_entries, version=version))
            try:
                await self.ami.put_flow(
                    version, {key: value.replace("{sounds}", sounds) for key, value in entries.items()}
                )
            except RefusedField as error:
                self._log.error(
                    events.ENGINE_FAULT, what="a flow that AMI cannot carry", flow=version, error=str(error)
                )
                continue
            self._flows.add(version)

    # -- reconciliation ------------------------------------------------------------------------------------------------

    async def reconcile(self, *, same_asterisk: bool) -> dict[str, int]:
        """Settle every open attempt of this PBX; returns how many met which fate. Raises AmiError."""
        claims: list[Claim] = await self._writer.submit(partial(recovery.open_attempts, pbx=self.name))
        unsent = {live.claim.attempt for live in self._ledger if live.call.state is State.CLAIMED}
        claims = [claim for claim in claims if claim.attempt not in unsent]
        # Into the ledger first, so that what Asterisk tells while we look is not missed.
        for claim in claims:
            if self._ledger.get(claim.attempt) is None:
                await self._adopt(claim)
        counts: dict[str, int] = {}
        calm = looks = 0
        doubtful = claims
        while True:
            began = self._clock.mono()
            witnesses = await self._witnesses()
            calm = calm + 1 if self._clock.mono() - began < CALM else 0
            looks += 1
            doubtful = [
                claim
                for claim in doubtful
                if not self._settle(
                    claim, witnesses, counts, same_asterisk=same_asterisk, calm_looks=calm, looks=looks
                )
            ]
            if not doubtful:
                break
            await asyncio.sleep(LOOK_EVERY)
        await self._keep_reports(witnesses, {claim.attempt for claim in claims})
        await self._follower.caught_up(10.0)
        return counts

    async def abandon(self) -> None:
        """This PBX has left the settings: what became of its open attempts cannot be told any more."""
        for claim in await self._writer.submit(partial(recovery.open_attempts, pbx=self.name)):
            await self._adopt(claim)
            live = self._ledger.get(claim.attempt)
            assert live is not None
            self._follower.give_up(live, Disposition.UNKNOWN, "its PBX is no longer in the settings")

    async def reap(self, overdue: list[Live]) -> None:
        """Calls whose events never came: settle them by what Asterisk knows. Raises AmiError."""
        witnesses = await self._witnesses()
        for live in overdue:
            # Its session may still be the present one, so an absent marker proves nothing here.
            self._settle(live.claim, witnesses, {}, same_asterisk=False, calm_looks=0, looks=1)

    async def _witnesses(self) -> dict[int, Witness]:
        """The snapshot first, the outbox second: a call that ends between the two is in both."""
        channels: dict[int, LiveChannel] = {
            channel.attempt: channel for channel in await self.ami.live_channels()
        }
        kept: dict[int, Evidence] = await self.ami.evidence()
        found = {}
        for attempt in channels.keys() | kept.keys():
            channel, evidence = channels.get(attempt), kept.get(attempt)
            end = evidence.end if evidence else None
            found[attempt] = Witness(
                live=channel is not None and end is None,
                ringing=channel is not None and channel.ringing,
                up=channel is not None and channel.up,
                sent_at=evidence.sent_at if evidence else None,
                end=end,
                reports=tuple(evidence.reports) if evidence else (),
            )
        return found

    def _settle(
        self,
        claim: Claim,
        witnesses: dict[int, Witness],
        counts: dict[str, int],
        *,
        same_asterisk: bool,
        calm_looks: int,
        looks: int,
    ) -> bool:
        """Act on the fate of one open attempt. False when it must be looked at again."""
        live = self._ledger.get(claim.attempt)
        if live is None:
            return True  # it ended while we looked
        witness = witnesses.get(claim.attempt, NOTHING)
        fate = settle(witness, same_asterisk=same_asterisk, calm_looks=calm_looks, looks=looks)
        if fate is None:
            return False
        counts[fate.value] = counts.get(fate.value, 0) + 1
        if witness.sent_at is not None:
            live.call.sent_at = witness.sent_at
        for report in witness.reports:
            self._follower.take(report)
        match fate:
            case Fate.LIVES:
                self._resume(live, witness)
            case Fate.ENDED:
                assert witness.end is not None
                self._follower.take(witness.end)
            case Fate.NOT_SENT:
                self._follower.void(live, "not sent: proven after a lost link or a restart of the engine")
            case Fate.UNKNOWN:
                self._follower.give_up(live, Disposition.UNKNOWN, "Asterisk kept no trace of its end")
        return True

    async def _adopt(self, claim: Claim) -> None:
        """A call of an earlier run: enter it into the ledger, as sent; what is known beyond that follows as events."""
        running = self._agenda.campaigns.get(claim.campaign_id) or self._closed.get(claim.campaign_id)
        if running is None:  # its campaign is over, the call may live
            row = await self._writer.submit(partial(campaigns.campaign, campaign_id=claim.campaign_id))
            running = self._closed[claim.campaign_id] = self._new_running(row)
        live = Live(claim, running, self._trunks.find(claim.trunk, self.name))
        live.call.sent(claim.created_at, running.ring_timeout + self._trunks.limits.post_dial_delay)
        live.call.queued = True  # whatever became of it, nobody waits for its acknowledgement
        live.deadline = self._longest(live)
        self._ledger.open(live, adopted=True)

    def _longest(self, live: Live) -> float:
        return (
            self._clock.mono()
            + live.running.ring_timeout
            + self._trunks.limits.post_dial_delay
            + live.running.max_call
            + REAP_GRACE
        )

    def _resume(self, live: Live, witness: Witness) -> None:
        if witness.up:
            self._follower.take(Up(live.claim.attempt))
        elif witness.ringing:
            self._follower.take(Ringing(live.claim.attempt))
        live.deadline = self._longest(live)
        if live.running.state in ("cancelled", "over") or live.claim.number_id in self._follower.suppressed:
            self._follower.withdraw(live)
        self._log.info(
            events.CALL_TAKEN_UP,
            campaign=live.running.name,
            attempt=channel_id(live.claim.attempt),
            up=witness.up,
        )

    async def _keep_reports(self, witnesses: dict[int, Witness], open_ones: set[int]) -> None:
        """Reports of calls that had ended in the database before all their reports were there."""
        late: list[Report] = []
        for attempt, witness in witnesses.items():
            if attempt in open_ones:
                continue
            for report in witness.reports:
                if report.kind == "optout":
                    self._follower.take(report)
                else:
                    late.append(report)
        for start in range(0, len(late), SLICE):
            part = late[start : start + SLICE]
            await self._writer.submit(partial(outcomes.keep_known_reports, reports=part), bulk=True)

    async def prune(self) -> None:
        """Drop outbox buckets whose attempts are all stored, one at a time. Raises AmiError."""
        oldest = await self._writer.submit(partial(recovery.oldest_open, pbx=self.name))
        horizon = int(self._clock.now() - KEEP_BUCKETS) // BUCKET_SECONDS
        if oldest is not None:
            horizon = min(horizon, bucket_of(oldest))
        if self._pruned is None:
            witnesses = await self.ami.evidence()
            stale = sorted({evidence.bucket for evidence in witnesses.values() if evidence.bucket < horizon})
        else:
            stale = list(range(self._pruned, horizon))
        for bucket in stale:
            await self.ami.drop_bucket(bucket)
        self._pruned = max(horizon, self._pruned or horizon)
