"""Follows live calls: takes channel events, does what the call says, and writes its end.

Decide, then act: `Call.handle` changes the state and returns effects; the effects are carried out here. A call's
slot is given back at its hangup; what is stored and said of its end is `ends`'.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from engine.channel import ChannelEvent, Queued, Refused, Report, Ringing, attempt_of, channel_id
from engine.dialing.aftermath import aftermath
from engine.dialing.agenda import Agenda
from engine.dialing.backlog import Backlog
from engine.dialing.call import State
from engine.dialing.canonical import names
from engine.dialing.disposition import Disposition, Ending
from engine.dialing.effects import AwaitHangup, End, HeardKey, Keep, StartRingTimer, TakeKey
from engine.dialing.ends import Ended, Ends
from engine.dialing.health import Health
from engine.dialing.ledger import Ledger, Live
from engine.dialing.surroundings import REAP_GRACE, Channels, Clock
from engine.dialing.wishes import Wishes
from engine.errors import AmiError
from engine.flow.actions import MESSAGE
from engine.histogram import Histogram
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import outcomes
from engine.store.writer import Writer

HANGUP_GRACE = 2.0
"""Seconds that a failed Originate waits for the Hangup of its channel; without one there never was a channel."""
ACK_BOUNDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
EARLY_SEQ = 1000
"""Number of the report that the engine itself makes of a key during the detection; the dialplan's count from 1."""


class Follower:
    """Owns the way of every live call from its claim to its stored end."""

    def __init__(
        self,
        ledger: Ledger,
        agenda: Agenda,
        writer: Writer,
        channels: Callable[[str], Channels],
        clock: Clock,
        log: Log,
        freed: Callable[[], None],
        emptied: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._agenda = agenda
        self._writer = writer
        self._channels = channels
        self._clock = clock
        self._log = log
        self._freed = freed
        self._emptied = emptied
        self._held: dict[int, list[ChannelEvent]] = {}
        self._cut: set[int] = set()
        """Live calls that were hung up, all together."""
        self.backlog = Backlog(writer, log)
        self.health = Health(self.backlog, clock, log, freed)
        self._wishes = Wishes(ledger, self.backlog, writer, channels, clock, log, freed)
        self.suppressed: set[int] = set()
        """Numbers suppressed while this engine runs: a call that was claimed before is withdrawn before it is sent."""
        self.unacknowledged: Counter[str] = Counter()
        """Originates written to each PBX of which nothing was heard yet."""
        self.heard_after = Histogram(ACK_BOUNDS)
        """From the writing of an Originate to the first that was heard of it."""
        self.ends = Ends(writer, self.backlog, log, freed, emptied)

    def __repr__(self) -> str:
        return f"<Follower live={len(self._ledger)} unstored={self.ends.unstored}>"

    # -- events --------------------------------------------------------------------------------------------------------

    def hold(self, attempts: Iterable[int]) -> None:
        """Keep what AMI tells of these calls until `release`: their fate is being looked up. A hangup that overtook the
        reports which are being read would end a call as if nothing had been pressed in it."""
        for attempt in attempts:
            self._held.setdefault(attempt, [])

    def release(self, attempts: Iterable[int], *, found: bool) -> None:
        """Hold these calls no longer. `found`: their fate was looked up, so what was kept is taken, in its order; otherwise
        it is dropped, since they stay open and the next look tells of it again."""
        for attempt in attempts:
            for event in self._held.pop(attempt, ()):
                if found:
                    self.take_evidence(event)

    def link_lost(self, pbx: str) -> list[int]:
        """The link to this PBX is gone: nobody waits for its acknowledgements any more. Returns its calls that were sent; what
        AMI tells of them next is held until they have been looked up."""
        sent = [
            live for live in self._ledger if live.trunk.pbx == pbx and live.call.state is not State.CLAIMED
        ]
        for live in sent:
            live.call.queued = True
            live.told = live.told or not live.probe  # what is found out of it later is of another time
        self.unacknowledged[pbx] = 0
        attempts = [live.claim.attempt for live in sent]
        self.hold(attempts)
        return attempts

    def take(self, event: ChannelEvent) -> None:
        """A channel event, as AMI tells it."""
        if self._held and (held := self._held.get(event.attempt)) is not None:
            held.append(event)
        else:
            self.take_evidence(event)

    def take_evidence(self, event: ChannelEvent) -> None:
        """A channel event, from the outbox or from a list of channels; also of calls that are held."""
        live = self._ledger.get(event.attempt)
        if live is None:
            if isinstance(event, Report):
                self.backlog.spawn(self._late(event))
            return
        if isinstance(event, Refused):
            self._log.error(
                events.ENGINE_FAULT,
                what="the PBX refused an Originate; is Volley's dialplan loaded there?",
                why=event.why,
                pbx=live.trunk.pbx,
                **names(live),
            )
        call, now = live.call, self._clock.now()
        was, waiting = call.state, call.unheard
        effects = call.handle(event, now)
        if call.state is State.UP and was is not State.UP:
            live.stop_timer()
            live.deadline = self._clock.mono() + live.running.max_call + REAP_GRACE
            self._log.debug(events.CALL_ANSWERED, **names(live))
        unwanted = call.withdrawn or event.attempt in self._cut
        if unwanted and isinstance(event, Queued | Ringing):
            self.backlog.spawn(self._hang_up(live))  # it was not there yet when it was taken back
        if waiting and not call.unheard:
            self.unacknowledged[live.trunk.pbx] -= 1
            self.heard_after.observe(now - (call.sent_at or now))
            self.health.acknowledged(live)
        if not live.told and (call.rang or call.state is State.UP):
            self.health.alive(live)
        for effect in effects:
            self._do(live, effect)

    def sent(self, live: Live, timeout: float) -> None:
        """The Originate of this call is written."""
        live.call.sent(self._clock.now(), timeout)
        live.written_at = self._clock.mono()
        live.deadline = live.written_at + timeout + REAP_GRACE
        self.unacknowledged[live.trunk.pbx] += 1

    def _do(self, live: Live, effect: object) -> None:
        loop = asyncio.get_running_loop()
        match effect:
            case StartRingTimer():
                live.timer = loop.call_later(live.running.ring_timeout, self._ring_timeout, live)
            case AwaitHangup():
                live.stop_timer()
                live.timer = loop.call_later(HANGUP_GRACE, lambda: self.backlog.spawn(self._no_hangup(live)))
            case TakeKey(digit, channel):
                self._hear(live, digit)
                self.backlog.spawn(self._redirect(live, channel, "volley-early", digit))
            case HeardKey(digit):
                self._hear(live, digit)
            case Keep(report):
                if report.kind == "optout":
                    self.backlog.spawn(self._opt_out(report, live))
                elif report.kind in ("transfer", "callback"):
                    self._wishes.take(live, report)
                elif report.kind == "result" and report.value == "flow_missing":
                    self._log.error(
                        events.ENGINE_FAULT,
                        what="the PBX does not have this call's flow",
                        flow=live.claim.flow_version,
                        **names(live),
                    )
            case End(disposition, ending):
                self._end(live, disposition, ending)

    def _hear(self, live: Live, digit: str) -> None:
        """An opt-out key is recorded here and now: the dialplan says so too, if it listens and the channel lives long enough."""
        nodes = live.call.nodes or [live.claim.start or MESSAGE]
        if digit in live.running.opt_out_keys(nodes) and not live.call.opted_out:
            live.call.opted_out = live.call.pressed = True
            report = Report(live.claim.attempt, EARLY_SEQ, "optout", "early", self._clock.now())
            self.backlog.spawn(self._opt_out(report, live))

    async def _no_hangup(self, live: Live) -> None:
        """The Originate failed and no Hangup came: was there a channel at all? AstDB tells; if it cannot be asked,
        the reconnect or the reaper will."""
        try:
            evidence = await self._channels(live.trunk.pbx).evidence_of(live.claim.attempt)
        except AmiError:
            return
        if evidence is None:
            self.give_up(live, Disposition.CONGESTION, "no channel came to be")
        elif evidence.end is not None:
            for report in evidence.reports:
                self.take(report)
            self.take(evidence.end)

    def give_up(self, live: Live, disposition: Disposition, note: str) -> None:
        """End a call that Asterisk says no more about."""
        live.call.refusal = live.call.refusal or note
        if live.call.unheard:
            self.unacknowledged[live.trunk.pbx] -= 1
        for effect in live.call.give_up(disposition, self._clock.now()):
            self._do(live, effect)

    def refuse(self, live: Live, why: str) -> None:
        """End a claimed call that cannot be sent at all; it counts, so that it does not come back for ever."""
        self.give_up(live, Disposition.FAILED, why)

    def check_empty(self, campaign_id: int) -> None:
        """Contacts of this campaign ended without a call: it may be complete."""
        self._emptied(campaign_id)

    def _ring_timeout(self, live: Live) -> None:
        if live.call.ring_timed_out():
            self.backlog.spawn(self._hang_up(live))

    def withdraw(self, live: Live) -> None:
        """Hang up a call that rings and is no longer wanted; one that was answered runs to its end."""
        if live.call.withdraw():
            self.backlog.spawn(self._hang_up(live))

    def machine(self, channel: str, cause: str) -> None:
        """The detector has found that a machine is on this channel, to which a message plays. Who pressed a key is a person."""
        attempt = attempt_of(channel)
        live = None if attempt is None else self._ledger.get(attempt)
        if live is not None and live.call.state is State.UP and not live.call.pressed:
            self.backlog.spawn(self._redirect(live, channel, "volley-late", cause))

    def cut_off(self) -> int:
        """Hang up every call, answered or not: an emergency. Returns how many there were."""
        lives = [live for live in self._ledger if live.call.state is not State.CLAIMED]
        for live in lives:
            self._cut.add(live.claim.attempt)
            self.backlog.spawn(self._hang_up(live))
        return len(lives)

    # -- actions -------------------------------------------------------------------------------------------------------

    async def _hang_up(self, live: Live) -> None:
        try:
            await self._channels(live.trunk.pbx).hang_up(channel_id(live.claim.attempt))
        except AmiError as error:
            self._log.warning(events.ENGINE_FAULT, what="could not hang up", error=str(error), **names(live))

    async def _redirect(self, live: Live, channel: str, context: str, extension: str) -> None:
        try:
            await self._channels(live.trunk.pbx).redirect(channel, context, extension)
        except AmiError as error:
            self._log.warning(
                events.ENGINE_FAULT, what=f"could not move it to {context}", error=str(error), **names(live)
            )

    async def _opt_out(self, report: Report, live: Live) -> None:
        numbers = await self.backlog.stored(
            partial(outcomes.opt_out, report=report, now=self._clock.now()), withdraws=True
        )
        if not self.suppressed.issuperset(numbers):  # not a repetition
            self.suppress(numbers)
            self._log.info(events.OPTOUT_RECORDED, **names(live))

    def suppress(self, numbers: list[int]) -> None:
        """These numbers are suppressed in the database: take back what was claimed or rings."""
        self.suppressed.update(numbers)
        for other in self._ledger:
            if other.claim.number_id in self.suppressed:
                self.withdraw(other)

    def unsuppress(self, numbers: list[int]) -> None:
        """These numbers were taken off the list."""
        self.suppressed.difference_update(numbers)

    async def _late(self, report: Report) -> None:
        numbers = await self.backlog.stored(
            partial(outcomes.late_report, report=report, now=self._clock.now()),
            withdraws=report.kind == "optout",
        )
        if numbers:
            self.suppress(numbers)
            self._log.info(events.OPTOUT_RECORDED, attempt=channel_id(report.attempt))

    # -- the end -------------------------------------------------------------------------------------------------------

    def _end(self, live: Live, disposition: Disposition, ending: Ending) -> None:
        self._ledger.close(live)
        self._cut.discard(live.claim.attempt)
        outcome, decision = aftermath(
            live.call,
            live.claim,
            live.running,
            disposition,
            ending,
            self._clock.now(),
        )
        self.health.ended(live, Disposition(outcome.disposition), ending, outcome.note)
        self._freed()
        self.ends.take(Ended(live, outcome, decision))

    def void(self, live: Live, note: str) -> None:
        """A claimed call that was never written: its attempt is void and its budget given back."""
        live.call.refusal = ""
        self.give_up(live, Disposition.NOT_SENT, note)
