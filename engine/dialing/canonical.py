"""The one line that tells of a call: `call.ended`, after its rows are stored."""

from __future__ import annotations

from typing import Any

from engine.channel import channel_id
from engine.dialing.ledger import Live
from engine.dialing.retry import Decision
from engine.store.claimed import Claim
from engine.store.outcomes import Outcome, Stored


def names(live: Live) -> dict[str, object]:
    """What names a call in every line about it."""
    claim = live.claim
    return {
        "campaign": live.running.name,
        "contact": claim.contact_id,
        "attempt": channel_id(claim.attempt),
    }


def line(claim: Claim, outcome: Outcome, decision: Decision, stored: Stored) -> dict[str, Any]:
    """Its fields, beside those that name the call (docs/logs.md)."""
    answered = outcome.answered_at
    return {
        "kind": claim.kind,
        "number": claim.e164,
        "caller_id": claim.caller_id,
        "trunk": claim.trunk,
        "disposition": outcome.disposition,
        "cause": outcome.cause,
        "sip": outcome.sip,
        "amd": outcome.amd,
        "result": outcome.result,
        "heard": None if outcome.heard is None else round(outcome.heard, 2),
        "answers": [_masked(report.value) for report in outcome.reports if report.kind == "answer"],
        "keys": "".join(report.value.partition("@")[0] for report in outcome.reports if report.kind == "key"),
        "rang": outcome.rang,
        "seconds": round(outcome.ended_at - (outcome.sent_at or outcome.ended_at), 3),
        "talk": 0.0 if answered is None else round(max(0.0, outcome.ended_at - answered), 3),
        "next": type(decision).__name__,
        "next_at": None if stored.contact_done else outcome.next_at,
        "note": outcome.note,
    }


def _masked(answer: str) -> str:
    """An answer for the log: what was typed (an account, a birthday) is nobody's business there."""
    question, _, said = answer.partition("=")
    return f"{question}={'*' * len(said)}" if len(said) > 1 and said.isdecimal() else answer
