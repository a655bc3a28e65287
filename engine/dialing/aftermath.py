"""What an ended call leaves behind: the outcome to be stored, and what follows for its contact.

Decides only: from a call, the claim it was made for and its campaign to values. Writing, logging and giving the channel
back are the follower's.
"""

from __future__ import annotations

from engine.dialing.call import Call, verdict
from engine.dialing.disposition import ANSWERED, Disposition, Ending
from engine.dialing.retry import CallbackAt, Decision, History, RetryAt, counts, decide
from engine.dialing.running import Running
from engine.flow.actions import MESSAGE
from engine.store.claimed import Claim
from engine.store.outcomes import Outcome


def aftermath(
    call: Call,
    claim: Claim,
    running: Running,
    disposition: Disposition,
    ending: Ending,
    now: float,
) -> tuple[Outcome, Decision]:
    """The outcome of a call that ended so, and the decision in it. `now` in POSIX seconds."""
    if (
        disposition is Disposition.FAILED
        and call.refusal
        and call.sent_at is not None
        and not ending.answered
    ):
        # Asterisk would not even try: nothing was dialed, so it is no attempt of the callee's.
        disposition = Disposition.CONGESTION
    dialed_at = call.dialed_by(now)
    decision = _decide(call, claim, running, disposition, dialed_at, now)
    next_at = None if not isinstance(decision, RetryAt | CallbackAt) else decision.at
    answered_at = call.answered_at or (call.ended_at if ending.answered else None)
    ended_at = call.ended_at or now
    outcome = Outcome(
        attempt=claim.attempt,
        contact_id=claim.contact_id,
        campaign_id=claim.campaign_id,
        number_id=claim.number_id,
        ended_at=ended_at,
        sent_at=call.sent_at,
        dialed_at=dialed_at,
        answered_at=answered_at,
        rang=call.rang,
        rang_at=call.rang_at,
        disposition=disposition.value,
        counted=counts(disposition),
        cause=ending.cause,
        sip=ending.sip,
        amd=verdict(call.reports),
        result=call.result or _result(call, disposition),
        note=call.refusal,
        reports=tuple(call.reports),
        position=claim.position,
        kept_callback=claim.callback_id,
        next_at=next_at,
        next_position=decision.position if isinstance(decision, RetryAt | CallbackAt) else claim.position,
        next_callback=isinstance(decision, CallbackAt),
        callback_start=call.asked.start if call.asked is not None else "",
        heard=heard(call, running.rules.message, ended_at),
        # How long a call was whose end nobody knows is not known either: it counts for as long as it may have been.
        cost=running.tariff.most(claim.trunk, claim.e164, claim.region)
        if disposition is Disposition.UNKNOWN
        else running.tariff.cost(claim.trunk, answered_at, ended_at, call.reports, claim.e164, claim.region),
    )
    return outcome, decision


def heard(call: Call, length: float | None, ended_at: float) -> float | None:
    """The share of the message that was heard: until something else was reported, or the end. None for a machine, for a call
    that played none, and where its length is not known."""
    begun = next((one for one in call.reports if one.kind == "play" and one.value == MESSAGE), None)
    if begun is None or not length or (call.amd == "MACHINE" and not call.pressed):
        return None
    after = [one.at for one in call.reports if one.seq > begun.seq]
    return min(1.0, max(0.0, (min(after, default=ended_at) - begun.at) / length))


def _decide(
    call: Call, claim: Claim, running: Running, disposition: Disposition, dialed_at: float, now: float
) -> Decision:
    counted = counts(disposition)
    tries = dict(claim.tries)
    tries[disposition] = tries.get(disposition, 0) + 1
    invalid = claim.invalid | {claim.position} if disposition is Disposition.INVALID_NUMBER else claim.invalid
    promised = claim.callback_id is not None
    serving = running.serving(claim.e164, claim.region)
    untried = serving - claim.refused_by - {claim.trunk}
    history = History(
        attempts=(claim.callbacks if promised else claim.attempts) + counted,
        by_disposition=tries,
        position=claim.position,
        numbers=claim.numbers,
        invalid=invalid,
        trunks=len(serving),
        untried=0 if call.rang else len(untried),
    )
    # A promise that was answered is kept: what follows is decided as after any answered call.
    policy = running.callback_policy if promised and disposition not in ANSWERED else running.policy
    callback_at = None
    if call.asked is not None and claim.callbacks + promised < running.campaign.max_callbacks:
        callback_at = call.granted or call.asked.instant(claim.zones)
    elif call.asked is not None:
        call.refusal = "a callback was asked for, and the campaign's max_callbacks is reached"
    return decide(policy, history, disposition, dialed_at, now, call.opted_out, callback_at)


def _result(call: Call, disposition: Disposition) -> str:
    """Of a call whose flow did not come to its end."""
    if call.opted_out:
        return "opted_out"
    if call.answered:
        return "partial"
    return "hung_up" if disposition in ANSWERED else ""
