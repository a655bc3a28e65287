"""AMI events -> channel events: what each one says about a channel of ours. Events of other channels give None."""

from __future__ import annotations

import re

from engine.ami.protocol import Told
from engine.channel import (
    ChannelEvent,
    HungUp,
    InboundOptOut,
    KeyPressed,
    OriginateFailed,
    Queued,
    Refused,
    Report,
    Ringing,
    Up,
    attempt_of,
)

_SIP = re.compile(r"(?:SIP )?([1-6]\d\d)\b")
DIGITS = frozenset("0123456789*#")
RINGING, UP = "5", "6"
"""AST_STATE_RINGING and AST_STATE_UP (include/asterisk/channelstate.h)."""


def sip_status(tech_cause: str) -> int:
    """`SIP 486 Busy Here` -> 486; 0 where there is none, and for a 200 (that ended nothing)."""
    found = _SIP.match(tech_cause)
    status = int(found.group(1)) if found else 0
    return status if status >= 300 else 0


def _number(text: str) -> int:
    """A decimal number, 0 for anything else: one odd event must not end the connection."""
    return int(text) if text.isdecimal() else 0


def response(fields: Told, now: float) -> ChannelEvent | None:
    """The acknowledgement of an Originate."""
    attempt = attempt_of(fields.get("ActionID", ""))
    if attempt is None:
        return None
    if fields.get("Response", "") == "Success":
        return Queued(attempt)
    return Refused(attempt, fields.get("Message", "no reason given"))


def originate_response(fields: Told, now: float) -> ChannelEvent | None:
    """A success says nothing that Newstate did not."""
    attempt = attempt_of(fields.get("ActionID", ""))
    if attempt is None or fields.get("Response", "") == "Success":
        return None
    return OriginateFailed(attempt, _number(fields.get("Reason", "")))


def newstate(fields: Told, now: float) -> ChannelEvent | None:
    attempt = attempt_of(fields.get("Uniqueid", ""))
    if attempt is None:
        return None
    state = fields.get("ChannelState", "")
    return Ringing(attempt) if state == RINGING else Up(attempt) if state == UP else None


def hangup(fields: Told, now: float) -> ChannelEvent | None:
    attempt = attempt_of(fields.get("Uniqueid", ""))
    if attempt is None:
        return None
    state = fields.get("ChannelState", "")
    return HungUp(
        attempt,
        _number(fields.get("Cause", "")),
        sip_status(fields.get("TechCause", "")),
        now,
        state == UP,
        state == RINGING,
    )


def user_event(fields: Told, now: float) -> ChannelEvent | None:
    if fields.get("UserEvent", "") != "Volley":
        return None
    attempt = attempt_of(fields.get("Attempt", ""))
    seq = fields.get("Seq", "")
    if attempt is None or not seq.isdecimal():
        return None
    return Report(attempt, int(seq), fields.get("Kind", ""), fields.get("Value", ""), now)


_CALL = re.compile(r"[0-9A-Za-z.]{1,150}")
_FROM = re.compile(r"\+?[0-9]{7,17}")
_CALLED = re.compile(r"[0-9]{1,40}")


def inbound_opt_out(call: str, number: str, called: str, at: float) -> InboundOptOut | None:
    """An opt-out of somebody who called back, from the parts that the dialplan reports; None when one of them is not
    what the dialplan writes."""
    if _CALL.fullmatch(call) and _FROM.fullmatch(number) and _CALLED.fullmatch(called):
        return InboundOptOut(call, number, called, at)
    return None


def inbound(fields: Told, now: float) -> InboundOptOut | None:
    """UserEvent VolleyInbound."""
    if fields.get("UserEvent", "") != "VolleyInbound":
        return None
    return inbound_opt_out(fields.get("Call", ""), fields.get("Number", ""), fields.get("Called", ""), now)


def dtmf_end(fields: Told, now: float) -> ChannelEvent | None:
    attempt, digit = attempt_of(fields.get("Uniqueid", "")), fields.get("Digit", "")
    if attempt is None or fields.get("Direction", "") != "Received" or digit not in DIGITS:
        return None
    return KeyPressed(attempt, digit, fields.get("Channel", ""))


TABLE = {
    b"Response": response,
    b"OriginateResponse": originate_response,
    b"Newstate": newstate,
    b"Hangup": hangup,
    b"UserEvent": user_event,
    b"DTMFEnd": dtmf_end,
}
