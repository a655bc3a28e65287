"""Forgetting somebody: nothing of them is left in the file, the books add up, and they stay suppressed."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.channel import Report
from engine.contacts import Consent
from engine.errors import KeyMissing
from engine.store import erasure, forgotten, outcomes, suppression

TEXTS = (
    "Zebulon",
    "Quagmire",
    "ext-77",
    "paper form of May",
    "ref-4711",
    "fr-CA",
    "Asia/Kathmandu",
    "4242424242",
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    forgotten.make_key(tmp_path)
    return tmp_path


def forget(books: Any, e164: str) -> erasure.Erased:
    found: erasure.Erased = books.unit(erasure.forget, e164=e164, actor="anna", reason="asked", now=books.now)
    return found


def told_of(person: Callable[..., Any], row: int, *numbers: Any) -> Any:
    return replace(
        person(row, *numbers),
        external_id=TEXTS[2], fields={"NAME": TEXTS[0], "NOTE": TEXTS[1]}, language=TEXTS[5], timezone=TEXTS[6],
        consent=Consent("marketing", datetime(2026, 5, 1, tzinfo=UTC), "web", TEXTS[4], TEXTS[3]),
    )  # fmt: skip


FIGURES = (
    """SELECT campaign_id, disposition, count(*), sum(counted), sum(ended_at - answered_at) FROM attempts
       GROUP BY 1, 2 ORDER BY 1, 2""",
    """SELECT campaign_id, state, disposition, sum(attempts), sum(callbacks), count(*) FROM contacts
       GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "SELECT reason, count(*), count(attempt_id), min(at), max(at) FROM decisions GROUP BY 1 ORDER BY 1",
    "SELECT kind, count(*) FROM call_events GROUP BY 1 ORDER BY 1",
    "SELECT state, count(*) FROM callbacks GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM numbers",
)


def figures(books: Any) -> list[Any]:
    """What reports are made of."""
    return [books.rows(query) for query in FIGURES]


def raw(books: Any) -> bytes:
    """Every byte of the database."""
    (file,) = books.rows("SELECT file FROM pragma_database_list WHERE name = 'main'")
    books.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(file).read_bytes()


def test_nothing_is_left_and_everything_adds_up(books, person, phone, state) -> None:
    campaign = books.campaign("spring", told_of(person, 1, phone(1), phone(2)), person(2, phone(3)))
    first, other = books.claim(campaign).claims
    reports = [
        Report(first.attempt, 1, "amd", "HUMAN/HUMAN-800-800", books.now),
        Report(first.attempt, 2, "key", "1@menu", books.now),
        Report(first.attempt, 3, "key", TEXTS[7] + "@account", books.now),
        Report(first.attempt, 4, "result", "confirmed", books.now),
        Report(first.attempt, 5, "result", "said " + TEXTS[7], books.now),
        Report(first.attempt, 6, "end", "", books.now),
    ]
    books.finish(first, "ANSWERED_HUMAN", reports=reports, note="dialed " + phone(1).e164, result="confirmed")
    books.finish(other, "BUSY", next_at=books.now + 60)
    assert all(text.encode() in raw(books) for text in TEXTS)
    before = figures(books)

    found = forget(books, phone(1).e164)
    assert (found.contacts, found.attempts, found.live, found.jobs) == (1, 1, 0, ("spring",))
    assert figures(books) == before
    books.check()
    assert books.rows("PRAGMA integrity_check") == ["ok"]
    data = raw(books)
    assert books.rows("SELECT zones FROM decisions WHERE contact_id = 1") == [f"Europe/Paris,{TEXTS[6]}"], (
        "why it was allowed to be called stays"
    )
    for text in (*TEXTS[:6], TEXTS[7], phone(1).e164, phone(1).e164[1:], phone(2).e164[1:]):
        assert text.encode() not in data, text
    assert phone(3).e164.encode() in data
    assert books.rows("SELECT e164 FROM numbers ORDER BY id") == ["erased:1", "erased:2", phone(3).e164]
    assert books.rows("SELECT kind, value FROM call_events ORDER BY seq") == [
        ("amd", "HUMAN/HUMAN-800-800"), ("key", "1@menu"), ("key", ""), ("result", "confirmed"), ("result", ""), ("end", ""),
    ]  # fmt: skip
    assert books.rows("SELECT number_id, reason, source, actor FROM suppression ORDER BY 1") == [
        (1, "forgotten", "forgotten", "anna"), (2, "forgotten", "forgotten", "anna"),
    ]  # fmt: skip
    assert forget(books, phone(1).e164).numbers == (), "asked twice it changes nothing more"
    assert figures(books) == before


def test_a_column_that_nobody_thought_of_is_erased_too(books, person, phone, state) -> None:
    books.campaign("spring", told_of(person, 1), person(2))
    books.connection.execute("ALTER TABLE contacts ADD COLUMN postcode TEXT NOT NULL DEFAULT ''")
    books.connection.execute("ALTER TABLE contacts ADD COLUMN birthday TEXT")
    books.connection.execute("UPDATE contacts SET postcode = '33000', birthday = '1970-01-01'")
    [claim, _] = books.claim(1).claims
    books.connection.execute("UPDATE decisions SET consent = 'ref-4711' WHERE contact_id = 1")
    books.finish(claim, "BUSY")
    forget(books, phone(1).e164)
    assert books.rows("SELECT postcode, birthday FROM contacts ORDER BY id") == [
        ("", None),
        ("33000", "1970-01-01"),
    ]
    assert books.rows("SELECT DISTINCT consent FROM decisions WHERE contact_id = 1") == ["erased"]


def test_what_was_spoken_and_what_was_answered_is_erased(books, person, phone, state) -> None:
    campaign = books.campaign(
        "spring", person(1, spoken={"ACCOUNT": TEXTS[7]}), person(2, spoken={"ACCOUNT": "7"})
    )
    first, second = books.claim(campaign).claims
    for claim, digits in ((first, TEXTS[7]), (second, "7")):
        reports = [
            Report(claim.attempt, 1, "answer", f"account={digits}", books.now),
            Report(claim.attempt, 2, "answer", "satisfied=yes", books.now),
            Report(claim.attempt, 3, "transfer", "desk/answered", books.now),
        ]
        books.finish(claim, "ANSWERED_HUMAN", reports=reports, heard=0.5)
    forget(books, phone(1).e164)
    assert TEXTS[7].encode() not in raw(books)
    assert books.rows("SELECT spoken FROM contacts ORDER BY row") == ["{}", '{"ACCOUNT": "7"}']
    assert books.rows("SELECT value FROM call_events ORDER BY attempt_id, seq") == [
        "", "", "desk/answered", "account=7", "satisfied=yes", "desk/answered",
    ]  # fmt: skip
    assert books.rows("SELECT DISTINCT heard FROM attempts") == [0.5]


def test_who_waits_is_not_called(books, person, phone, state) -> None:
    campaign = books.campaign("spring", person(1), person(2))
    forget(books, phone(1).e164)
    assert [claim.e164 for claim in books.claim(campaign).claims] == [phone(2).e164]
    assert (books.contact(1)["state"], books.contact(1)["disposition"]) == ("done", "SUPPRESSED")


def test_a_live_call_ends_first(books, person, phone, state) -> None:
    campaign = books.campaign("spring", told_of(person, 1))
    claim = books.claim_one(campaign)
    found = forget(books, phone(1).e164)
    assert (found.live, found.numbers) == (1, (1,))
    assert books.one("SELECT reason FROM suppression") == "forgotten"
    assert books.one("SELECT e164 FROM numbers") == phone(1).e164
    books.finish(claim, "CANCELLED", note="hung up " + phone(1).e164)
    assert forget(books, phone(1).e164).live == 0
    assert phone(1).e164[1:].encode() not in raw(books)
    assert TEXTS[0].encode() not in raw(books)


def test_late_reports_of_a_call_change_nothing(books, person, phone, state) -> None:
    campaign = books.campaign("spring", person(1))
    claim = books.claim_one(campaign)
    books.finish(claim, "ANSWERED_HUMAN")
    forget(books, phone(1).e164)
    books.unit(
        outcomes.late_report, report=Report(claim.attempt, 7, "optout", "message", books.now), now=books.now
    )
    assert books.rows("SELECT e164 FROM numbers") == ["erased:1"]


def test_a_number_of_others_too_stays_theirs(books, person, phone, state) -> None:
    """The line at home is Bob's as well: Ann's own number goes, and with it all that was known of Ann."""
    books.campaign("spring", told_of(person, 1, phone(1), phone(9)), person(2, phone(9)))
    found = forget(books, phone(1).e164)
    assert (found.numbers, found.contacts) == ((1,), 1)
    assert books.rows("SELECT e164 FROM numbers ORDER BY id") == ["erased:1", phone(9).e164]
    found = forget(books, phone(9).e164)
    assert found.contacts == 2
    assert books.rows("SELECT DISTINCT fields FROM contacts") == ["{}"]


def test_who_comes_in_again_is_born_suppressed(books, person, phone, state) -> None:
    books.campaign("spring", person(1))
    forget(books, phone(1).e164)
    forget(books, phone(5).e164)  # nobody knew that one
    campaign = books.campaign("autumn", person(1), person(5), person(6))
    found = books.claim(campaign)
    assert [claim.e164 for claim in found.claims] == [phone(6).e164]
    assert [(one.e164, one.verdict.reason) for one in found.refusals] == [
        (phone(1).e164, "suppressed"), (phone(5).e164, "suppressed"),
    ]  # fmt: skip
    assert books.unit(forgotten.is_forgotten, e164=phone(1).e164)
    assert not books.unit(forgotten.is_forgotten, e164=phone(6).e164)


def test_consent_given_anew_lifts_it(books, person, phone, state) -> None:
    forget(books, phone(1).e164)
    assert books.unit(suppression.unsuppress, [phone(1).e164, phone(2).e164]) == []
    campaign = books.campaign("autumn", person(1))
    assert [claim.e164 for claim in books.claim(campaign).claims] == [phone(1).e164]


def test_the_hash_alone_tells_nothing(books, phone, state) -> None:
    forget(books, phone(1).e164)
    rows = books.rows("SELECT digest FROM forgotten")
    assert {len(one) for one in rows} == {16}
    assert forgotten.digest(bytes(32), phone(1).e164) not in rows
    path = state / forgotten.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert forgotten.digest(path.read_bytes(), phone(1).e164) in rows
    before = path.read_bytes()
    forgotten.make_key(state)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["gone", "other", "short", "open"])
def test_without_its_key_no_new_number_is_taken(books, person, phone, state, what: str) -> None:
    forget(books, phone(1).e164)
    path = state / forgotten.KEY_FILE
    match what:
        case "gone":
            path.unlink()
        case "other":
            path.write_bytes(bytes(32))
        case "short":
            path.write_bytes(path.read_bytes()[:16])
        case "open":
            path.chmod(0o644)
    with pytest.raises(KeyMissing):
        books.campaign("autumn", person(1))
    with pytest.raises(KeyMissing):
        forget(books, phone(2).e164)
    books.connection.execute("DELETE FROM campaigns")
    books.connection.execute("DELETE FROM jobs")


def test_a_long_file_of_withdrawals(books, person, phone) -> None:
    campaign = books.campaign("spring", person(1), person(2), person(3))
    [one, *_] = books.claim(campaign, slots="a").claims
    books.suppress(phone(2))
    added, live = books.unit(
        suppression.suppress_many,
        e164=[phone(at).e164 for at in (1, 2, 8)], reason="letter", source="file", actor="bob", now=books.now + 1,
    )  # fmt: skip
    assert (added, live) == ([1, 4], [one.number_id])
    assert books.rows("SELECT reason, source, actor FROM suppression ORDER BY number_id") == [
        ("letter", "file", "bob"), ("asked", "command", "anna"), ("letter", "file", "bob"),
    ]  # fmt: skip
    books.now += 2
    found = books.claim(campaign)
    assert [claim.e164 for claim in found.claims] == [phone(3).e164]


def test_a_database_without_a_file_has_no_key() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE forgotten (digest BLOB PRIMARY KEY, at REAL, actor TEXT, reason TEXT)")
    connection.execute("INSERT INTO forgotten VALUES (x'00', 0, '', '')")
    with pytest.raises(KeyMissing):
        forgotten.is_forgotten(connection, "+33199001001")
    connection.close()
