"""What the dialplan kept in AstDB about calls: the outbox that outlives a lost link.

Keys are `/volley/<bucket>/<attempt>/<what>`: `sent` (POSIX seconds, written before the INVITE), `end` (written by
the hangup handler: cause|state|tech cause|POSIX seconds) and the numbered reports (kind|value|POSIX seconds). Beside
them `/volley/inbound/<call>` (optout|calling number|digits called|POSIX seconds) holds the opt-outs of people who
called back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.ami.events import inbound_opt_out, sip_status
from engine.channel import HungUp, InboundOptOut, Report, attempt_of


@dataclass(slots=True)
class Evidence:
    """All that AstDB holds of one attempt."""

    attempt: int
    bucket: int
    sent_at: float | None = None
    end: HungUp | None = None
    reports: list[Report] = field(default_factory=list)


def read(entries: Iterable[tuple[str, str]]) -> dict[int, Evidence]:
    """AstDB entries (key, value) -> evidence by attempt. What is not ours or is malformed is passed over."""
    found: dict[int, Evidence] = {}
    for key, value in entries:
        parts = key.strip("/").split("/")
        if len(parts) != 4 or parts[0] != "volley" or not parts[1].isdecimal():
            continue
        attempt = attempt_of(parts[2])
        if attempt is None:
            continue
        evidence = found.get(attempt)
        if evidence is None:
            evidence = found[attempt] = Evidence(attempt, int(parts[1]))
        _take(evidence, parts[3], value)
    for evidence in found.values():
        evidence.reports.sort(key=lambda report: report.seq)
    return found


def read_inbound(entries: Iterable[tuple[str, str]]) -> tuple[list[InboundOptOut], list[str]]:
    """AstDB entries (key, value) -> opt-outs of people who called back, oldest first, and the calls whose entry is
    there and cannot be read."""
    found: list[InboundOptOut] = []
    unreadable: list[str] = []
    for key, value in entries:
        parts = key.strip("/").split("/")
        if len(parts) != 3 or parts[:2] != ["volley", "inbound"]:
            continue
        kind, *words = value.split("|")
        at = _instant(words[2]) if len(words) == 3 else None
        opt_out = None if at is None else inbound_opt_out(parts[2], words[0], words[1], at)
        if kind == "optout" and opt_out is not None:
            found.append(opt_out)
        else:
            unreadable.append(parts[2])
    return sorted(found, key=lambda one: (one.at, one.call)), sorted(unreadable)


def _take(evidence: Evidence, what: str, value: str) -> None:
    if what == "sent":
        evidence.sent_at = _instant(value)
    elif what == "end":
        cause, _, rest = value.partition("|")
        state, _, rest = rest.partition("|")
        tech, _, at = rest.rpartition("|")
        evidence.end = HungUp(
            evidence.attempt,
            int(cause) if cause.isdecimal() else 0,
            sip_status(tech),
            _instant(at) or 0.0,
            state == "Up",
            state == "Ringing",
        )
    elif what.isdecimal():
        kind, _, rest = value.partition("|")
        text, _, at = rest.rpartition("|")
        evidence.reports.append(Report(evidence.attempt, int(what), kind, text, _instant(at) or 0.0))


def _instant(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
