"""An operator's folder of rules: adds countries, makes known ones stricter, and cannot loosen anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RulesError
from engine.rules.book import read_book, standard_book, weeks
from tests.rules.book.places import AUSTRIA, NOW, none, place, rules, write

TIGHT = """
title = "Ours"
version = 2026-11-30
tightens = "{file}"

[[rule]]
id = "{id}"
kind = "{kind}"
says = "We are stricter than the law."
purposes = {purposes}
from = 2026-01-01
source = "the board, 12 May"
basis = "house"
{more}
"""


def id_of(kind: str) -> str:
    return "ours-" + kind.replace("_", "-")


def tight(kind: str, more: str, file: str = "us", purposes: str = '["marketing"]') -> str:
    return TIGHT.format(id=id_of(kind), kind=kind, more=more, file=file, purposes=purposes)


def problems(folder: Path) -> list[str]:
    with pytest.raises(RulesError) as caught:
        read_book(folder)
    return [str(problem) for problem in caught.value.problems]


# Kind, keys, file: what is at least as strict.
STRICTER = [
    ("hours", 'window = [{ days = ["mon-fri"], from = "09:00", to = "17:00" }]', "us"),
    ("hours", 'window = [{ from = "08:00", to = "21:00" }]', "us"),
    ("hours", 'window = [{ days = ["mon-fri"], from = "10:00", to = "12:00" }]', "fr"),
    ("hours", 'window = [{ from = "08:00", to = "20:00" }]\nstates = ["FL"]', "us"),
    ("hours", 'window = [{ from = "09:00", to = "20:00" }]', "base"),
    ("no_calls", 'days = ["sat", "sun"]', "us"),
    ("no_calls", "holidays = true", "us"),
    ("consent", 'need = "written"\nmax_age = "365d"', "us"),
    ("consent", 'need = "written"', "gb"),
    ("registry", 'registry = "us-dnc"\nmax_age = "7d"', "us"),
    ("registry", 'registry = "us-litigators"\nmax_age = "30d"\nexempt = "express"', "us"),
    ("cap", 'most = 2\nperiod = "24h"\nscope = "owner"\nstates = ["FL"]', "us"),
    ("cap", 'most = 20\nperiod = "90d"\nscope = "all"', "fr"),
    ("cap", 'most = 9\nperiod = "30d"\nscope = "campaign"', "fr"),
    ("gap", 'after = "refusal"\ngap = "90d"', "fr"),
    ("gap", 'after = "machine"\ngap = "24h"', "gb"),
    ("ring", 'least = "20s"', "us"),
    ("message", 'most = "25s"\nstates = ["TX"]', "us"),
    ("silence", 'most = "1s"', "us"),
    ("caller_id", 'allowed = ["+33162000"]', "fr"),
    ("caller_id", 'denied = ["+1900"]', "us"),
    ("abandonment", 'percent = 2\nthrottle = 1\nstop = 1.5\nperiod = "30d"', "us"),
    ("forbidden", "", "us"),
]  # fmt: skip

# Kind, keys, file: the rule that it would loosen, and how that is told.
LOOSER = [
    ("hours", 'window = [{ from = "07:00", to = "21:00" }]', "us", "us-hours",
     "mon-sun 07:00-21:00, where calls are allowed mon-sun 08:00-21:00"),
    ("hours", 'window = [{ days = ["sat"], from = "10:00", to = "12:00" }]', "fr", "fr-hours", "sat 10:00-12:00"),
    ("hours", 'window = [{ days = ["mon-fri"], from = "10:00", to = "20:00" }]', "fr", "fr-hours", "14:00-20:00"),
    ("hours", 'window = [{ from = "08:00", to = "20:30" }]\nstates = ["FL"]', "us", "us-fl-hours", "20:30"),
    ("hours", 'window = [{ from = "22:00", to = "06:00" }]', "base", "house-hours", "calls are allowed mon-sun 08:00-22:00"),
    ("hours", 'window = [{ from = "07:00", to = "12:00" }]', "gb", "house-hours", "mon-sun 07:00-12:00"),
    ("consent", 'need = "express"', "us", "us-pewc", "express consent, where written is needed"),
    ("consent", 'need = "none"', "gb", "gb-consent", "none consent, where express is needed"),
    ("registry", 'registry = "us-dnc"\nmax_age = "60d"', "us", "us-dnc", "a copy may be 60d, where 31d are the most"),
    ("registry", 'registry = "us-dnc"\nmax_age = "31d"\nexempt = "express"', "us", "us-dnc", "express consent would outrank"),
    ("cap", 'most = 5\nperiod = "30d"\nscope = "all"', "fr", "fr-cap", "5 calls in 30d, where 4 in 30d are the most"),
    ("cap", 'most = 6\nperiod = "7d"\nscope = "all"', "fr", "fr-cap", "6 calls in 7d"),
    ("gap", 'after = "refusal"\ngap = "30d"', "fr", "fr-refusal", "30d after refusal, where 60d are asked for"),
    ("gap", 'after = "abandoned"\nsame_day = true', "gb", "gb-gap-abandoned", "the next day after abandoned"),
    ("gap", 'after = "machine"\ngap = "2h"', "gb", "gb-gap-machine", "where the next calendar day is asked for"),
    ("ring", 'least = "10s"', "us", "house-ring", "it rings 10s, where 15s are asked for"),
    ("message", 'most = "60s"\nstates = ["TX"]', "us", "us-tx-length", "a message of 1m"),
    ("silence", 'most = "3s"', "ca", "ca-silence", "a silence of 3s"),
    ("caller_id", 'allowed = ["+33199"]', "fr", "fr-cli", "it allows +33199, which may not be shown"),
    ("caller_id", 'allowed = ["+33162", "+33612"]', "fr", "fr-cli", "+33612"),
    ("abandonment", 'percent = 3\nthrottle = 2\nstop = 2.9\nperiod = "30d"', "us", "us-abandon", "where (3.0, 2.0, 2.5) hold"),
    ("no_hours", "", "us", "no_hours makes nothing stricter", ""),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "more", "file"), STRICTER)
def test_what_is_stricter_is_taken_and_binds(tmp_path: Path, kind: str, more: str, file: str) -> None:
    book = read_book(write(tmp_path, "ours.toml", tight(kind, more, file)))
    region, state = {"us": ("US", "FL"), "base": ("GB", ""), "fr": ("FR", "FX"), "gb": ("GB", "")}[file]
    where = place(region, *([("TX" if "TX" in more else state)] if state else []))
    if kind == "forbidden":
        assert "We are stricter than the law. (ours-forbidden; the board, 12 May)" in none(book, where)
        return
    assert id_of(kind) in rules(book, where).rules
    assert id_of(kind) not in rules(book, where, "informational").rules
    assert id_of(kind) not in rules(book, place("IN")).rules or file == "base"


@pytest.mark.parametrize(("kind", "more", "file", "loosened", "told"), LOOSER)
def test_what_would_loosen_is_an_error_that_names_the_rule(
    tmp_path: Path, kind: str, more: str, file: str, loosened: str, told: str
) -> None:
    found = problems(write(tmp_path, "ours.toml", tight(kind, more, file)))
    assert any(loosened in problem and told in problem for problem in found), found
    assert all(f"ours.toml: rule {id_of(kind)}" in problem for problem in found)


def test_a_purpose_that_a_rule_does_not_bind_is_free_for_a_looser_one(tmp_path: Path) -> None:
    informational = tight(
        "hours", 'window = [{ from = "08:00", to = "21:30" }]', purposes='["informational"]'
    )
    book = read_book(write(tmp_path, "ours.toml", informational))
    assert weeks.text_of(rules(book, place("US", "NY"), "informational").week) == "mon-sun 08:00-21:30"
    both = tight(
        "hours", 'window = [{ from = "08:00", to = "21:30" }]', purposes='["informational", "marketing"]'
    )
    assert "us-hours" in problems(write(tmp_path, "ours.toml", both))[0]


def test_lines_are_told_apart(tmp_path: Path) -> None:
    """What holds for landlines alone may be looser than what holds for wireless numbers, not than what holds for all."""
    none = 'need = "none"\nline = "landline"'
    read_book(write(tmp_path, "ours.toml", tight("consent", none, purposes='["informational"]')))
    found = problems(write(tmp_path, "ours.toml", tight("consent", none)))
    assert any("us-pewc" in problem for problem in found)


def test_stricter_hours_are_the_hours(tmp_path: Path) -> None:
    text = tight("hours", 'window = [{ days = ["mon-fri"], from = "09:30", to = "17:00" }]')
    book = read_book(write(tmp_path, "ours.toml", text))
    assert weeks.text_of(rules(book, place("US", "FL")).week) == "mon-fri 09:30-17:00"
    assert weeks.text_of(rules(book, place("CA", "ON")).week) == "mon-fri 09:00-21:30; sat-sun 10:00-18:00"


def test_a_new_state_s_rule(tmp_path: Path) -> None:
    text = tight("no_calls", 'days = ["sun"]\nstates = ["PA"]')
    book = read_book(write(tmp_path, "ours.toml", text))
    assert weeks.text_of(rules(book, place("US", "PA")).week) == "mon-sat 08:00-21:00"
    assert weeks.text_of(rules(book, place("US", "NY", "PA")).week) == "mon-sat 08:00-21:00"
    assert weeks.text_of(rules(book, place("US", "NY")).week) == "mon-sun 08:00-21:00"


def test_rules_cannot_be_replaced_switched_off_or_misplaced(tmp_path: Path) -> None:
    text = tight("ring", 'least = "30s"').replace("ours-ring", "us-ring")
    assert "a rule of this id is in the book" in problems(write(tmp_path, "ours.toml", text))[0]
    text = tight("ring", 'least = "30s"\nenforced = false\nwhy = "we do not like it"')
    assert (
        "a rule that is not enforced makes nothing stricter"
        in problems(write(tmp_path, "ours.toml", text))[0]
    )
    text = tight("ring", 'least = "30s"\nstates = ["ZZ"]')
    assert "'ZZ' is not known (known: AL, AK" in problems(write(tmp_path, "ours.toml", text))[0]
    text = tight("ring", 'least = "30s"', "mars")
    assert (
        "there is no mars.toml (known: base, be, ca, de, es, eu, fr, gb, ie, in, it, practice, us)"
        in problems(write(tmp_path, "ours.toml", text))[0]
    )


def test_a_file_of_the_book_cannot_be_replaced(tmp_path: Path) -> None:
    found = problems(write(tmp_path, "us.toml", AUSTRIA))
    assert 'write tightens = "us" to make it stricter' in found[0]
    found = problems(
        write(tmp_path / "other", "usa.toml", AUSTRIA.replace('"AT"]', '"US"]').replace('"AT"', '"US"'))
    )
    assert any("US stands in us.toml already" in problem for problem in found)


@pytest.mark.parametrize(
    ("more", "days", "exempt", "rule"),
    [
        ('registry = "gb-tps"\nmax_age = "7d"\nexempt = "written"', 7, "written", "ours-registry"),
        ('registry = "gb-tps"\nmax_age = "28d"', 28, None, "gb-tps"),
    ],
)
def test_of_two_rules_about_a_list_the_stricter_parts_hold(
    tmp_path: Path, more: str, days: int, exempt: str | None, rule: str
) -> None:
    book = read_book(write(tmp_path, "ours.toml", tight("registry", more, "gb")))
    (need,) = rules(book, place("GB")).registries
    assert (need.max_age, need.exempt, need.rule) == (days * 86400.0, exempt, rule)


# --- a country of one's own ---------------------------------------------------------------------------------------------


def test_a_country_that_is_added_is_dialed_by_its_rules(tmp_path: Path) -> None:
    book = read_book(write(tmp_path, "at.toml", AUSTRIA))
    found = rules(book, place("AT"))
    assert weeks.text_of(found.week) == "mon-sat 09:00-18:00"
    assert found.calendars == {("AT", "")}
    assert {"eu-consent", "house-consent", "house-ring", "at-hours"} <= set(found.rules)
    assert found.consent is not None
    assert found.consent.proof == ("at", "source", "purpose", "reference")
    assert rules(book, place("AT"), "emergency").emergency
    assert "no rules for survey" in none(book, place("AT"), "survey")
    assert book.regions == standard_book().regions | {"AT"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "hours"', 'kind = "ours"', "at.toml: rule at-hours"),
        ("from = 2026-01-01", "since = 2026-01-01", "there is no such key"),
        ('extends = ["eu"]', 'extends = ["us"]', "there is no us.toml to build upon"),
        ('calendar = "AT"', 'calendar = "XX"', "'XX/' has none that are known"),
        ('calendar = "AT"', "", "rule at-holidays needs public holidays"),
        ('need = "express"', 'need = "verbal"', "at.toml: rule at-consent.need"),
        ('purposes = ["marketing", "informational", "emergency"]', 'purposes = ["marketing", "survey"]',
         "survey is covered, but no rule speaks of its hours"),
        ('regions = ["AT"]', 'regions = ["de"]', "at.toml: regions.0"),
        ('regions = ["AT"]', "regions = []", "a file without regions covers no purposes"),
        ('id = "at-consent"', 'id = "us-pewc"', "this id stands in us.toml already"),
        ('source = "TKG 2021 s. 174"', "", "at.toml: rule at-consent.source: Field required"),
        ('basis = "memory"', 'basis = "memory"\nenforced = false', "a rule that is not enforced says why"),
        ('basis = "memory"', 'basis = "memory"\nstates = ["W"]', "'W' is not known"),
        ('days = ["mon-sat"], ', 'timezone = "Europe/Berlin", ', "leave timezone out"),
        ("title =", "title", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_country_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in AUSTRIA
    found = problems(write(tmp_path, "at.toml", AUSTRIA.replace(old, new)))
    assert any(told in problem for problem in found), found


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path, "at.toml", AUSTRIA.replace('"AT"', '"XX"').replace('extends = ["eu"]', 'extends = ["no"]')
    )
    write(tmp_path, "ours.toml", tight("ring", 'least = "1s"'))
    write(tmp_path, "broken.toml", "= =")
    found = problems(tmp_path)
    for told in ("broken.toml", "XX", "there is no no.toml", "house-ring", "us-ring"):
        assert any(told in problem for problem in found), (told, found)


def test_a_folder_that_is_not_there_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    assert "cannot read the folder of rules" in problems(tmp_path / "nowhere")[0]
    assert read_book(tmp_path).version == standard_book().version


# --- the version --------------------------------------------------------------------------------------------------------


def test_the_version_changes_with_any_content(tmp_path: Path) -> None:
    seen = {standard_book().version}
    for text in (AUSTRIA, AUSTRIA.replace("18:00", "17:00"), AUSTRIA.replace("memo 12", "memo 13")):
        seen.add(read_book(write(tmp_path / str(len(seen)), "at.toml", text)).version)
    assert len(seen) == 4
    for version in seen:
        day, _, digest = version.partition(".")
        assert day == "2026-11-27"
        assert len(digest) == 8
    later = read_book(write(tmp_path / "later", "ours.toml", tight("ring", 'least = "30s"')))
    assert later.version.startswith("2026-11-30.")
    assert rules(later, place("US", "NY")).version == later.version
    again = read_book(write(tmp_path / "again", "at.toml", "# a comment is no content\n" + AUSTRIA))
    assert again.version in seen


def test_a_rule_set_is_looked_up_not_made_again(tmp_path: Path) -> None:
    book = read_book(write(tmp_path, "at.toml", AUSTRIA))
    where = place("AT")
    first = rules(book, where)
    assert rules(book, where, at=NOW + 86400) is first
    assert rules(book, where, "informational") is not first
    assert rules(book, place("US", "NY")).hours is rules(book, place("US", "NJ")).hours, (
        "one week, one set of spans"
    )
