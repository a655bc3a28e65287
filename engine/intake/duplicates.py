"""The same number, or the same external id, twice in one source.

Knows which row was first. An external id is one contact's alone; what a repeated number means is the
manifest's choice: `reject` the later row, `keep` both, or `merge` the later into the first (its fields fill
blanks, its numbers are appended).
"""

from __future__ import annotations

from dataclasses import fields, replace

from engine.contacts import Consent, Contact
from engine.intake.source import Duplicates


class FirstSeen:
    """Rows in their order, and the first row of each number and external id among them."""

    def __init__(self, policy: Duplicates) -> None:
        self._policy = policy
        self._numbers: dict[int, int] = {}
        self._ids: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"FirstSeen({self._policy}, {len(self._numbers)} numbers, {len(self._ids)} external ids)"

    def reason(self, contact: Contact) -> tuple[str, str] | None:
        """Code and reason when `contact` repeats an earlier one; else it is remembered, and the
        answer is None."""
        ids, numbers = self._ids, self._numbers
        external_id = contact.external_id
        if external_id is not None and (first := ids.get(external_id)) is not None:
            return "duplicate_id", f"external_id {external_id!r} is in row {first} already"
        if self._policy != "keep":
            # As integers: a million of them take a third of the memory of the strings.
            keys = [int(number.e164) for number in contact.numbers]
            for key in keys:
                if (first := numbers.get(key)) is not None:
                    return "duplicate_number", f"+{key} is in row {first} already"
            for key in keys:
                numbers[key] = contact.row
        if external_id is not None:
            ids[external_id] = contact.row
        return None


class Merger:
    """The policy `merge`, in two passes over the source: the first finds what later rows add, the second
    hands out merged contacts.

    A row is merged into the first row that has its external id, else into the first that has one of its
    numbers. A number that another contact holds already is not appended, so that no number belongs to two.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._ids: dict[str, int] = {}
        self._merged_into: dict[int, int] = {}
        self._additions: dict[int, list[Contact]] = {}

    def collect(self, contact: Contact) -> None:
        """First pass: every contact in its order."""
        keys = [int(number.e164) for number in contact.numbers]
        first = None if contact.external_id is None else self._ids.get(contact.external_id)
        if first is None:
            first = next((self._numbers[key] for key in keys if key in self._numbers), None)
        home = contact.row if first is None else first
        if first is not None:
            free = tuple(
                number for number in contact.numbers if self._numbers.get(int(number.e164), home) == home
            )
            self._additions.setdefault(first, []).append(replace(contact, numbers=free))
            self._merged_into[contact.row] = first
        for key in keys:
            self._numbers.setdefault(key, home)
        if contact.external_id is not None:
            self._ids.setdefault(contact.external_id, home)

    def first_row(self, row: int) -> int | None:
        """The row that `row` was merged into, or None when it stands for itself."""
        return self._merged_into.get(row)

    def merged(self, contact: Contact) -> Contact:
        """Second pass: `contact` with all that later rows add to it."""
        for later in self._additions.get(contact.row, ()):
            contact = _merge(contact, later)
        return contact


_FILLED = tuple(
    item.name
    for item in fields(Contact)
    if item.name not in ("row", "numbers", "fields", "spoken", "consent")
)


def _merge(first: Contact, later: Contact) -> Contact:
    known = {number.e164 for number in first.numbers}
    filled = {name: getattr(later, name) for name in _FILLED if getattr(first, name) is None}
    return replace(
        first,
        numbers=first.numbers + tuple(number for number in later.numbers if number.e164 not in known),
        fields={**later.fields, **first.fields},
        spoken={**later.spoken, **first.spoken},
        consent=_merge_consent(first.consent, later.consent),
        **filled,
    )


def _merge_consent(first: Consent | None, later: Consent | None) -> Consent | None:
    # The parts of a consent belong together: two halves of different agreements would prove neither.
    return first if first is not None else later
