"""What should come out for a number: from its behaviour (behaviours.toml) and the retry settings, worked
out apart from the engine.

Pure. Nothing of the engine is imported here on purpose: an oracle that asks the judged one proves nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lab.behaviours import Behaviour
from lab.demo.campaigns import MAX_ATTEMPTS, MAX_CALLBACKS, RETRIES

UNCOUNTED = frozenset({"CONGESTION"})
"""The trunk's doing, not the callee's: burns no attempt."""
HANGS_UP = frozenset({"12", "13"})
"""Behaviours in which the callee hangs up before the message has ended."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it should be."""

    kind: str
    """first, retry, callback."""
    disposition: str
    keys: str
    """What the callee presses."""
    result: str


@dataclass(frozen=True, slots=True)
class Expected:
    """All calls to one number, and what they leave behind."""

    calls: tuple[Call, ...]
    callbacks_kept: int
    opted_out: bool

    @property
    def disposition(self) -> str:
        """The contact's final word."""
        return self.calls[-1].disposition

    @property
    def goal(self) -> str:
        """The result of the last call that had one."""
        return next((call.result for call in reversed(self.calls) if call.result), "")


def expected(behaviour: Behaviour) -> Expected:
    """What should happen to a number that behaves so."""
    calls: list[Call] = []
    ended: Counter[str] = Counter()
    counted = granted = kept = 0
    kind = "first"
    while True:
        word, keys = behaviour.disposition_of(len(calls) + 1), behaviour.keys_of(len(calls) + 1)
        # Who has had all callbacks is promised none: the key means nothing then.
        result = _result(behaviour, word, keys if granted < MAX_CALLBACKS else keys.replace("2", ""))
        calls.append(Call(kind, word, keys, result))
        ended[word] += 1
        if kind == "callback":
            kept += word.startswith("ANSWERED")
        else:
            counted += word not in UNCOUNTED
        if result == "call_back":
            granted, kind = granted + 1, "callback"
            continue
        again = (
            result != "opted_out"
            and ended[word] <= RETRIES.get(word, 0)
            and (counted < MAX_ATTEMPTS or word in UNCOUNTED)
        )
        if not again:
            return Expected(tuple(calls), kept, result == "opted_out")
        kind = "retry"


def _result(behaviour: Behaviour, word: str, keys: str) -> str:
    """What a call ends with for the callee: the first key that means something, else what was played."""
    for key in keys:
        if key in _KEYS:
            return _KEYS[key]
    if not word.startswith("ANSWERED"):
        return ""
    if word == "ANSWERED_MACHINE":
        return "voicemail_left"
    return "hung_up" if behaviour.code in HANGS_UP else "heard"


_KEYS = {"1": "confirmed", "2": "call_back", "9": "opted_out"}
