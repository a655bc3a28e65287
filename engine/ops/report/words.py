"""What stands in the books, in words that need no knowledge of telephony; the codes stand beside them on the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

DISPOSITIONS: Mapping[str, str] = {
    "ANSWERED_HUMAN": "A person answered",
    "ANSWERED_MACHINE": "An answering machine answered",
    "ANSWERED_UNSURE": "Answered, person or machine not sure",
    "BUSY": "Busy",
    "NO_ANSWER": "It rang, nobody answered",
    "REJECTED": "Declined by the callee",
    "CONGESTION": "No room on the trunk or network",
    "INVALID_NUMBER": "The number does not exist",
    "FAILED": "The call could not be set up",
    "UNKNOWN": "What became of it cannot be proven",
    "CANCELLED": "Taken back",
    "SUPPRESSED": "Never to be called, by the rules",
    "EXPIRED": "Too late to call",
    "NOT_SENT": "Void: nothing was dialed",
    "NOT_DIALED": "Not dialed",
}

VERDICTS: Mapping[str, str] = {
    "HUMAN": "A person",
    "MACHINE": "An answering machine",
    "NOTSURE": "Not sure",
    "HANGUP": "Hung up before the verdict",
    "KEY": "A key was pressed: a person",
    "": "No verdict",
}
"""AMDSTATUS (Asterisk, apps/app_amd.c), and KEY of our dialplan."""

REASONS: Mapping[str, str] = {
    "HUMAN": "short greeting, then silence",
    "INITIALSILENCE": "silence at the start",
    "LONGGREETING": "long greeting",
    "MAXWORDS": "many words",
    "MAXWORDLENGTH": "a long word",
    "NOAUDIODATA": "no audio came",
    "TOOLONG": "time was up",
    "EARLY": "before the detection ended",
}
"""AMDCAUSE (the same file)."""

SIP: Mapping[int, str] = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 407: "Proxy Authentication Required",
    408: "Request Timeout", 410: "Gone", 420: "Bad Extension", 480: "Temporarily Unavailable", 482: "Loop Detected",
    483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here",
    500: "Server Internal Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out", 600: "Busy Everywhere",
    603: "Decline", 604: "Does Not Exist Anywhere", 607: "Unwanted", 608: "Rejected",
}  # fmt: skip
"""RFC 3261 section 21; 429 and others are told by their number. 607: RFC 8197, 608: RFC 8688."""

CAUSES: Mapping[int, str] = {
    1: "unallocated number", 2: "no route to transit network", 3: "no route to destination", 16: "normal clearing", 17: "user busy",
    18: "no user responding", 19: "no answer from user", 20: "subscriber absent", 21: "call rejected", 22: "number changed",
    27: "destination out of order", 28: "invalid number format", 31: "normal, unspecified", 34: "no circuit available",
    38: "network out of order", 41: "temporary failure", 42: "switching equipment congestion", 44: "requested circuit not available",
    50: "facility not subscribed", 57: "bearer capability not authorized", 58: "bearer capability not available",
    65: "bearer capability not implemented", 88: "incompatible destination", 102: "recovery on timer expiry", 111: "protocol error",
    127: "interworking, unspecified",
}  # fmt: skip
"""ITU-T Q.850, section 2.2.7."""

CALLBACKS: Mapping[str, str] = {
    "kept": "Kept: called back, and answered",
    "due": "Still to come",
    "missed": "Missed",
    "withdrawn": "Withdrawn",
}

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SPACE = "\N{NO-BREAK SPACE}"


def count(amount: int, one: str, many: str) -> str:
    """`1 person`, `2,345 people`."""
    return f"{amount:,} {one if amount == 1 else many}"


def percent(part: float, total: float) -> str:
    """`48.6 %`; nothing of nothing."""
    return f"{100 * part / total:.1f}{SPACE}%" if total else ""


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}{SPACE}s"


def moment(at: float) -> str:
    """To the minute, in UTC: `24 Nov 2026, 08:05`."""
    return _of(at).strftime("%-d %b %Y, %H:%M")


def clock(at: float) -> str:
    return _of(at).strftime("%H:%M")


def day(at: float) -> str:
    return _of(at).strftime("%-d %b %Y")


def hour(value: int) -> str:
    return f"{value:02d}:00"


def tick(at: float, step: float, span: float) -> str:
    """A label of a time axis whose ticks are `step` seconds apart."""
    if step >= 86400:
        return _of(at).strftime("%-d %b")
    if span > 86400:
        return _of(at).strftime("%-d %b %H:%M")
    return _of(at).strftime("%H:%M:%S" if step < 60 else "%H:%M")


def ending(sip: int, cause: int) -> str:
    """The SIP status and the Q.850 cause, as engineers say them."""
    told = []
    if sip:
        told.append(f"SIP {sip} {SIP.get(sip, '')}".rstrip())
    if cause:
        told.append(f"cause {cause} {CAUSES.get(cause, '')}".rstrip())
    return ", ".join(told) or "neither SIP status nor cause"


def _of(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
