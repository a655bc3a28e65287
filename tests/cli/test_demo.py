"""The demonstration's own parts: whom it calls, what it expects, and that it tells every difference."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

import pytest

from engine.intake.columns import is_phone_heading
from engine.ops.preview import preview
from engine.rules.numbers import parse_number
from lab.behaviours import behaviour_table
from lab.demo.campaigns import (
    LANGUAGES,
    MAX_ATTEMPTS,
    MAX_CALLBACKS,
    PROMPTS,
    RETRIES,
    campaign_name,
    make_job,
)
from lab.demo.expected import Call, expected
from lab.demo.people import CALLED, bad_rows, contacts_csv, people
from lab.demo.report import compare, view
from lab.demo.seen import Attempt, Seen
from lab.numbers import Language, behaviour_of
from tests.ops.filled import NOON, settings_in
from tests.speech.sounds import prompt

TABLE = {code: behaviour_table()[code] for code in CALLED}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_is_called_once_and_behaves_as_the_table_says(language: Language) -> None:
    found = people(language)
    assert [person.code for person in found] == list(TABLE)
    assert len({person.e164 for person in found}) == len(found)
    region = {"en": "US", "fr": "FR"}[language]
    for person in found:
        assert behaviour_of(person.e164) == (person.code, language)
        assert parse_number(person.written, region).e164 == person.e164


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lists_are_what_offices_write(language: Language) -> None:
    text = contacts_csv(language).decode({"en": "utf-8", "fr": "cp1252"}[language])
    rows = list(csv.reader(io.StringIO(text), delimiter={"en": ",", "fr": ";"}[language]))
    assert sum(is_phone_heading(heading) for heading in rows[0]) == 1
    assert len(rows) == 1 + len(TABLE) + len(bad_rows(language))
    assert {len(row) for row in rows} == {6}


@pytest.mark.parametrize("language", LANGUAGES)
def test_intake_takes_the_job_and_rejects_the_bad_rows(language: Language, tmp_path: Path) -> None:
    (tmp_path / language).mkdir()
    for name in PROMPTS:
        prompt(tmp_path / language / f"{name}.wav")
    job = make_job(language, tmp_path, tmp_path / "jobs")
    found = preview(job, settings_in(tmp_path), NOON)
    assert found.problems == []
    assert found.accepted == len(TABLE)
    assert found.reject_codes == {row.code: 1 for row in bad_rows(language)}
    assert found.openings.at_once == len(TABLE), "whatever the hour"
    manifest = tomllib.loads((job / "campaign.toml").read_text(encoding="utf-8"))
    assert manifest["retry"]["max_attempts"] == MAX_ATTEMPTS
    assert manifest["max_callbacks"] == MAX_CALLBACKS
    assert {word: manifest["retry"][word]["attempts"] for word in RETRIES} == RETRIES


@pytest.mark.parametrize(
    ("code", "calls", "goal", "opted_out", "kept"),
    [
        ("10", ["ANSWERED_HUMAN"], "heard", False, 0),
        ("13", ["ANSWERED_HUMAN"], "hung_up", False, 0),
        ("20", ["ANSWERED_HUMAN"], "opted_out", True, 0),
        ("21", ["ANSWERED_HUMAN", "callback ANSWERED_HUMAN"], "heard", False, 1),
        ("23", ["ANSWERED_HUMAN"], "confirmed", False, 0),
        ("30", ["ANSWERED_MACHINE", "retry ANSWERED_MACHINE"], "voicemail_left", False, 0),
        ("40", ["BUSY", "retry BUSY"], "", False, 0),
        ("43", ["INVALID_NUMBER"], "", False, 0),
        ("44", ["CONGESTION", "retry CONGESTION", "retry CONGESTION"], "", False, 0),
        ("47", ["FAILED"], "", False, 0),
        ("60", ["BUSY", "retry ANSWERED_HUMAN"], "heard", False, 0),
        ("62", ["CONGESTION", "retry CONGESTION", "retry ANSWERED_HUMAN"], "heard", False, 0),
        ("63", ["ANSWERED_HUMAN", "callback ANSWERED_HUMAN"], "heard", False, 1),
        ("64", ["ANSWERED_MACHINE", "retry ANSWERED_HUMAN"], "heard", False, 0),
    ],
)
def test_what_is_expected(code: str, calls: list[str], goal: str, opted_out: bool, kept: int) -> None:
    found = expected(TABLE[code])
    assert [f"{call.kind} {call.disposition}".removeprefix("first ") for call in found.calls] == calls
    assert (found.goal, found.opted_out, found.callbacks_kept) == (goal, opted_out, kept)


def test_every_behaviour_comes_to_an_end() -> None:
    for behaviour in TABLE.values():
        assert 1 <= len(expected(behaviour).calls) <= MAX_ATTEMPTS + MAX_CALLBACKS + max(RETRIES.values())


def as_expected() -> dict[str, Seen]:
    """What is seen when all is as it should be."""
    found = {}
    for language in LANGUAGES:
        for person in people(language):
            behaviour = TABLE[person.code]
            wanted = expected(behaviour)
            sip, cause = behaviour.sip or 0, behaviour.cause or 0
            attempts = [
                Attempt(call.kind, call.disposition, sip, cause, call.keys, call.result)
                for call in wanted.calls
            ]
            pressed = [call.keys for call in wanted.calls]
            found[person.e164] = Seen(
                "done", wanted.disposition, wanted.goal, attempts, wanted.callbacks_kept, wanted.opted_out, len(attempts), pressed
            )  # fmt: skip
    return found


REJECTED = {campaign_name(language): [row.code for row in bad_rows(language)] for language in LANGUAGES}


def test_nothing_differs() -> None:
    assert not compare(as_expected(), REJECTED)


def test_every_difference_is_told() -> None:
    (person, *_) = people("en")
    for change, told in (
        ({"counted": 2}, "calls counted by the carrier: expected 1, seen 2"),
        ({"state": "pending"}, "state: expected done, seen pending"),
        ({"disposition": "BUSY"}, "final disposition: expected ANSWERED_HUMAN, seen BUSY"),
        ({"goal": "confirmed"}, "result of the contact: expected heard, seen confirmed"),
        ({"suppressed": True}, "never to be called again: expected False, seen True"),
        ({"callbacks_kept": 1}, "callbacks kept: expected 0, seen 1"),
        ({"pressed": ["9"]}, "keys that the carrier's callee pressed: expected none, seen 9"),
        ({"attempts": []}, "calls: expected first ANSWERED_HUMAN, seen none"),
    ):
        seen = as_expected()
        for name, value in change.items():
            setattr(seen[person.e164], name, value)
        found = compare(seen, REJECTED)
        assert list(found.differences) == [f"{person.e164} (person)"]
        assert told in found.differences[f"{person.e164} (person)"]


def test_numbers_that_nobody_listed_and_rows_that_were_not_rejected() -> None:
    found = compare({**as_expected(), "+33199009999": Seen(counted=1)}, {**REJECTED, "reminders-en": []})
    assert sorted(found.differences) == ["+33199009999", "reminders-en, rejected rows"]


def test_nobody_called_at_all_is_a_difference_each() -> None:
    found = compare({}, REJECTED)
    assert len(found.differences) == 2 * len(TABLE)


def test_the_report_names_what_differs() -> None:
    from rich.console import Console

    console = Console(width=100, color_system=None)
    seen = as_expected()
    with console.capture() as capture:
        console.print(view(seen, compare(seen, REJECTED)))
    assert "None differing" in capture.get()
    seen[people("fr")[0].e164].counted = 3
    with console.capture() as capture:
        console.print(view(seen, compare(seen, REJECTED)))
    assert "1 differing:" in capture.get()
    assert "differs" in capture.get()


def test_the_oracle_says_who_presses_what() -> None:
    assert expected(TABLE["63"]).calls == (
        Call("first", "ANSWERED_HUMAN", "2", "call_back"), Call("callback", "ANSWERED_HUMAN", "", "heard"),
    )  # fmt: skip
