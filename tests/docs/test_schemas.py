"""The reference pages and the schemas against the code: every key, default, event and disposition is in them, every example is valid."""

from __future__ import annotations

import ast
import json
import re
import runpy
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from engine import campaign, config, durations
from engine.dialing.disposition import CAUSE, SIP, UNCOUNTED, Disposition
from engine.dialing.retry import DEFAULTS
from engine.intake import control, manifest, source
from engine.intake.flow import AMD_DEFAULT
from engine.ops import log
from engine.ops.reasons import RESULTS
from engine.rules import hours
from engine.rules.gate import Reason

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]
EVENTS = {
    name: value
    for name, value in vars(log).items()
    if name.isupper() and isinstance(value, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", value)
}


def section(page: str, heading: str) -> str:
    """The part of a page under `heading`, up to the next heading of its level or above."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(
        rf"^(#+) {re.escape(heading)}$(.*?)(?=^#{{1,6}} |\Z)", text, flags=re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/{page} has no heading {heading!r}"
    level = len(found[1])
    start = text.index(found[0]) + len(f"{found[1]} {heading}")
    end = re.search(rf"^#{{1,{level}}} ", text[start:], flags=re.MULTILINE)
    return text[start : start + end.start()] if end else text[start:]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of all tables in `text`, without their headings."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        heading = at + 1 < len(lines) and re.match(r"^\|[-|]+\|$", lines[at + 1])
        if line.startswith("| ") and not heading:
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def first_table(text: str) -> str:
    """`text` up to the end of its first table."""
    found = re.search(r"^\|.*?(?=^[^|]|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


# --- keys ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """One table of keys: where it stands, and the model that it tells of."""

    page: str
    heading: str
    model: type[BaseModel]
    beside: frozenset[str] = frozenset()
    """Keys of the model that the page tells elsewhere."""


TABLES = [
    Table("settings.md", "`[engine]`", config.EngineSettings),
    Table("settings.md", "`[limits]`", config.LimitSettings),
    Table("settings.md", "`[log]`", config.LogSettings),
    Table("settings.md", "`[pbx.<name>]`", config.PbxSettings),
    Table("settings.md", "`[trunk.<name>]`", config.TrunkSettings),
    Table("settings.md", "`[[caller_id]]`", config.CallerIdSettings),
    Table("settings.md", "`[defaults]`", config.DefaultSettings),
    Table("settings.md", "A window", hours.Window),
    Table("manifest.md", "The campaign", manifest.CampaignJob),
    Table("manifest.md", "`window`", hours.Window),
    Table("manifest.md", "`[message]`, `[voicemail]`", campaign.MessageSettings),
    Table("manifest.md", "`[message]`, `[voicemail]`", campaign.VoicemailSettings),
    Table("manifest.md", "`[menu]`", campaign.MenuSettings),
    Table("manifest.md", "`[menu.keys]`", campaign.KeyAction),
    Table("manifest.md", "`[say]`", campaign.SaySettings),
    Table("manifest.md", "`[amd]`", campaign.AmdSettings),
    Table("manifest.md", "`[retry]`", campaign.RetrySettings),
    Table("manifest.md", "`[contacts]`", source.ContactSource),
    Table("manifest.md", "`[contacts.columns]`", source.Columns),
    Table("manifest.md", "`[contacts.database]`", source.DatabaseSource),
    Table("manifest.md", "Adding to a campaign", manifest.AddJob),
]
MODELS = {table.model for table in TABLES} | {
    config.Settings,
    campaign.Campaign,
    campaign.RetryRule,
    config.Model,
}


def default_of(model: type[BaseModel], key: str) -> object:
    """A key's default as the page must give it: `required`, None, or a value; ... for a table of its own."""
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            if field.is_required():
                return "required"
            found = field.get_default(call_default_factory=True)
            assert found is not PydanticUndefined
            return ... if isinstance(found, BaseModel) and key != "columns" else found
    raise AssertionError(key)


def told(cell: str, like: object) -> object:
    """The default in a cell, as the model would hold it."""
    if cell in ("none", "required"):
        return None if cell == "none" else "required"
    if cell == "see below":
        return ...
    value: Any = tomllib.loads(f"x = {cell.strip('`')}")["x"]
    if isinstance(like, Path):
        return Path(value)
    if isinstance(like, float):
        return durations.seconds(value)
    if isinstance(like, tuple):
        return hours.parse_days(value) if like == tuple(range(7)) else tuple(value)
    if isinstance(like, BaseModel):
        return type(like).model_validate(value)
    return value


@pytest.mark.parametrize(
    "table", TABLES, ids=lambda table: f"{table.page} {table.heading} {table.model.__name__}"
)
def test_every_key_stands_in_its_table_with_its_default(table: Table) -> None:
    found = {
        row[0].strip("`"): row
        for row in rows(first_table(section(table.page, table.heading)))
        if row[0].startswith("`")
    }
    keys = {field.alias or name for name, field in table.model.model_fields.items()}
    assert set(found) == keys
    for key, row in found.items():
        default = default_of(table.model, key)
        assert told(row[2], default) == default, key


def test_a_retry_rule_is_told() -> None:
    tables = section("manifest.md", "`[retry]`")
    found = {row[0].strip("`"): row for row in rows(tables) if row[0].startswith("`")}
    assert set(found) >= set(campaign.RetryRule.model_fields)
    assert durations.seconds(tomllib.loads(f"x = {found['attempts'][2].strip('`')}")["x"]) == default_of(
        campaign.RetryRule, "attempts"
    )
    for word in campaign.RETRIED:
        assert word in tables, word


def test_no_model_of_settings_or_manifest_is_forgotten() -> None:
    for module in (config, campaign, manifest, source, hours):
        for item in vars(module).values():
            if (
                isinstance(item, type)
                and issubclass(item, BaseModel)
                and item.__module__.startswith("engine.")
            ):
                assert item in MODELS, f"{item.__name__} has no table in the docs"


def test_every_action_of_a_key_and_the_default_detection_are_told() -> None:
    for word in campaign._ACTIONS:
        assert f"`{word}`" in section("manifest.md", "`[menu.keys]`")
    assert AMD_DEFAULT in section("manifest.md", "`[amd]`")


# --- schemas ------------------------------------------------------------------------------------------------------------


def test_the_schemas_are_up_to_date() -> None:
    generated = runpy.run_path(str(REPOSITORY / "setup" / "schemas"))["texts"]()
    for name, text in generated.items():
        assert (DOCS / "schema" / name).read_text(encoding="utf-8") == text, (
            f"docs/schema/{name} is out of date: make schemas"
        )


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
    assert set(event_rows()) == set(EVENTS.values())


def test_every_event_is_told_with_its_level_and_fields() -> None:
    told_of = event_rows()
    ended = " ".join(row[0] for row in rows(section("logs.md", "`call.ended`")))
    for event, level, fields in emitted():
        row = told_of[event]
        assert level in row[1].split(", "), f"{event}: {level}"
        where = row[2] + row[3] + (ended if event == log.CALL_ENDED else "")
        for field in fields - {"exc_info"}:
            assert f"`{field}`" in where, f"{event}: {field}"


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
REQUEST: TypeAdapter[object] = TypeAdapter(control.Request)


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
        case "log":
            assert table["event"] in EVENTS.values()
            assert {"time", "level"} <= set(table)
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
