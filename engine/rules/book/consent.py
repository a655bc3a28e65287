"""The consent that a contact has, as its row tells it, held against the consent that a rule set needs.

Knows words and dates; refuses to know whether what a row says is true, which its reference is there to prove. What is
missing does not count. Pure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from engine.durations import text as duration
from engine.rules.book.entry import LEVELS, PURPOSES, Level, Purpose
from engine.rules.book.ruleset import RuleSet

WRITTEN = frozenset(
    (
        "written",
        "express written",
        "express_written",
        "prior express written",
        "pewc",
        "signed",
        "esign",
        "e-sign",
    )
)
"""What the column `consent` says of a consent that was signed, on paper or electronically, folded to lower case."""

NOT_GIVEN = frozenset(
    ("0", "n", "no", "nope", "non", "nein", "none", "not", "never", "false", "faux", "falsch", "f", "off", "na", "null", "unknown",
     "pending", "optout", "out", "stop", "unsubscribe", "unsubscribed", "withdrawn", "withdrew", "revoked", "refused", "refuse",
     "refus", "declined", "denied", "rejected", "expired", "lapsed", "implied", "aucun", "aucune", "kein", "keine", "sans", "without")
)  # fmt: skip
"""A word of these in it, folded to lower case and without signs, and what it says is no consent that could be shown: the careful
reading of "no consent", "do not call", "opted out". An implied one is none here."""

_WORD = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[,;|/+]|\band\b|\s{2,}")


@dataclass(frozen=True, slots=True)
class Held:
    """What a contact agreed to; `at` in POSIX seconds."""

    level: Level
    at: float | None
    purposes: frozenset[str]
    """Words as they were given, in lower case; those that are no purpose agree to nothing."""
    source: str
    reference: str


NO_CONSENT = Held("none", None, frozenset(), "", "")


@lru_cache(maxsize=16384)
def held(
    text: str | None, at: float | None, purpose: str | None, source: str | None, reference: str | None
) -> Held:
    """A row's columns as a consent. `text` is the column `consent`: a word for no means none at all, one of WRITTEN a signed
    consent, anything else an express one. Without that column the other ones still tell of an express consent."""
    word = " ".join((text or "").casefold().split())
    if (
        text is not None
        and word not in WRITTEN
        and (
            not (words_of := _WORD.findall(word))
            or not NOT_GIVEN.isdisjoint(words_of)
            or {"n", "a"} <= set(words_of)
        )
    ):
        return NO_CONSENT
    if text is None and at is None and not (purpose or source or reference):
        return NO_CONSENT
    words = (part.strip() for part in _BETWEEN.split((purpose or "").casefold()))
    return Held(
        "written" if word in WRITTEN else "express",
        at,
        frozenset(part for part in words if part),
        (source or "").strip(),
        (reference or "").strip(),
    )


@lru_cache(maxsize=16384)
def stored(text: str | None) -> Held:
    """A consent as the database keeps it: a JSON object of `text, at, purpose, source, reference`, where `at` is ISO 8601 with its
    offset or POSIX seconds. What cannot be read is no consent."""
    if not text:
        return NO_CONSENT
    try:
        parts = json.loads(text)
    except ValueError:
        return NO_CONSENT
    if not isinstance(parts, dict):
        return NO_CONSENT
    words = [parts.get(name) for name in ("text", "purpose", "source", "reference")]
    if any(word is not None and not isinstance(word, str) for word in words):
        return NO_CONSENT
    at = parts.get("at")
    if isinstance(at, str):
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return NO_CONSENT
        at = moment.timestamp() if moment.tzinfo is not None else None
    elif at is not None and (isinstance(at, bool) or not isinstance(at, int | float)):
        return NO_CONSENT
    said, purpose, source, reference = words
    return held(said, None if at is None else float(at), purpose, source, reference)


def outranks(held: Held, exempt: Level | None, purpose: Purpose, now: float) -> bool:
    """Is this consent at least the one that lifts a rule, and could it be shown: given for this purpose, when, how, and with
    a proof? None: no consent does."""
    return (
        exempt is not None
        and exempt != "none"
        and LEVELS.index(held.level) >= LEVELS.index(exempt)
        and agrees(held, purpose)
        and held.at is not None
        and held.at <= now
        and bool(held.source and held.reference)
    )


def agrees(held: Held, purpose: Purpose) -> bool:
    """Was it given for this purpose? A consent that names none agrees to nothing that asks for one."""
    return purpose in held.purposes


def consent_problem(rules: RuleSet, held: Held, now: float) -> str | None:
    """Why the consent does not carry the call, and what to do; None when it does, or none is needed.

    All that is missing is told at once.
    """
    need = rules.consent
    if need is None:
        return None
    by = ", ".join(need.rules)
    if LEVELS.index(held.level) < LEVELS.index(need.level):
        has = "there is none" if held.level == "none" else f"the contact's is {held.level}"
        signed = ' with consent = "written" where it was signed' if need.level == "written" else ""
        return (
            f"{rules.purpose} calls need {_WORDS[need.level]} ({by}) and {has}: give the columns consent,"
            f" consent_at, consent_source, consent_purpose, consent_reference{signed}"
        )
    missing = [
        f"consent_{part}"
        for part, told in (
            ("at", held.at is not None),
            ("source", bool(held.source)),
            ("purpose", bool(held.purposes)),
            ("reference", bool(held.reference)),
        )
        if part in need.proof and not told
    ]
    if missing:
        return f"the consent does not tell {' and '.join(missing)}, which {by} asks for: fill in the columns"
    if held.purposes and not agrees(held, rules.purpose):
        given = ", ".join(sorted(held.purposes))
        return (
            f"the consent was given for {given}, not for {rules.purpose}; the words are {', '.join(PURPOSES)}"
        )
    if held.at is not None and held.at > now:
        return f"the consent is dated {_date(held.at)}, which is to come: correct consent_at"
    if need.max_age is not None and (held.at is None or held.at + need.max_age < now):
        return f"the consent is older than {duration(need.max_age)} ({by}): ask for it again"
    return None


_WORDS = {"none": "no consent", "express": "express consent", "written": "express written consent"}


def _date(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return "far away"
