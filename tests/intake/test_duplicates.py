"""The same number or external id twice. `engine.intake.duplicates`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contacts import Consent, Contact
from engine.intake.duplicates import FirstSeen, Merger
from engine.intake.source import Duplicates
from engine.rules.numbers import Number


def contact(row: int, *numbers: int, external_id: str | None = None, **values: object) -> Contact:
    held = tuple(Number(f"+3319900{number:04d}", "FR", "fixed", ("Europe/Paris",)) for number in numbers)
    fields = {name: str(value) for name, value in values.items() if name.isupper()}
    others = {name: value for name, value in values.items() if not name.isupper()}
    blank = dict.fromkeys(
        ("timezone", "language", "consent", "call_from", "call_to", "not_before", "expires")
    )
    return Contact(row=row, external_id=external_id, numbers=held, fields=fields, **{**blank, **others})  # type: ignore[arg-type]


def test_a_later_row_with_the_same_number_is_refused_and_the_first_is_named() -> None:
    seen = FirstSeen("reject")
    assert seen.reason(contact(2, 1)) is None
    assert seen.reason(contact(3, 2, 3)) is None
    assert seen.reason(contact(4, 4, 3)) == ("duplicate_number", "+33199000003 is in row 3 already")
    assert seen.reason(contact(5, 4)) is None, "what was refused holds no number"


def test_keep_lets_numbers_repeat_but_never_external_ids() -> None:
    seen = FirstSeen("keep")
    assert seen.reason(contact(2, 1, external_id="a")) is None
    assert seen.reason(contact(3, 1, external_id="b")) is None
    assert seen.reason(contact(4, 2, external_id="a")) == (
        "duplicate_id",
        "external_id 'a' is in row 2 already",
    )


@pytest.mark.parametrize("policy", ["reject", "keep"])
def test_an_external_id_of_a_refused_row_is_free(policy: Duplicates) -> None:
    seen = FirstSeen(policy)
    seen.reason(contact(2, 1, external_id="a"))
    seen.reason(contact(3, 2, external_id="a"))
    assert (seen.reason(contact(4, 2, external_id="b")) is None) is True


def merge(*contacts: Contact) -> list[Contact]:
    merger = Merger()
    for one in contacts:
        merger.collect(one)
    return [merger.merged(one) for one in contacts if merger.first_row(one.row) is None]


def numbers(one: Contact) -> list[int]:
    return [int(number.e164[-4:]) for number in one.numbers]


def test_later_rows_fill_blanks_and_add_numbers() -> None:
    paper = Consent("marketing", None, "paper", None, None)
    (merged,) = merge(
        contact(2, 1, NAME="Zoë"),
        contact(3, 1, 2, external_id="a", timezone="Europe/Paris", consent=paper, NAME="Other", CITY="Paris"),
        contact(4, 2, 3, timezone="Asia/Tokyo", CITY="Tokyo", NOTE="x"),
    )
    assert numbers(merged) == [1, 2, 3]
    assert (merged.row, merged.external_id, merged.timezone, merged.consent) == (
        2,
        "a",
        "Europe/Paris",
        paper,
    )
    assert merged.fields == {"NAME": "Zoë", "CITY": "Paris", "NOTE": "x"}


def test_the_same_external_id_is_the_same_person() -> None:
    merged = merge(
        contact(2, 1, external_id="a"), contact(3, 2, external_id="a"), contact(4, 3, external_id="b")
    )
    assert [numbers(one) for one in merged] == [[1, 2], [3]]


def test_a_number_never_belongs_to_two() -> None:
    merged = merge(contact(2, 1), contact(3, 2), contact(4, 1, 2, 3), contact(5, 3))
    assert [numbers(one) for one in merged] == [[1, 3], [2]]


_CONTACTS = st.lists(
    st.tuples(
        st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True),
        st.one_of(st.none(), st.sampled_from("abcdef")),
    ),
    max_size=25,
).map(
    lambda drawn: [
        contact(row, *held, external_id=external_id) for row, (held, external_id) in enumerate(drawn, 2)
    ]
)


@given(_CONTACTS)
def test_merging_loses_no_number_and_gives_none_twice(contacts: list[Contact]) -> None:
    merged = merge(*contacts)
    held = [number for one in merged for number in numbers(one)]
    assert sorted(held) == sorted({number for one in contacts for number in numbers(one)})
    ids = [one.external_id for one in merged if one.external_id is not None]
    assert len(ids) == len(set(ids))
    assert [one.row for one in merged] == sorted(one.row for one in merged)


@given(_CONTACTS)
def test_rejecting_gives_no_number_and_no_id_twice(contacts: list[Contact]) -> None:
    seen = FirstSeen("reject")
    taken = [one for one in contacts if seen.reason(one) is None]
    held = [number for one in taken for number in numbers(one)]
    ids = [one.external_id for one in taken if one.external_id is not None]
    assert len(held) == len(set(held))
    assert len(ids) == len(set(ids))
    refused = [one for one in contacts if one not in taken]
    assert all(set(numbers(one)) & set(held) or one.external_id in ids for one in refused), (
        "nothing is refused without a reason"
    )
