"""Contacts between the parsing process and the engine: compact rows of JSON, and back.

Region, kind, zones and repair of numbers are few and repeat: they travel once a batch, and a number refers to
them by index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, cast

import orjson

from engine.contacts import Consent, Contact
from engine.rules.numbers import Kind, Number, Repair

_Traits = tuple[str, Kind, tuple[str, ...], Repair | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Contacts in the order of their rows. All rows up to `through_row` are dealt with: here, in an earlier
    batch, or rejected.

    `rejected` counts the rows refused since the batch before.
    """

    contacts: tuple[Contact, ...]
    through_row: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Done:
    """The source was read to its end. Counts are of the whole source, also when its first part was skipped.

    `rows` counts rows with anything in them, `duplicates` those that repeated an earlier one (among
    `rejected`, or merged).
    """

    rows: int
    accepted: int
    rejected: int
    duplicates: int


def pack(contacts: Sequence[Contact], through_row: int, rejected: int) -> bytes:
    """One line of JSON, with its line end."""
    traits: dict[_Traits, int] = {}
    packed = [
        (
            contact.row,
            contact.external_id,
            [
                part
                for number in contact.numbers
                for part in (
                    number.e164,
                    traits.setdefault(
                        (number.region, number.kind, number.zones, number.repaired), len(traits)
                    ),
                )
            ],
            contact.timezone,
            contact.language,
            None if contact.consent is None else _pack_consent(contact.consent),
            # As text: orjson 3.13 writes the fraction of a second of a time without its leading zeros.
            contact.call_from.isoformat() if contact.call_from else None,
            contact.call_to.isoformat() if contact.call_to else None,
            _pack_instant(contact.not_before),
            _pack_instant(contact.expires),
            contact.fields,
            contact.subdivision,
            contact.postal_code,
            contact.spoken,
        )
        for contact in contacts
    ]
    line = {"batch": packed, "traits": list(traits), "through_row": through_row, "rejected": rejected}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def unpack(message: dict[str, Any]) -> Batch:
    """A decoded line of `pack` as contacts."""
    traits = [_intern(item) for item in message["traits"]]
    contacts = []
    for (
        row,
        external_id,
        numbers,
        timezone,
        language,
        consent,
        call_from,
        call_to,
        not_before,
        expires,
        fields,
        subdivision,
        postal_code,
        spoken,
    ) in message["batch"]:
        if len(numbers) == 2:
            held: tuple[Number, ...] = (Number(numbers[0], *traits[numbers[1]]),)
        else:
            held = tuple(Number(numbers[at], *traits[numbers[at + 1]]) for at in range(0, len(numbers), 2))
        contacts.append(
            Contact(
                row,
                external_id,
                held,
                timezone,
                language,
                None if consent is None else _unpack_consent(consent),
                None if call_from is None else time.fromisoformat(call_from),
                None if call_to is None else time.fromisoformat(call_to),
                None if not_before is None else datetime.fromtimestamp(not_before, UTC),
                None if expires is None else datetime.fromtimestamp(expires, UTC),
                fields,
                subdivision,
                postal_code,
                spoken,
            )
        )
    return Batch(tuple(contacts), message["through_row"], message["rejected"])


_KNOWN: dict[_Traits, _Traits] = {}


def _intern(item: list[Any]) -> _Traits:
    """The one tuple that all numbers with the same traits share."""
    traits = cast(_Traits, (item[0], item[1], tuple(item[2]), item[3]))
    if len(_KNOWN) > 10_000:
        _KNOWN.clear()
    return _KNOWN.setdefault(traits, traits)


def _pack_instant(value: datetime | None) -> float | None:
    return None if value is None else value.timestamp()


def _pack_consent(consent: Consent) -> tuple[str | None, float | None, str | None, str | None, str | None]:
    return consent.purpose, _pack_instant(consent.at), consent.source, consent.reference, consent.text


def _unpack_consent(parts: list[Any]) -> Consent:
    purpose, at, source, reference, text = parts
    return Consent(purpose, None if at is None else datetime.fromtimestamp(at, UTC), source, reference, text)
