"""How an attempt ended, in Asterisk's words.

Knows the table from what the PBX saw (answered or not, Q.850 cause, SIP status, AMD verdict, keys) to one
Disposition. Pure. Unknown falls to the careful side: it counts as an attempt and is not called a success. A refusal
that is the trunk's doing is CONGESTION, never the callee's.

Sources: ITU-T Q.850 (causes), RFC 3261 and RFC 3398 section 8.2 (SIP), Asterisk `hangup_sip2cause` in res_pjsip,
and the table in docs/dispositions.md, seen with a real Asterisk 22.
"""

from __future__ import annotations

from enum import StrEnum

from engine.values import hot_value


class Telling(StrEnum):
    """What a call tells of the trunk that carried it."""

    WORKED = "worked"
    """The far end of it spoke."""
    FAILED = "failed"
    NOTHING = "nothing"


class Disposition(StrEnum):
    """Final word on an attempt or, once there will be no other attempt, on a contact."""

    ANSWERED_HUMAN = "ANSWERED_HUMAN"
    ANSWERED_MACHINE = "ANSWERED_MACHINE"
    ANSWERED_UNSURE = "ANSWERED_UNSURE"
    BUSY = "BUSY"
    NO_ANSWER = "NO_ANSWER"
    REJECTED = "REJECTED"
    INVALID_NUMBER = "INVALID_NUMBER"
    CONGESTION = "CONGESTION"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    NOT_SENT = "NOT_SENT"
    SUPPRESSED = "SUPPRESSED"
    EXPIRED = "EXPIRED"


ANSWERED = frozenset({Disposition.ANSWERED_HUMAN, Disposition.ANSWERED_MACHINE, Disposition.ANSWERED_UNSURE})
UNCOUNTED = frozenset({Disposition.CONGESTION, Disposition.NOT_SENT, Disposition.CANCELLED})
"""Attempts that burn nothing of a contact's budget: the callee had no part in them."""


@hot_value(frozen=True, slots=True)
class Ending:
    """All that is known of a call that is over."""

    answered: bool = False
    rang: bool = False
    cause: int = 0
    """Q.850 cause from Hangup; 0 when there was none."""
    sip: int = 0
    """Final SIP status; 0 when there was none."""
    gave_up: bool = False
    """We gave up: the ring time-out or the Originate's own passed."""
    withdrawn: bool = False
    """We took the call back: the campaign was cancelled or the number suppressed while it rang."""
    amd: str = ""
    """AMDSTATUS; empty when the detection did not end."""
    pressed: bool = False
    """The callee pressed a key, so it is a person, whatever the detection said."""


SIP = {
    404: Disposition.INVALID_NUMBER,
    410: Disposition.INVALID_NUMBER,
    484: Disposition.INVALID_NUMBER,
    604: Disposition.INVALID_NUMBER,
    486: Disposition.BUSY,
    600: Disposition.BUSY,
    480: Disposition.NO_ANSWER,
    408: Disposition.NO_ANSWER,
    401: Disposition.FAILED,
    403: Disposition.FAILED,
    407: Disposition.FAILED,
    420: Disposition.FAILED,
    482: Disposition.FAILED,
    483: Disposition.FAILED,
    603: Disposition.REJECTED,
    607: Disposition.REJECTED,
    608: Disposition.REJECTED,
    500: Disposition.CONGESTION,
    501: Disposition.CONGESTION,
    502: Disposition.CONGESTION,
    503: Disposition.CONGESTION,
    504: Disposition.CONGESTION,
    505: Disposition.CONGESTION,
    513: Disposition.CONGESTION,
    580: Disposition.CONGESTION,
    429: Disposition.CONGESTION,
    487: Disposition.NO_ANSWER,
}
"""Final SIP status -> disposition. It says more than the cause that Asterisk derives from it, so it is looked at
first.

603 is a person who declines; 607 (unwanted, RFC 8197) and 608 (rejected by the network, RFC 8688) are kept with it.
401, 403 and 407 come from the trunk (wrong credentials, not allowed, unknown caller ID), 420, 482 and 483 from the
way there: they are no statement about the callee, though Asterisk derives 21 (rejected), 3 (no route) and 19 (no
answer) from them. A 5xx is a server that failed, on this way; 408 and 487 (our CANCEL) are ring-outs when it rang.
"""

CAUSE = {
    1: Disposition.INVALID_NUMBER,  # unallocated number
    2: Disposition.FAILED,  # no route to transit network
    3: Disposition.INVALID_NUMBER,  # no route to destination
    16: Disposition.FAILED,  # normal clearing without an answer
    17: Disposition.BUSY,
    18: Disposition.NO_ANSWER,  # no user responding
    19: Disposition.NO_ANSWER,  # alerting, no answer
    20: Disposition.CONGESTION,  # subscriber absent: Asterisk's word for an endpoint (trunk) that is not reachable
    21: Disposition.REJECTED,
    22: Disposition.INVALID_NUMBER,  # number changed
    27: Disposition.FAILED,  # destination out of order
    28: Disposition.INVALID_NUMBER,  # invalid number format
    34: Disposition.CONGESTION,
    38: Disposition.CONGESTION,  # network out of order
    41: Disposition.CONGESTION,  # temporary failure
    42: Disposition.CONGESTION,  # switching equipment congestion
    44: Disposition.CONGESTION,  # requested channel not available
}
"""Q.850 cause -> disposition, for an ending that carries no SIP status."""

_AMD = {"HUMAN": Disposition.ANSWERED_HUMAN, "MACHINE": Disposition.ANSWERED_MACHINE}


def classify(ending: Ending) -> Disposition:
    """The one disposition of an attempt that ended so."""
    if ending.answered:
        if ending.pressed:
            return Disposition.ANSWERED_HUMAN
        return _AMD.get(ending.amd, Disposition.ANSWERED_UNSURE)
    if ending.withdrawn:
        return Disposition.CANCELLED
    if ending.gave_up:
        return Disposition.NO_ANSWER if ending.rang else Disposition.FAILED
    found = SIP.get(ending.sip) or CAUSE.get(ending.cause, Disposition.FAILED)
    if found is Disposition.NO_ANSWER and not ending.rang and ending.sip != 480:
        return Disposition.FAILED  # it never rang: nobody could have answered
    return found


_CREDENTIALS = frozenset({401, 407})
_SPOKEN = frozenset(
    {Disposition.BUSY, Disposition.NO_ANSWER, Disposition.REJECTED, Disposition.INVALID_NUMBER}
)


def telling(disposition: Disposition, ending: Ending) -> Telling:
    """What a call that ended so tells of its trunk. Silence tells nothing: a callee's telephone may be off, and a trunk that
    does not answer at all is found out by Asterisk (`qualify_frequency`), which then refuses at once."""
    if ending.answered or ending.rang:
        return Telling.WORKED
    if disposition is Disposition.CONGESTION or ending.sip in _CREDENTIALS:
        return Telling.FAILED
    if ending.sip and disposition in _SPOKEN:
        return Telling.WORKED
    return Telling.NOTHING
