"""Which column is what. `engine.intake.columns`, `.headings`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.intake.columns import Mapping, resolve
from engine.intake.headings import field_name, fold, is_phone_heading
from engine.intake.rejects import HEADINGS
from engine.intake.source import ContactSource


def source(**settings: Any) -> ContactSource:
    return ContactSource.model_validate({"file": "people.csv", **settings})


def mapping(
    headings: list[str], sample: list[list[str]] | None = None, *, headed: bool = True, **settings: Any
) -> Mapping:
    return resolve(headings, headed, source(**settings), sample or [], "FR")


@pytest.mark.parametrize(
    "heading",
    ["phone", "Phone Number", "PHONE_NUMBER", "Tel.", "téléphone", "Numéro de téléphone", "N° de tél", "N° Tél", "Mobile", "GSM",
     "Rufnummer", "Teléfono móvil", "Número de telefone", "Cellulare", "E164", "phone-number", "\uff30\uff28\uff2f\uff2e\uff25"],
)  # fmt: skip
def test_usual_headings_of_phone_numbers(heading: str) -> None:
    assert is_phone_heading(heading)
    assert mapping(["name", heading]).phones == (1,)


@pytest.mark.parametrize("heading", ["name", "phone type", "home", "fax", "", "number of children", "price"])
def test_other_headings(heading: str) -> None:
    assert not is_phone_heading(heading)


def test_usual_roles_and_fields() -> None:
    found = mapping(["Time Zone", "Phone", "First name", "External ID", "Langue", "Opt-in", "Solde (€)"])
    assert found.phones == (1,)
    assert found.roles == {"timezone": 0, "external_id": 3, "language": 4, "consent": 5}
    assert found.fields == (("FIRST_NAME", 2), ("SOLDE", 6))


def test_named_columns_win() -> None:
    found = mapping(
        ["Phone", "Portable", "Fuseau", "id", "Nom complet"],
        columns={
            "phone_number": ["portable", "Phone"],
            "timezone": 3,
            "name": "nom complet",
            "external_id": "Nom complet",
        },
    )
    assert found.phones == (1, 0)
    assert found.roles == {"timezone": 2, "external_id": 4}
    assert dict(found.fields) == {"NAME": 4, "ID": 3}


def test_an_exact_heading_wins_over_one_that_merely_folds_to_it() -> None:
    assert mapping(["PHONE", "phone"], columns={"phone_number": "phone"}, fields=[]).phones == (1,)
    assert mapping(["Mobile", "phone_number"]).phones == (1,), "the one heading that leaves no doubt"


def test_fields_can_be_chosen() -> None:
    assert mapping(["phone", "city", "note", "amount"], fields=["Amount", 2]).fields == (
        ("AMOUNT", 3),
        ("CITY", 1),
    )
    assert mapping(["phone", "city"], fields=[]).fields == ()
    assert mapping(["phone", "city"], fields=["phone"]).fields == (("PHONE", 0),), "also one that has a role"


def test_what_the_rejects_file_added_is_no_field() -> None:
    assert mapping([*HEADINGS, "phone", "city"]).fields == (("CITY", 4),)


def problems(
    headings: list[str], sample: list[list[str]] | None = None, *, headed: bool = True, **settings: Any
) -> list[str]:
    with pytest.raises(InputError) as caught:
        mapping(headings, sample, headed=headed, **settings)
    return [f"{one.where}: {one.what} ({one.todo})" for one in caught.value.problems]


def test_two_columns_that_may_be_the_phone_number() -> None:
    (problem,) = problems(["Phone", "Mobile", "name"])
    assert "'Phone', 'Mobile'" in problem
    assert "as a list in the order in which they are to be tried" in problem


def test_no_phone_number() -> None:
    (problem,) = problems(["name", "city"])
    assert "contacts.columns.phone_number" in problem
    assert "the headings are 'name', 'city'" in problem


def test_all_problems_at_once() -> None:
    found = problems(
        ["phone", "City", "city", "first name", "First-Name"],
        columns={"timezone": "tz", "language": 9, "expires": "CITY"},
        fields=["city ", "nothing", "first name", "First-Name"],
    )
    text = "\n".join(found)
    assert "contacts.columns.timezone: there is no column 'tz'" in text
    assert "contacts.columns.language: there is no column 9" in text
    assert "contacts.columns.expires: several columns are called 'CITY': 2, 3" in text
    assert "contacts.fields.1: there is no column 'nothing'" in text
    assert "are one field, FIRST_NAME" in text
    assert len(found) == 5


def test_two_headings_that_become_one_field() -> None:
    (problem,) = problems(["phone", "Prénom", "prenom"])
    assert "'Prénom' (2) and 'prenom' (3) are one field, PRENOM" in problem


def test_without_headings_the_phone_number_is_known_by_its_looks() -> None:
    rows = [["1", "Zoë", "0199001234"], ["2", "Bob", ""], ["3", "Eve", "+33 1 99 00 12 35"]]
    found = mapping(["", "", ""], rows, headed=False)
    assert found.phones == (2,)
    assert found.fields == (("COLUMN_1", 0), ("COLUMN_2", 1))
    assert mapping(
        ["", ""], [["0199001234", "0199001235"]], headed=False, columns={"phone_number": 2}
    ).phones == (1,)


def test_without_headings_and_in_doubt() -> None:
    assert (
        "1, 2 all hold phone numbers" in problems(["", ""], [["0199001234", "0199001235"]], headed=False)[0]
    )
    assert "no column holds phone numbers" in problems(["", ""], [["a", "b"]], headed=False)[0]


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("First name", "FIRST_NAME"),
        ("  Solde dû (€)  ", "SOLDE_DU"),
        ("Straße", "STRASSE"),
        ("Œuvre", "OEUVRE"),
        ("Количество", "COLUMN_7"),
        ("名前 2", "2"),
        ("", "COLUMN_7"),
        ("a" * 40, "A" * 32),
        ("x" * 31 + " y", "X" * 31),
        ("=cmd|' /C calc'!A0", "CMD_C_CALC_A0"),
    ],
)
def test_field_name(heading: str, field: str) -> None:
    assert field_name(heading, 7) == field


@given(st.text(max_size=80), st.integers(1, 100_000))
def test_every_heading_gives_a_field_name_that_asterisk_can_carry(heading: str, position: int) -> None:
    assert re.fullmatch(r"[A-Z0-9_]{1,32}", field_name(heading, position))


@given(st.text(max_size=40))
def test_folding_knows_no_case_and_is_done_once(heading: str) -> None:
    assert fold(fold(heading)) == fold(heading)
    assert fold(heading.lower()) == fold(heading.lower().casefold())
