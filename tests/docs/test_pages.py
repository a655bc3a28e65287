"""What the pages tell of events, dispositions and reasons is what the engine has; every example is valid, every link leads somewhere."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from engine import config
from engine.dialing.disposition import CAUSE, SIP, UNCOUNTED, Disposition
from engine.dialing.retry import DEFAULTS
from engine.hooks import payload
from engine.intake import manifest, requests
from engine.ops import log
from engine.ops.log_events import LINES
from engine.ops.reasons import RESULTS
from engine.rules.book.files import LawFile, TightFile
from engine.rules.gate import Reason
from tests import log_lines
from tests.docs.pages import DOCS, EVENTS, PAGES, REPOSITORY, rows, section

# --- events -------------------------------------------------------------------------------------------------------------


def emitted() -> Iterator[tuple[str, str, set[str]]]:
    """Every place in the engine that logs: event, level, fields."""
    for path in sorted((REPOSITORY / "engine").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="debug" | "info" | "warning" | "error" as level),
                    args=[ast.Attribute(value=ast.Name(id="events"), attr=name), *_],
                    keywords=keywords,
                ):
                    yield (
                        EVENTS[name],
                        level,
                        {keyword.arg for keyword in keywords if keyword.arg is not None},
                    )


def event_rows() -> dict[str, list[str]]:
    text = (DOCS / "logs.md").read_text(encoding="utf-8").partition("\n## ")[0]
    return {row[0].strip("`"): row for row in rows(text) if "." in row[0]}


def test_every_event_is_told_and_nothing_else() -> None:
    assert set(event_rows()) == set(EVENTS.values()) == set(LINES)


def test_every_event_is_told_with_its_levels_and_fields() -> None:
    ended = " ".join(row[0] for row in rows(section("logs.md", "`call.ended`")))
    for event, (_, levels, told, _) in event_rows().items():
        line = LINES[event]
        fields = ended if event == log.CALL_ENDED else told
        assert tuple(levels.split(", ")) == line.levels, event
        always, _, sometimes = fields.partition("; ")
        assert (set(re.findall(r"`(\w+)`", always)), set(re.findall(r"`(\w+)`", sometimes))) == (
            set(line.always), set(line.sometimes),
        ), event  # fmt: skip


def test_every_place_that_logs_has_its_line() -> None:
    for event, level, fields in emitted():
        line = LINES[event]
        assert level in line.levels, f"{event}: {level}"
        assert fields - {"exc_info"} <= line.always.keys() | line.sometimes.keys(), event


# --- dispositions and reasons -------------------------------------------------------------------------------------------


def test_every_disposition_is_told_with_its_codes_and_what_follows() -> None:
    text = (DOCS / "dispositions.md").read_text(encoding="utf-8").partition("\n## ")[0]
    table = {row[0].strip("`"): row for row in rows(text)}
    assert set(table) == set(Disposition)
    for codes, first in ((SIP, 300), (CAUSE, 1)):
        for code, disposition in codes.items():
            words = table[disposition][1] + (text if code in (408, 487, 18, 19) else "")
            assert re.search(rf"\b{code}\b", words), f"{disposition}: {code}"
            assert code >= first
    for disposition, rule in DEFAULTS.items():
        row = table[disposition]
        assert (row[2] == "**no**") == (disposition in UNCOUNTED), disposition
        if disposition in (Disposition.INVALID_NUMBER, Disposition.NOT_SENT):
            assert "at once" in row[3]
        elif rule.attempts:
            amount, unit = (rule.delay / 3600, "hour") if rule.delay >= 3600 else (rule.delay / 60, "minute")
            assert row[3].startswith(f"after {amount:g} {unit}"), disposition
            assert row[3].endswith(f", {rule.attempts} more at most"), disposition
        else:
            assert row[3].startswith("nothing"), disposition


def test_every_reason_of_the_gate_is_told() -> None:
    found = {row[0].strip("`") for row in rows(section("law.md", "Today"))}
    assert found == set(Reason) - {Reason.ALLOWED}


def test_every_result_of_a_call_is_told() -> None:
    found = " ".join(row[0] for row in rows(section("dispositions.md", "Results")))
    for word in RESULTS:
        assert f"`{word}`" in found, word


# --- examples -----------------------------------------------------------------------------------------------------------

SETTINGS = {
    "pbx": {"main": {"secret_env": "SECRET", "sounds_dir": "/s"}},
    "trunk": {"t": {"pbx": "main", "dial": "PJSIP/{number}@t"}},
}
CAMPAIGN = {
    "id": "x", "owner": "Marie <marie@example.org>", "purpose": "informational", "caller_id": "+33162000001",
    "message": {"prompts": ["hello.wav"]}, "contacts": {"file": "people.csv"},
}  # fmt: skip
REQUEST: TypeAdapter[object] = TypeAdapter(requests.Request)


def check(kind: str, table: dict[str, Any]) -> None:
    """Raises what the engine would raise."""
    match kind:
        case "volley.toml":
            config.Settings.model_validate(table)
        case "part of volley.toml":
            config.Settings.model_validate({**SETTINGS, **table})
        case "campaign.toml" | "campaign.json":
            (manifest.AddJob if "add_to" in table else manifest.CampaignJob).model_validate(table)
        case "part of campaign.toml":
            manifest.CampaignJob.model_validate({**CAMPAIGN, **table})
        case "control":
            REQUEST.validate_python(table)
        case "reply":
            assert isinstance(table["ok"], bool)
        case "reason":
            assert {"job", "name", "rejected_at", "problems"} == set(table)
        case "hook":
            payload.EVENT.validate_python(table)
        case "rules":
            (TightFile if "tightens" in table else LawFile).model_validate(table)
        case "log":
            assert log_lines.line_faults(table) == []
        case _:
            raise AssertionError(
                f"an example must say what it is, such as ```toml campaign.toml; not {kind!r}"
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_is_valid(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for language, kind, body in re.findall(
        r"^```(toml|json)[ ]?([^\n]*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL
    ):
        if kind == "log":
            for line in body.splitlines():
                check(kind, json.loads(line))
        else:
            check(kind, tomllib.loads(body) if language == "toml" else json.loads(body))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]*)(?:#[^)\s]*)?\)", text):
        if target and "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_anchor_is_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", text):
        lines = (page.parent / target if target else page).read_text(encoding="utf-8").splitlines()
        headings = [line.lstrip("# ") for line in lines if re.match(r"#+ ", line)]
        anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, f"{target}#{anchor}"
