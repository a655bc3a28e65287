"""A contact as it leaves intake: numbers in E.164, instants in UTC, fields that Asterisk can carry.

Knows what a contact is. How a row becomes one: `engine.intake.rows`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, time

from engine.rules.numbers import Number


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to, as the contact's file tells it. Nothing here is judged: the gate does
    that."""

    purpose: str | None
    at: datetime | None
    """Aware, UTC."""
    source: str | None
    """How it was given: a web form, paper, a call."""
    reference: str | None
    """Where the proof is kept."""
    text: str | None


def consent_text(consent: Consent | None) -> str | None:
    """A consent as the database keeps it, and as the gate reads it: a JSON object."""
    if consent is None:
        return None
    return json.dumps(
        {
            "purpose": consent.purpose,
            "at": None if consent.at is None else str(consent.at),
            "source": consent.source,
            "reference": consent.reference,
            "text": consent.text,
        },
        ensure_ascii=False,
    )


@dataclass(frozen=True, slots=True)
class Contact:
    """A person to call. `row` is the row in the source as its author counts (the heading is row 1)."""

    row: int
    external_id: str | None
    numbers: tuple[Number, ...]
    """At least one; tried in order."""
    timezone: str | None
    """IANA name, where the source gives one; the numbers have their own."""
    language: str | None
    consent: Consent | None
    call_from: time | None
    """Local time of day at the callee's."""
    call_to: time | None
    not_before: datetime | None
    """Aware, UTC."""
    expires: datetime | None
    fields: dict[str, str]
    """Other columns, by names of [A-Z0-9_]{1,32}."""
    subdivision: str | None = None
    """State or province, as the source writes it."""
    postal_code: str | None = None
    spoken: dict[str, str] = field(default_factory=dict)
    """Fields that are spoken, by their names, as the say applications take them."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that did not become a contact. `code` is the first reason's constant, `reason` tells all of
    them."""

    row: int
    code: str
    reason: str
    raw: tuple[str, ...]
