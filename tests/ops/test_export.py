"""Every contact, attempt and event of a campaign, each once, in pieces."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.contacts import Consent
from engine.errors import InputError
from engine.ops import export
from engine.ops.export import sheet
from engine.store import erasure, forgotten
from tests.ops.filled import Books, person


def filled(books: Books) -> None:
    consent = Consent(purpose="informational", at=None, source="form", reference="F-1", text=None)
    contacts = [
        person(2, "+33199001001", "+33199001002", external_id="a", fields={"NAME": "=Anna"}, consent=consent, timezone="Europe/Rome"),
        person(3, "+33199001003", fields={"CITY": "Lyon"}),
        person(4, "+33199001004"),
    ]  # fmt: skip
    campaign = books.campaign("shots", contacts)
    first = books.claim(campaign)
    reports = [
        ("amd", "HUMAN/HUMAN-800-800"),
        ("key", "5@message"),
        ("key", "2@message"),
        ("callback", "300"),
    ]
    books.finish(
        first[0], "ANSWERED_HUMAN", talk=12.5, amd="HUMAN/HUMAN-800-800", result="call_back", cause=16, reports=reports, after=20,
        rang_at=books.now + 3, next_at=books.now + 300, next_callback=True,
    )  # fmt: skip
    books.finish(first[1], "BUSY", cause=17, sip=486, after=1.25, next_at=books.now + 600)
    books.campaign("other", [person(2, "+33199001009", fields={"OTHER": "x"})])


def test_contacts(books: Books) -> None:
    filled(books)
    found = sheet(books.settings.database, "shots", "contacts")
    rows = list(found.rows)
    assert found.columns[:4] == ("campaign", "contact", "external_id", "phone_number")
    assert found.columns[-2:] == ("field_CITY", "field_NAME")
    assert all(tuple(row) == found.columns for row in rows)
    anna, busy, live = rows
    assert anna | {
        "campaign": "shots", "external_id": "a", "phone_number": "+33199001001", "other_numbers": "+33199001002", "state": "pending",
        "disposition": "ANSWERED_HUMAN", "goal": "call_back", "attempts": 1, "last_attempt_at": "2026-11-24T11:00:00.000Z",
        "callback_promised_for": "2026-11-24T11:05:00.000Z", "next_look_at": "2026-11-24T11:05:00.000Z", "last_cause": 16, "last_sip": 0,
        "last_keys": "52", "last_talk_seconds": 12.5, "timezone": "Europe/Rome", "consent_source": "form", "consent_reference": "F-1",
        "field_NAME": "=Anna", "field_CITY": None, "row": 2,
    } == anna  # fmt: skip
    assert (busy["last_cause"], busy["last_sip"], busy["field_CITY"]) == (17, 486, "Lyon")
    assert (live["state"], live["next_look_at"], live["last_talk_seconds"]) == ("in_call", None, None)


def test_attempts(books: Books) -> None:
    filled(books)
    found = sheet(books.settings.database, "shots", "attempts")
    rows = list(found.rows)
    assert len(rows) == 3
    assert all(tuple(row) == found.columns for row in rows)
    first, busy, live = rows
    assert first | {
        "kind": "first", "trunk": "carrier", "pbx": "lab", "dialed": "+33199001001", "caller_id": "+33162000001", "seconds": 20.0,
        "talk_seconds": 12.5, "answered_at": "2026-11-24T11:00:07.500Z", "disposition": "ANSWERED_HUMAN", "cause": 16, "sip": 0,
        "amd": "HUMAN/HUMAN-800-800", "result": "call_back", "keys": "52", "callback_promised_for": "2026-11-24T11:05:00.000Z",
        "callback_state": "due", "counted": 1,
        "rang_at": "2026-11-24T11:00:03.000Z",
    } == first  # fmt: skip
    assert first["attempt"].startswith("v")
    assert (busy["disposition"], busy["cause"], busy["sip"], busy["seconds"]) == ("BUSY", 17, 486, 1.25)
    assert (live["disposition"], live["ended_at"], live["seconds"]) == (None, None, None)


def test_events(books: Books) -> None:
    filled(books)
    rows = list(sheet(books.settings.database, "shots", "events").rows)
    assert [(row["seq"], row["kind"], row["value"]) for row in rows] == [
        (1, "amd", "HUMAN/HUMAN-800-800"), (2, "key", "5@message"), (3, "key", "2@message"), (4, "callback", "300"),
    ]  # fmt: skip
    assert {row["at"][-1] for row in rows} == {"Z"}


RECORDING = {
    "menu": {"keys": {"1": "go:rating"}},
    "nodes": {
        "rating": {"kind": "question", "prompts": ["a.wav"], "answers": {"1": "bad", "5": "great"}, "then": "story"},
        "story": {"kind": "record", "consent": ["a.wav"], "prompts": ["a.wav"], "keep": "30d", "then": "end"},
    },
}  # fmt: skip


def surveyed(books: Books) -> list[str]:
    """Three calls with answers, and one without; returns the attempts as the export names them."""
    campaign = books.campaign(
        "survey",
        [person(at, f"+331990011{at:02d}", external_id=f"p{at}") for at in (1, 2, 3, 4)],
        **RECORDING,
    )
    told = [
        [("play", "rating"), ("answer", "rating=great"), ("record", "story"), ("answer", "story=recorded")],
        [("answer", "rating=bad"), ("key", "2@story"), ("answer", "story=refused")],
        [("answer", "rating=bad=or=worse"), ("record", "story")],  # hung up while it was recorded
        [("play", "message")],
    ]
    claims = books.claim(campaign)
    for claim, reports in zip(claims, told, strict=True):
        books.finish(claim, "ANSWERED_HUMAN", talk=9, reports=reports)
    return [f"v{claim.attempt:016x}" for claim in claims]


def test_answers(books: Books) -> None:
    first, second, third, _ = surveyed(books)
    found = sheet(books.settings.database, "survey", "answers")
    rows = list(found.rows)
    assert found.columns == (
        "campaign", "attempt", "contact", "external_id", "phone_number", "seq", "at", "question", "answer", "recording",
    )  # fmt: skip
    assert [(row["attempt"], row["question"], row["answer"], row["recording"]) for row in rows] == [
        (first, "rating", "great", None),
        (first, "story", "recorded", f"{first}-story.wav"),
        (second, "rating", "bad", None),
        (second, "story", "refused", None),
        (third, "rating", "bad=or=worse", None),
    ]
    assert rows[1] == {
        "campaign": "survey", "attempt": first, "contact": 1, "external_id": "p1", "phone_number": "+33199001101", "seq": 4,
        "at": "2026-11-24T11:00:04.000Z", "question": "story", "answer": "recorded", "recording": f"{first}-story.wav",
    }  # fmt: skip


def test_a_recording_that_was_deleted_is_named_no_more(books: Books) -> None:
    first, *_ = surveyed(books)
    books.connection.execute("UPDATE recordings SET deleted_at = 1.0")
    rows = list(sheet(books.settings.database, "survey", "answers").rows)
    assert [(row["attempt"], row["answer"], row["recording"]) for row in rows][1] == (first, "recorded", None)


def test_answers_of_somebody_who_was_forgotten_are_not_exported(books: Books) -> None:
    first, *_ = surveyed(books)
    forgotten.make_key(books.settings.engine.state)
    erasure.forget(books.connection, "+33199001101", "anna", "asked", books.now)
    rows = list(sheet(books.settings.database, "survey", "answers").rows)
    assert len(rows) == 3
    assert first not in {row["attempt"] for row in rows}


def test_a_contact_s_last_answers_and_what_was_heard(books: Books) -> None:
    campaign = books.campaign("survey", [person(1, "+33199001101")], **RECORDING)
    (claim,) = books.claim(campaign)
    told = [("answer", "rating=great"), ("answer", "story=refused")]
    books.finish(claim, "ANSWERED_HUMAN", talk=9, reports=told, heard=0.456, result="answered")
    (contact,) = sheet(books.settings.database, "survey", "contacts").rows
    assert (contact["last_answers"], contact["last_heard"]) == ("rating=great; story=refused", 0.46)
    (attempt,) = sheet(books.settings.database, "survey", "attempts").rows
    assert (attempt["result"], attempt["heard"]) == ("answered", 0.46)


def test_a_kept_callback_names_the_call_it_was_asked_in(books: Books) -> None:
    filled(books)
    books.now += 400
    (campaign,) = books.connection.execute("SELECT id FROM campaigns WHERE name = 'shots'").fetchone()
    (claim,) = books.claim(campaign)
    books.finish(claim, "ANSWERED_HUMAN", talk=3)
    rows = list(sheet(books.settings.database, "shots", "attempts").rows)
    assert (rows[-1]["kind"], rows[-1]["callback_asked_in"]) == ("callback", rows[0]["attempt"])
    assert rows[0]["callback_state"] == "kept"
    assert next(iter(sheet(books.settings.database, "shots", "contacts").rows))["callbacks_kept"] == 1


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pieces_of_any_size_hold_every_answer_once(books: Books, size: int) -> None:
    surveyed(books)
    found = [
        (row["attempt"], row["seq"]) for row in sheet(books.settings.database, "survey", "answers", size).rows
    ]
    assert len(found) == len(set(found)) == 5


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pieces_of_any_size_hold_every_row_once(books: Books, size: int) -> None:
    filled(books)
    key: dict[export.What, Callable[[export.Values], object]] = {
        "contacts": lambda row: row["contact"],
        "attempts": lambda row: row["attempt"],
        "events": lambda row: (row["attempt"], row["seq"]),
    }
    counts = {"contacts": 3, "attempts": 3, "events": 4}
    for what, of in key.items():
        found = [of(row) for row in sheet(books.settings.database, "shots", what, size).rows]
        assert len(found) == len(set(found)) == counts[what]


def test_an_export_holds_no_transaction_open(books: Books) -> None:
    filled(books)
    rows = sheet(books.settings.database, "shots", "contacts").rows
    next(rows)
    assert books.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, (
        "the log could be cut"
    )
    assert len(list(rows)) == 2


def test_no_such_campaign(books: Books) -> None:
    with pytest.raises(InputError, match="'nope'"):
        sheet(books.settings.database, "nope", "contacts")
