"""The manifest's [contacts] table. `engine.intake.source`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from engine.intake.source import ContactSource


@pytest.mark.parametrize(
    "table",
    [
        {"file": "people.csv"},
        {
            "file": "lists/people.csv",
            "columns": {"phone_number": ["mobile", 2], "name": "Nom"},
            "fields": ["city", 3],
        },
        {"rows": [{"phone": "+33199001234", "n": 1, "ok": True, "list": ["a", "b"], "none": None}]},
        {"rows": []},
        {"database": {"url": "sqlite:///people.db", "query": "SELECT 1"}},
        {"database": {"url": "postgresql://volley@crm/people", "query": "SELECT 1"}},
        {"database": {"url_env": "CRM_URL", "query": "SELECT 1"}},
        {
            "file": "p.csv",
            "encoding": "iso-8859-15",
            "delimiter": ";",
            "header": False,
            "format": "csv",
            "region": "FR",
        },
        {"file": "p.xlsx", "sheet": 2},
    ],
)
def test_good(table: dict[str, Any]) -> None:
    source = ContactSource.model_validate(table)
    assert ContactSource.model_validate(source.model_dump(mode="json")) == source, (
        "it travels to the parsing process"
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "exactly one of file, rows and database"),
        ({"file": "a", "rows": []}, "not file and rows"),
        ({"file": "../a"}, "inside the job folder"),
        ({"file": "/etc/passwd"}, "inside the job folder"),
        ({"file": "a/../../b"}, "inside the job folder"),
        ({"file": "a\\b"}, "inside the job folder"),
        ({"file": ""}, "at least 1 character"),
        ({"file": "a", "encoding": "zip"}, "encoding"),
        ({"file": "a", "encoding": "base64"}, "encoding"),
        ({"file": "a", "encoding": "utf-9"}, "encoding"),
        ({"file": "a", "delimiter": "ab"}, "at most 1 character"),
        ({"file": "a", "delimiter": "a"}, "one sign"),
        ({"file": "a", "delimiter": '"'}, "one sign"),
        ({"file": "a", "region": "XX"}, "no ISO 3166-1 country"),
        ({"file": "a", "region": "fr"}, "no ISO 3166-1 country"),
        ({"file": "a", "format": "xls"}, "format"),
        ({"file": "a", "duplicates": "ignore"}, "duplicates"),
        ({"file": "a", "colums": {}}, "Extra inputs"),
        ({"file": "a", "columns": {"phone": "x"}}, "Extra inputs"),
        ({"file": "a", "columns": {"phone_number": []}}, "at least 1 item"),
        ({"file": "a", "columns": {"timezone": 0}}, "greater than or equal to 1"),
        ({"rows": [], "sheet": 1, "encoding": "utf-8"}, "sheet, encoding: only for a file"),
        ({"database": {"query": "SELECT 1"}}, "exactly one of url and url_env"),
        (
            {"database": {"url": "sqlite:///x", "url_env": "X", "query": "SELECT 1"}},
            "exactly one of url and url_env",
        ),
        (
            {"database": {"url": "postgresql://u:secret@crm/x", "query": "SELECT 1"}},
            "password does not belong",
        ),
        ({"database": {"url": "sqlite:///x", "query": "  "}}, "at least 1 character"),
    ],
)
def test_bad(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ContactSource.model_validate(table)
