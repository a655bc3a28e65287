"""A row becomes a contact, or is rejected with all its reasons. `engine.intake.rows`, `.locales`."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ami.encode import LINE_LIMIT, contact_variable, message
from engine.contacts import Contact, Reject
from engine.intake.columns import resolve
from engine.intake.locales import canonical_language, canonical_zone
from engine.intake.rows import LIST_SIGN, RawRow, RowReader
from engine.intake.source import ContactSource
from engine.rules.numbers import Number

PARIS = Number("+33199001234", "FR", "fixed", ("Europe/Paris",))


def reader(headings: list[str], sent: frozenset[str] | None = None, **settings: Any) -> RowReader:
    source = ContactSource.model_validate({"file": "people.csv", **settings})
    return RowReader(resolve(headings, True, source, [], "FR"), "FR", "fr", sent)


def taken(headings: list[str], cells: list[str], **settings: Any) -> Contact:
    contact, reject = reader(headings, **settings).read(RawRow(7, cells))
    assert reject is None
    assert contact is not None
    return contact


def refused(headings: list[str], cells: list[str], **settings: Any) -> Reject:
    contact, reject = reader(headings, **settings).read(RawRow(7, cells))
    assert contact is None
    assert reject is not None
    return reject


def test_a_whole_contact() -> None:
    cells = {
        "phone": "0199001234",
        "external_id": "A-1",
        "tz": "Indian/Reunion",
        "language": "en_gb",
        "call_from": "9h",
        "call_to": "20:00",
        "not_before": "2026-07-01",
        "expires": "2026-07-31",
        "consent": "reminders by voice",
        "consent_at": "2026-01-02 10:00",
        "consent_source": "web form",
        "consent_reference": "https://crm.example/1",
        "consent_purpose": "transactional",
        "First name": " Zoë ",
    }
    contact = taken(list(cells), list(cells.values()))
    assert (contact.row, contact.external_id, contact.numbers) == (7, "A-1", (PARIS,))
    assert (contact.timezone, contact.language) == ("Indian/Reunion", "en-GB")
    assert (contact.call_from, contact.call_to) == (time(9), time(20))
    assert contact.not_before == datetime(2026, 6, 30, 20, tzinfo=UTC), "the day begins where the callee is"
    assert contact.expires == datetime(2026, 7, 31, 20, tzinfo=UTC), "and its last day counts to its end"
    consent = contact.consent
    assert consent is not None
    assert (consent.text, consent.source, consent.purpose) == (
        "reminders by voice",
        "web form",
        "transactional",
    )
    assert consent.at == datetime(2026, 1, 2, 6, tzinfo=UTC)
    assert contact.fields == {"FIRST_NAME": "Zoë"}


def test_a_bare_contact() -> None:
    assert taken(["phone"], ["0199001234"]) == Contact(
        7, None, (PARIS,), None, "fr", None, None, None, None, None, {}
    )


def test_blank_cells_are_no_values() -> None:
    contact = taken(["phone", "external_id", "tz", "consent", "city"], ["0199001234", " ", "", "", "  "])
    assert (contact.external_id, contact.timezone, contact.consent, contact.fields) == (None, None, None, {})


def test_all_reasons_at_once() -> None:
    reject = refused(
        ["phone", "tz", "language", "call_from", "expires", "city"],
        ["hello", "Mars/Base", "klingon", "25:00", "soon", "a\nb"],
    )
    assert reject.code == "not_a_number"
    assert reject.row == 7
    for part in (
        "'hello'",
        "'Mars/Base'",
        "'klingon'",
        "call_from: '25:00'",
        "expires: 'soon'",
        "CITY holds a line break",
    ):
        assert part in reject.reason
    assert reject.raw == ("hello", "Mars/Base", "klingon", "25:00", "soon", "a\nb")


def test_several_numbers_are_tried_in_order_and_one_good_one_is_enough() -> None:
    columns = {"phone_number": ["mobile", "home", "work"]}
    contact, note = reader(["home", "mobile", "work"], columns=columns).read(
        RawRow(7, ["0199001234", "n/a", "0199001235"])
    )
    assert contact is not None
    assert [number.e164 for number in contact.numbers] == ["+33199001234", "+33199001235"]
    assert note is not None
    assert note.code == "number_left_out"
    assert "'n/a'" in note.reason
    assert refused(["home", "mobile", "work"], ["x", "", "y"], columns=columns).code == "not_a_number"
    assert refused(["home", "mobile", "work"], ["", "", ""], columns=columns).code == "empty"


def test_the_same_number_twice_in_a_row_is_one() -> None:
    assert taken(
        ["phone", "mobile"], ["0199001234", "+33199001234"], columns={"phone_number": ["phone", "mobile"]}
    ).numbers == (PARIS,)


def test_a_list_of_numbers_in_one_cell_of_json() -> None:
    contact = taken(["phone_number"], [f"0199001235{LIST_SIGN}0199001234"])
    assert [number.e164 for number in contact.numbers] == ["+33199001235", "+33199001234"]
    assert "is a list" in refused(["phone_number", "city"], ["0199001234", f"a{LIST_SIGN}b"]).reason


def test_ragged_rows() -> None:
    assert taken(["phone", "city", "note"], ["0199001234"]).fields == {}
    assert taken(["phone", "city"], ["0199001234", "Paris", "", " "]).fields == {"CITY": "Paris"}
    reject = refused(["phone", "city"], ["0199001234", "Paris", "France"])
    assert reject.code == "ragged"
    assert "3 cells and the source 2 columns" in reject.reason


def test_a_row_that_could_not_be_read() -> None:
    contact, reject = reader(["phone"]).read(RawRow(7, ["0199001234"], "broken quotes"))
    assert contact is None
    assert reject == Reject(7, "unreadable", "broken quotes", ("0199001234",))


@pytest.mark.parametrize("answer", ["no", "NON", "0", "false", "nein", "opt-out", "withdrawn"])
def test_no_is_no_consent(answer: str) -> None:
    contact = taken(["phone", "consent", "consent_at"], ["0199001234", answer, "2026-01-02"])
    assert contact.consent is None


def test_a_consent_without_words_is_still_one() -> None:
    consent = taken(["phone", "consent_at"], ["0199001234", "2026-01-02"]).consent
    assert consent is not None
    assert consent.text is None
    assert consent.at == datetime(2026, 1, 1, 23, tzinfo=UTC)


def test_spans_that_are_empty() -> None:
    assert refused(["phone", "call_from", "call_to"], ["0199001234", "9:00", "9h"]).code == "bad_time"
    reject = refused(["phone", "not_before", "expires"], ["0199001234", "2026-07-02", "2026-07-01"])
    assert "expires is not after not_before" in reject.reason
    assert (
        taken(["phone", "not_before", "expires"], ["0199001234", "2026-07-01", "2026-07-01"]).expires
        is not None
    )
    assert taken(["phone", "call_from", "call_to"], ["0199001234", "20:00", "9:00"]).call_to == time(9), (
        "over midnight"
    )


def test_a_field_that_a_call_cannot_carry_is_refused_only_where_it_is_sent() -> None:
    long = "é" * 500
    assert "too long for a call" in refused(["phone", "note"], ["0199001234", long]).reason
    contact, reject = reader(["phone", "note"], frozenset({"CITY"})).read(
        RawRow(7, ["0199001234", long + "\n"])
    )
    assert reject is None
    assert contact is not None
    assert contact.fields["NOTE"] == long
    contact, reject = reader(["phone", "note"], frozenset({"NOTE"})).read(RawRow(7, ["0199001234", long]))
    assert contact is None
    assert refused(["phone", "note"], ["0199001234", "x" * 70_000]).code == "too_much"


@given(st.text(max_size=400), st.sampled_from(["note", "n" * 32]))
def test_what_is_taken_is_what_the_ami_encoder_takes(value: str, heading: str) -> None:
    contact, reject = reader(["phone", heading]).read(RawRow(7, ["0199001234", value]))
    if contact is not None:
        for name, kept in contact.fields.items():
            assert len(message([contact_variable(name, kept)])) <= LINE_LIMIT + 2
    else:
        assert reject is not None
        too_long = len(quote(value.strip(), safe="")) > 800
        assert too_long or not value.strip().isprintable()


@pytest.mark.parametrize("cell", ["x\ry", "x\ny", "x\x00y", "x\x1by", "x\x7fy", "x\x85y", "x\u2028y"])
def test_control_characters_are_refused(cell: str) -> None:
    assert refused(["phone", "city"], ["0199001234", cell]).code == "bad_value"
    assert refused(["phone", "external_id"], ["0199001234", cell]).code == "bad_value"
    assert refused(["phone", "consent"], ["0199001234", cell]).code == "bad_value"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("America/New York", "America/New_York"),
        ("UTC", "UTC"),
        ("utc", "UTC"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("EST", None),
        ("CET", None),
        ("Etc/GMT+5", None),
        ("Etc/Unknown", None),
        ("localtime", None),
        ("Mars/Base", None),
        ("../../etc/passwd", None),
        ("/etc/localtime", None),
        ("Europe/Paris\x00", None),
        ("", None),
    ],
)
def test_zones(name: str, known: str | None) -> None:
    assert canonical_zone(name) == known


@pytest.mark.parametrize(
    ("tag", "known"),
    [("fr", "fr"), ("FR", "fr"), ("en_gb", "en-GB"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("kab", "kab"), ("french", None),
     ("f", None), ("fr-", None), ("fr-FR-x", None), ("fr;rm", None), ("", None)],
)  # fmt: skip
def test_languages(tag: str, known: str | None) -> None:
    assert canonical_language(tag) == known


# -- fields that stand in texts ------------------------------------------------------------------------------------------


def in_texts(cells: list[str]) -> tuple[Contact | None, Reject | None]:
    headings = ["phone", "First name", "Day"]
    source = ContactSource.model_validate({"file": "people.csv"})
    mapping = resolve(headings, True, source, [], "FR")
    found = RowReader(mapping, "FR", "fr", None, None, ("FIRST_NAME", "DAY")).read(RawRow(7, cells))
    return found.contact, found.reject


def test_fields_of_a_text_are_there_and_stay_as_they_are() -> None:
    contact, reject = in_texts(["0199001234", "{X} $(id) <b>", "y" * 200])
    assert reject is None
    assert contact is not None
    assert contact.fields == {"FIRST_NAME": "{X} $(id) <b>", "DAY": "y" * 200}


@pytest.mark.parametrize(
    ("name", "day", "why"),
    [
        ("", "Monday", "FIRST_NAME is empty, and stands in a text that the call speaks"),
        ("Anna", "  ", "DAY is empty, and stands in a text that the call speaks"),
        ("Anna\x07", "Monday", "FIRST_NAME holds a control character, and the call speaks it"),
        ("Anna", "x" * 201, "DAY has 201 characters, and at most 200 of a field are spoken"),
    ],
)
def test_a_field_that_cannot_be_spoken_rejects_the_row(name: str, day: str, why: str) -> None:
    contact, reject = in_texts(["0199001234", name, day])
    assert contact is None
    assert reject is not None
    assert reject.code == "bad_value"
    assert why in reject.reason


# -- fields that the PBX speaks ----------------------------------------------------------------------------------------


def said(cells: list[str]) -> tuple[Contact | None, Reject | None]:
    source = ContactSource.model_validate({"file": "people.csv"})
    mapping = resolve(["phone", "due", "sum", "name"], True, source, [], "FR")
    found = RowReader(mapping, "FR", "fr", frozenset({"NAME"}), {"DUE": "date", "SUM": "amount"}).read(
        RawRow(7, cells)
    )
    return found.contact, found.reject


def test_spoken_fields_lie_beside_what_was_written() -> None:
    contact, reject = said(["0199001234", "24.12.2026", "12,50 €", "Zoë"])
    assert reject is None
    assert contact is not None
    assert contact.fields == {"DUE": "24.12.2026", "SUM": "12,50 €", "NAME": "Zoë"}
    assert contact.spoken == {"DUE": "1798113600", "SUM": "12-50-eur"}


def test_all_that_cannot_be_spoken_is_told_at_once() -> None:
    contact, reject = said(["0199001234", "31.02.2026", " ", "Zoë"])
    assert contact is None
    assert reject is not None
    assert (reject.row, reject.code) == (7, "bad_value")
    first, second = reject.reason.split("; SUM")
    assert first.startswith("DUE, spoken as date: '31.02.2026' is no date")
    assert second == " is empty, and the call speaks it as amount"
    _, reject = said(["12", "31.02.2026", "0.125 EUR", ""])
    assert reject is not None
    assert reject.code == "too_short"
    assert reject.reason.count("spoken as") == 2
