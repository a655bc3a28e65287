"""docs/law-rules.md is what the data says, and says all of it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from engine.rules.book import read_book, standard_book
from engine.rules.book.page import applied, render
from tests.docs.pages import DOCS, REPOSITORY, rows, section

BOOK = standard_book()
PAGE = "law-rules.md"


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / PAGE).read_text(encoding="utf-8") == render(BOOK), (
        "docs/law-rules.md is out of date: make schemas"
    )


def test_every_rule_is_told_with_its_source_and_date() -> None:
    for law in BOOK.laws.values():
        title = law.title[0].upper() + law.title[1:]
        told = {row[0].strip("`"): row for row in rows(section(PAGE, title))}
        assert set(told) == {rule.id for rule in law.rules}
        for rule in law.rules:
            row = told[rule.id]
            assert row[2] == rule.says
            assert row[3] == (applied(rule) if rule.enforced else rule.why)
            assert row[4].startswith(rule.since.isoformat())
            assert row[5:] == [rule.source, rule.basis]


def test_what_is_not_enforced_stands_apart() -> None:
    for law in BOOK.laws.values():
        part = section(PAGE, law.title[0].upper() + law.title[1:])
        enforced, _, rest = part.partition("Not enforced:")
        for rule in law.rules:
            assert f"| `{rule.id}` |" in (enforced if rule.enforced else rest)
        for gap in law.gaps:
            assert f"- {gap}" in part


def test_the_examples_of_one_s_own_rules_are_taken(tmp_path: Path) -> None:
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    examples = re.findall(r"^```toml rules\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for number, example in enumerate(examples):
        (tmp_path / f"own-{number}.toml").write_text(example, encoding="utf-8")
    book = read_book(tmp_path)
    assert "CH" in book.regions
    assert set(book.tight) == {"own-0"}


def test_the_script_agrees() -> None:
    script = runpy.run_path(str(REPOSITORY / "setup" / "law-rules"))
    assert script["main"](["--check"]) == 0
