"""A row of the source becomes a contact, or is rejected with all its reasons.

Knows the limits of what Asterisk can carry and the words for yes and no. Refuses to judge consent, hours or
numbers that may not be called: what it takes is well-formed, not allowed.
"""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import NamedTuple
from urllib.parse import quote

from engine.contacts import Consent, Contact, Reject
from engine.flow.prompts import SayKind
from engine.intake.columns import Mapping
from engine.intake.locales import canonical_language, canonical_zone
from engine.intake.moments import MomentError, parse_clock, parse_instant
from engine.intake.sayable import NotSayable, sayable
from engine.rules.numbers import Number, NumberError, parse_number

LIST_SIGN = "\x1f"
"""Between the values of a list (JSON, inline rows): the ASCII unit separator."""

LINE_BYTES = 1024 - len("Variable: VOLLEY_C_=\r\n")
"""What an AMI line leaves for a field's name and its percent-encoded value (see `engine.ami.encode`)."""

CONTACT_CHARS = 65_536
"""All fields of a contact together."""

SPOKEN_CHARS = 200
"""Of a field that stands in a text."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NO = frozenset(
    {
        "no",
        "n",
        "false",
        "0",
        "non",
        "nein",
        "faux",
        "falsch",
        "none",
        "never",
        "opt-out",
        "optout",
        "withdrawn",
        "revoked",
    }
)


class RawRow(NamedTuple):
    """A row as it was read. `fault` says why its cells cannot be trusted, such as a quote that is never
    closed."""

    number: int
    cells: list[str]
    fault: str = ""


class Reading(NamedTuple):
    """What became of a row: a contact, a reject, or a contact and what was left out of it."""

    contact: Contact | None
    reject: Reject | None


class RowReader:
    """Turns the rows of one source into contacts. `sent` are the fields that go to Asterisk (None: all
    may), `spoken` those that are spoken, and how, `needed` those that stand in a text that is."""

    def __init__(
        self,
        mapping: Mapping,
        region: str | None,
        language: str | None,
        sent: frozenset[str] | None = None,
        spoken: abc.Mapping[str, SayKind] | None = None,
        needed: Sequence[str] = (),
    ) -> None:
        self._needed = tuple(needed)
        self._spoken = dict(spoken or {})
        self._mapping = mapping
        self._region = region
        self._language = language
        self._sent = sent
        self._width = mapping.width
        self._phones = mapping.phones
        self._single = mapping.phones[0] if len(mapping.phones) == 1 else None
        self._fields = mapping.fields
        self._roles = mapping.roles
        longest = max((len(name) for name, _ in mapping.fields), default=0)
        # A row whose cells together are shorter than this has no field that is too long, whatever its
        # characters encode to.
        self._short = (LINE_BYTES - longest) // 3

    def read(self, row: RawRow) -> Reading:
        """The contact of `row`, or why there is none."""
        cells = row.cells
        if row.fault:
            return Reading(None, Reject(row.number, "unreadable", row.fault, tuple(cells)))
        if len(cells) != self._width:
            if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
                reason = f"this row has {len(cells)} cells and the source {self._width} columns; look for a delimiter that is not quoted"
                return Reading(None, Reject(row.number, "ragged", reason, tuple(cells)))
            cells = (cells + [""] * self._width)[: self._width]
        reasons: list[tuple[str, str]] = []
        left_out: list[tuple[str, str]] = []
        if self._single is not None and LIST_SIGN not in (written := cells[self._single]):
            try:
                numbers: tuple[Number, ...] = (parse_number(written, self._region),)
            except NumberError as error:
                numbers = ()
                reasons.append((error.code, str(error)))
        else:
            numbers = self._numbers(cells, reasons, left_out)
        fields = self._read_fields(cells, reasons)
        if self._roles:
            contact = self._with_roles(row.number, cells, numbers, fields, reasons)
        else:
            contact = Contact(
                row.number, None, numbers, None, self._language, None, None, None, None, None, fields
            )
        if self._needed:
            self._put_into_texts(fields, reasons)
        if self._spoken:
            contact = replace(contact, spoken=self._say(fields, reasons))
        if reasons:
            return Reading(None, _rejected(row.number, cells, reasons + left_out))
        return Reading(contact, _rejected(row.number, cells, left_out) if left_out else None)

    def _numbers(
        self, cells: Sequence[str], reasons: list[tuple[str, str]], left_out: list[tuple[str, str]]
    ) -> tuple[Number, ...]:
        """All numbers of a contact that has several columns for them. One good number is enough; bad ones are
        told."""
        found: dict[str, Number] = {}
        faults: list[tuple[str, str]] = []
        for position in self._phones:
            for written in cells[position].split(LIST_SIGN):
                if not written.strip():
                    continue
                try:
                    number = parse_number(written, self._region)
                except NumberError as error:
                    faults.append((error.code, str(error)))
                else:
                    found.setdefault(number.e164, number)
        if found:
            left_out.extend(
                ("number_left_out", f"{reason}; the contact was taken without this number")
                for _, reason in faults
            )
        else:
            reasons.extend(faults or [("empty", "there is no phone number; fill it in or leave the row out")])
        return tuple(found.values())

    def _read_fields(self, cells: Sequence[str], reasons: list[tuple[str, str]]) -> dict[str, str]:
        fields = {name: value for name, position in self._fields if (value := cells[position].strip())}
        if not fields:
            return fields
        joined = "".join(fields.values())
        if len(joined) <= self._short and joined.isascii() and joined.isprintable():
            return fields
        if len(joined) > CONTACT_CHARS:
            what = f"the fields of this contact have {len(joined)} characters together, more than {CONTACT_CHARS}"
            reasons.append(("too_much", f"{what}; name the columns that are needed in contacts.fields"))
        for name, value in fields.items():
            fault = self._field_fault(name, value)
            if fault:
                reasons.append(("bad_value", f"{name} {fault}"))
        return fields

    def _field_fault(self, name: str, value: str) -> str:
        """Why Asterisk cannot carry this value; empty when it can, or need not."""
        if LIST_SIGN in value:
            return "is a list; only phone_number may be one"
        if self._sent is not None and name not in self._sent:
            return ""
        if _CONTROL.search(value):
            return (
                "holds a line break or another control character, which a call cannot carry;"
                " take it out, or leave the column out by naming the others in contacts.fields"
            )
        size, most = len(quote(value, safe="")), LINE_BYTES - len(name)
        return (
            f"is too long for a call: {size} bytes when encoded, at most {most}; shorten it, or leave the column out"
            if size > most
            else ""
        )

    def _put_into_texts(self, fields: dict[str, str], reasons: list[tuple[str, str]]) -> None:
        """Each contact must have the fields that stand in a text, as words that can be spoken."""
        for name in self._needed:
            value = fields.get(name, "")
            if not value.strip():
                reasons.append(("bad_value", f"{name} is empty, and stands in a text that the call speaks"))
            elif _CONTROL.search(value):
                reasons.append(("bad_value", f"{name} holds a control character, and the call speaks it"))
            elif len(value) > SPOKEN_CHARS:
                what = f"{name} has {len(value)} characters, and at most {SPOKEN_CHARS} of a field are spoken"
                reasons.append(("bad_value", what))

    def _say(self, fields: dict[str, str], reasons: list[tuple[str, str]]) -> dict[str, str]:
        """The fields that the call speaks; each contact must have them all."""
        found = {}
        for name, kind in self._spoken.items():
            if name not in fields:
                reasons.append(("bad_value", f"{name} is empty, and the call speaks it as {kind}"))
                continue
            try:
                found[name] = sayable(kind, fields[name])
            except NotSayable as error:
                reasons.append(("bad_value", f"{name}, spoken as {kind}: {error}"))
        return found

    def _with_roles(
        self,
        row: int,
        cells: Sequence[str],
        numbers: tuple[Number, ...],
        fields: dict[str, str],
        reasons: list[tuple[str, str]],
    ) -> Contact:
        given = {role: value for role, position in self._roles.items() if (value := cells[position].strip())}
        external_id = given.get("external_id")
        if external_id is not None and (len(external_id) > 200 or _CONTROL.search(external_id)):
            reasons.append(("bad_value", "external_id has over 200 characters, or a control character"))
        timezone = given.get("timezone")
        if timezone is not None:
            known = canonical_zone(timezone)
            if known is None:
                reasons.append(
                    ("bad_timezone", f"{timezone!r} is no time zone; write an IANA name such as Europe/Paris")
                )
            timezone = known
        language = self._language
        if (spoken := given.get("language")) is not None:
            language = canonical_language(spoken)
            if language is None:
                reasons.append(
                    ("bad_language", f"{spoken!r} is no language; write a tag such as fr or en-GB")
                )
        if not given.keys() - {"external_id", "timezone", "language"}:
            return Contact(
                row, external_id, numbers, timezone, language, None, None, None, None, None, fields
            )
        zones = (
            (timezone,)
            if timezone
            else tuple(dict.fromkeys(name for number in numbers for name in number.zones))
        )
        call_from = _clock(given, "call_from", reasons)
        call_to = _clock(given, "call_to", reasons)
        if call_from is not None and call_from == call_to:
            reasons.append(
                ("bad_time", "call_from and call_to are the same time; leave both empty for no limit")
            )
        not_before = _instant(given, "not_before", zones, reasons)
        expires = _instant(given, "expires", zones, reasons)
        if not_before is not None and expires is not None and expires <= not_before:
            reasons.append(("bad_time", "expires is not after not_before"))
        consent = _consent(given, zones, reasons)
        return Contact(
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
            self._place(given, "state", reasons),
            self._place(given, "postal_code", reasons),
        )

    @staticmethod
    def _place(given: dict[str, str], role: str, reasons: list[tuple[str, str]]) -> str | None:
        value = given.get(role)
        if value is not None and (len(value) > 60 or _CONTROL.search(value)):
            reasons.append(("bad_value", f"{role} has over 60 characters, or a control character"))
        return value


def _rejected(row: int, cells: Sequence[str], reasons: Sequence[tuple[str, str]]) -> Reject:
    return Reject(row, reasons[0][0], "; ".join(dict.fromkeys(reason for _, reason in reasons)), tuple(cells))


def _clock(given: dict[str, str], role: str, reasons: list[tuple[str, str]]) -> time | None:
    if role not in given:
        return None
    try:
        return parse_clock(given[role])
    except MomentError as error:
        reasons.append(("bad_time", f"{role}: {error}"))
        return None


def _instant(
    given: dict[str, str], role: str, zones: Sequence[str], reasons: list[tuple[str, str]]
) -> datetime | None:
    if role not in given:
        return None
    try:
        return parse_instant(given[role], zones, "end" if role == "expires" else "start")
    except MomentError as error:
        reasons.append(("bad_time", f"{role}: {error}"))
        return None


def _consent(given: dict[str, str], zones: Sequence[str], reasons: list[tuple[str, str]]) -> Consent | None:
    """What the row says about consent; None when it says nothing, or no."""
    parts = {
        role: given.get(role)
        for role in ("consent", "consent_purpose", "consent_source", "consent_reference")
    }
    at = _instant(given, "consent_at", zones or ("UTC",), reasons)
    text = parts["consent"]
    if (text is not None and text.casefold() in _NO) or (at is None and not any(parts.values())):
        return None
    for role, value in parts.items():
        if value is not None and (len(value) > 1_000 or _CONTROL.search(value)):
            reasons.append(("bad_value", f"{role} has over 1,000 characters, or a control character"))
    return Consent(parts["consent_purpose"], at, parts["consent_source"], parts["consent_reference"], text)
