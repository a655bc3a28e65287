"""SECURITY.md: every threat is held by tests, and each of these is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import REPOSITORY, rows

TEXT = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[a-z_/]+\.py)(?:::(test_[a-z0-9_]+))?`", TEXT)))


def threats() -> list[list[str]]:
    text = TEXT.partition("\n## Threats\n")[2].partition("\n## ")[0]
    return list(rows(text))


def test_every_threat_is_held_by_a_test() -> None:
    found = threats()
    assert len(found) > 30
    for threat, against, held in found:
        assert threat
        assert against
        assert "`tests/" in held, threat
        assert re.sub(r"`tests/[a-z_/]+\.py(::test_[a-z0-9_]+)?`", "", held).strip(" ,") == "", threat


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda part: part.rpartition("/")[2])
def test_the_test_is_there(path: str, name: str) -> None:
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    tests = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    assert tests
    assert not name or name in tests, f"{path} has no {name}"


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (REPOSITORY / target).exists(), target
