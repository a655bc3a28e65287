"""What became of the calls that one PBX has in hand: settled after each login, and when their events never come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from engine.ami.client import AmiClient, LiveChannel
from engine.ami.outbox import Evidence
from engine.channel import Report, Ringing, Up, bucket_of, channel_id, created_at
from engine.dialing.agenda import Agenda
from engine.dialing.astdb import AstDb
from engine.dialing.call import State
from engine.dialing.disposition import Disposition
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger, Live
from engine.dialing.reconcile import CALM, LOOK_EVERY, NOTHING, Fate, Witness, settle
from engine.dialing.running import Running
from engine.dialing.surroundings import REAP_GRACE, Clock
from engine.dialing.trunks import Trunks
from engine.errors import AmiError
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import audited, campaigns, outcomes, recovery
from engine.store.claimed import Claim
from engine.store.writer import Writer

SLICE = 5000
"""Late reports stored in one unit of work."""


class Settlement:
    """Settles the open attempts of one PBX by what it tells: its channels, and what its dialplan kept."""

    def __init__(
        self,
        name: str,
        ami: AmiClient,
        astdb: AstDb,
        agenda: Agenda,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        new_running: Callable[[campaigns.CampaignRow], Running],
        changed: Callable[[], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self._name = name
        self._ami = ami
        self._astdb = astdb
        self._agenda = agenda
        self._trunks = trunks
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._new_running = new_running
        self._changed = changed
        self._clock = clock
        self._log = log
        self._closed: dict[int, Running] = {}
        """Campaigns that are over and of which calls may live."""
        self._settling: asyncio.Task[None] | None = None
        self._held: set[int] = set()
        """Calls that the follower holds until the next look."""

    def __repr__(self) -> str:
        return f"<Settlement {self._name} held={len(self._held)} settling={self._settling is not None}>"

    def link_lost(self) -> None:
        """What was found out holds for one connection: the next login begins anew."""
        self._release(found=False)
        for trunk in self._trunks.by_name.values():
            if trunk.pbx == self._name:
                trunk.rate.begin()
        self._held.update(self._follower.link_lost(self._name))
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    async def close(self) -> None:
        """Stop looking after what is in doubt: the next start does."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)

    def look_on(self, doubtful: list[Claim]) -> None:
        """Go on with what `reconcile` found doubtful, beside everything else."""
        self._settling = asyncio.create_task(self._settle_doubtful(doubtful), name=f"settle-{self._name}")

    def _release(self, *, found: bool) -> None:
        held, self._held = self._held, set()
        self._follower.release(held, found=found)

    async def reconcile(self, *, same_asterisk: bool) -> tuple[dict[str, int], list[Claim]]:
        """Settle every open attempt of this PBX of which one look tells the fate. Returns how many met which, and those
        that must be looked at again. Raises AmiError."""
        claims: list[Claim] = await self._writer.submit(partial(recovery.open_attempts, pbx=self._name))
        unsent = {live.claim.attempt for live in self._ledger if live.call.state is State.CLAIMED}
        claims = [claim for claim in claims if claim.attempt not in unsent]
        # Into the ledger first, so that what Asterisk tells while we look is not missed; but it is taken after what we find.
        self._held.update(claim.attempt for claim in claims)
        self._follower.hold(self._held)
        for claim in claims:
            if self._ledger.get(claim.attempt) is None:
                await self._adopt(claim)
        counts: dict[str, int] = {}
        began = self._clock.mono()
        witnesses = await self._witnesses()
        calm = int(self._clock.mono() - began < CALM)
        doubtful = [
            claim
            for claim in claims
            if not self._settle(
                claim, witnesses, counts, same_asterisk=same_asterisk, calm_looks=calm, looks=1
            )
        ]
        self._release(found=True)
        open_ones = {claim.attempt for claim in claims}
        self._astdb.seen({witness.bucket for witness in witnesses.values() if witness.bucket is not None})
        await self._know_newer([attempt for attempt in witnesses if attempt not in open_ones])
        await self._keep_reports(witnesses, open_ones)
        await self._follower.backlog.caught_up(10.0)
        return counts, doubtful

    async def _settle_doubtful(self, doubtful: list[Claim]) -> None:
        """Look again at what one look did not tell, while everybody else is dialed: what is in doubt keeps its channel
        and its number's lock."""
        counts: dict[str, int] = {}
        calm = looks = 1
        try:
            while doubtful:
                await asyncio.sleep(LOOK_EVERY)
                looks += 1
                began = self._clock.mono()
                try:
                    witnesses = await self._witnesses({bucket_of(claim.attempt) for claim in doubtful})
                except AmiError:
                    if not self._ami.up:
                        raise
                    calm = 0  # the link lives, and Asterisk is too busy to answer
                    continue
                calm = calm + 1 if self._clock.mono() - began < CALM else 0
                doubtful = [
                    claim
                    for claim in doubtful
                    if not self._settle(
                        claim, witnesses, counts, same_asterisk=True, calm_looks=calm, looks=looks
                    )
                ]
            self._log.info(events.AMI_RECONCILED, looks=looks, **counts)
        except AmiError:
            return  # the link is gone: the next login begins anew
        except Exception as error:
            self._log.exception(
                events.ENGINE_FAULT, what="the settling of doubtful calls broke", error=repr(error)
            )

    async def _know_newer(self, strangers: list[int]) -> None:
        """Has this PBX dialed for a newer state of our database? Then people would be called who were called already."""
        newer: list[int] = await self._writer.submit(partial(recovery.unknown_newer, attempts=strangers))
        if not newer:
            return
        paused = await self._writer.submit(
            partial(audited.pause_all, reason="the database is an old copy", now=self._clock.now())
        )
        self._log.error(
            events.STORE_OLDER,
            attempts=len(newer),
            newest=created_at(newer[-1]),
            paused=paused,
            todo="the database is an old copy: this PBX dialed calls that it does not know. Every campaign was paused;"
            " hand in the opt-outs and calls since then (docs/recovery.md), then `volley resume`",
        )
        for running in self._agenda.campaigns.values():
            running.set_state("paused")
        self._changed()

    async def abandon(self) -> None:
        """This PBX has left the settings: what became of its open attempts cannot be told any more."""
        for claim in await self._writer.submit(partial(recovery.open_attempts, pbx=self._name)):
            await self._adopt(claim)
            live = self._ledger.get(claim.attempt)
            assert live is not None
            self._follower.give_up(live, Disposition.UNKNOWN, "its PBX is no longer in the settings")

    async def reap(self, overdue: list[Live]) -> None:
        """Calls whose events never came: settle them by what Asterisk knows. Raises AmiError."""
        witnesses = await self._witnesses({bucket_of(live.claim.attempt) for live in overdue})
        for live in overdue:
            # Its session may still be the present one, so an absent marker proves nothing here.
            self._settle(live.claim, witnesses, {}, same_asterisk=False, calm_looks=0, looks=1)

    async def _witnesses(self, buckets: set[int] | None = None) -> dict[int, Witness]:
        """The snapshot first, the outbox second: a call that ends between the two is in both. `buckets`: those of the
        outbox that matter, all of them by default."""
        channels: dict[int, LiveChannel] = {
            channel.attempt: channel for channel in await self._ami.live_channels()
        }
        kept: dict[int, Evidence] = await self._ami.evidence(buckets)
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
                bucket=evidence.bucket if evidence else None,
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
        if live is None:  # it ended while we looked: what it reported is kept all the same
            for report in witnesses.get(claim.attempt, NOTHING).reports:
                self._follower.take_evidence(report)
            return True
        witness = witnesses.get(claim.attempt, NOTHING)
        fate = settle(witness, same_asterisk=same_asterisk, calm_looks=calm_looks, looks=looks)
        if fate is None:
            return False
        counts[fate.value] = counts.get(fate.value, 0) + 1
        if witness.sent_at is not None:
            live.call.sent_at = max(witness.sent_at, claim.created_at)  # the marker has whole seconds
        for report in witness.reports:
            self._follower.take_evidence(report)
        match fate:
            case Fate.LIVES:
                self._resume(live, witness)
            case Fate.ENDED:
                assert witness.end is not None
                self._follower.take_evidence(witness.end)
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
        live = Live(claim, running, self._trunks.find(claim.trunk, self._name))
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
            self._follower.take_evidence(Up(live.claim.attempt))
        elif witness.ringing:
            self._follower.take_evidence(Ringing(live.claim.attempt))
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
