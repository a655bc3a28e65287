"""Abandoned calls: a person answers, and nobody and nothing speaks within two seconds of the end of the greeting.

47 CFR 64.1200(a)(7) and 16 CFR 310.4(b)(4) count from the called person's completed greeting. AMD() decides for a
human after a silence that follows the greeting, so the greeting ended that silence before the verdict: AMDCAUSE tells
its length (`HUMAN-715-1240`: after 715 ms, and before it a greeting of 1240 ms). Where there was no such silence (an
unsure verdict, a key, a machine that presses one) the first verdict itself is taken; without detection the answer is,
which is the careful side.

Who is live: whoever is not taken for a machine in the end, so an unsure verdict counts as a person, and so does a
machine that presses a key. Who hung up before any verdict is in no count: nobody knows who that was, and a smaller
count makes the share larger, not smaller.

Pure: reports and instants (POSIX seconds) in, a measurement out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.channel import Report
from engine.values import hot_value

LIMIT = 2.0
"""Seconds from the end of the greeting to the first audio; more is an abandoned call."""
_SILENCE = re.compile(r"HUMAN/HUMAN-([0-9]{1,6})-[0-9]{1,6}")


@hot_value(frozen=True, slots=True)
class Measured:
    """What a call that was answered comes to."""

    live: bool
    """A person answered, as far as can be told."""
    wait: float | None = None
    """Seconds from the end of the greeting to the first audio; None when there was none, or when the instants are whole
    seconds from AstDB, which tell too little."""
    abandoned: bool = False


NOT_LIVE = Measured(False)


def measure(reports: Sequence[Report], answered_at: float | None, ended_at: float) -> Measured:
    """Measure a call that has ended, from what the dialplan reported of it."""
    if answered_at is None:
        return NOT_LIVE
    verdicts = sorted((one for one in reports if one.kind == "amd"), key=lambda one: one.seq)
    verdict = verdicts[0] if verdicts else None
    first = next((one for one in reports if one.kind == "play"), None)
    pressed = any(one.kind in ("key", "optout", "callback") for one in reports)
    if verdict is None and first is None and not pressed:
        return Measured(True, abandoned=True) if _lost(reports) else NOT_LIVE
    if verdicts and verdicts[-1].value.partition("/")[0] in ("MACHINE", "HANGUP", ""):
        return NOT_LIVE
    if pressed and first is None:
        return Measured(True)  # who presses a key has been answered by it
    greeted = answered_at if verdict is None else verdict.at - _silence(verdict.value)
    if first is None:
        return Measured(True, abandoned=_lost(reports) or ended_at - greeted > LIMIT)
    if _whole(first.at) and (verdict is None or _whole(verdict.at)):
        return Measured(True)
    wait = max(0.0, first.at - greeted)
    return Measured(True, wait, wait > LIMIT and not pressed_before(reports, first))


def pressed_before(reports: Sequence[Report], first: Report) -> bool:
    """Did a key come before the first audio? Then the person was heard, and what followed was the answer to that."""
    return any(one.kind == "key" and one.seq < first.seq for one in reports)


def _lost(reports: Sequence[Report]) -> bool:
    """The PBX had nothing to say: it hung up on a person by our own fault."""
    return any(one.kind == "result" and one.value == "flow_missing" for one in reports)


def _silence(value: str) -> float:
    found = _SILENCE.fullmatch(value)
    return int(found[1]) / 1000 if found else 0.0


def _whole(at: float) -> bool:
    return at == int(at)
