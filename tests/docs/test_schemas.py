"""Keys: every key of settings, manifest and requests stands in its page with its default, and the schemas are up to date."""

from __future__ import annotations

import runpy
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from engine import (
    campaign,
    config,
    detector_settings,
    durations,
    hook_settings,
    metrics_settings,
    model,
    operator_settings,
    pbx_settings,
    retention_settings,
    sound_settings,
    trunk_settings,
)
from engine.flow import actions, nodes, prompts
from engine.intake import manifest, source
from engine.rules import hours
from tests.docs.pages import DOCS, REPOSITORY, first_table, rows, section


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
    Table("settings.md", "`[pbx.<name>]`", pbx_settings.PbxSettings),
    Table("settings.md", "`[trunk.<name>]`", trunk_settings.TrunkSettings),
    Table("settings.md", "`prefix_caps`", trunk_settings.PrefixCap),
    Table("settings.md", "`breaker`", trunk_settings.BreakerSettings),
    Table("settings.md", "`[[caller_id]]`", config.CallerIdSettings),
    Table("settings.md", "`[law]`", config.LawSettings),
    Table("settings.md", "`[quiet]`", operator_settings.QuietSettings),
    Table("settings.md", "`[[test_number]]`", operator_settings.TestNumberSettings),
    Table("settings.md", "`[retention]`", retention_settings.RetentionSettings),
    Table("settings.md", "`[transfer.<name>]`", config.TransferSettings),
    Table("settings.md", "`[dialplan]`", config.DialplanSettings),
    Table("settings.md", "`[prompts]`", sound_settings.PromptSettings),
    Table("settings.md", "`[tts]`", sound_settings.TtsSettings),
    Table("settings.md", "`[sounds]`", sound_settings.SoundsSettings),
    Table("settings.md", "`[detector]`", detector_settings.DetectorSettings),
    Table("settings.md", "`[hook.<name>]`", hook_settings.HookSettings),
    Table("settings.md", "`[metrics]`", metrics_settings.MetricsSettings),
    Table("settings.md", "`[defaults]`", config.DefaultSettings),
    Table("settings.md", "A window", hours.Window),
    Table("manifest.md", "The campaign", manifest.CampaignJob),
    Table("manifest.md", "`window`", hours.Window),
    Table("manifest.md", "`[message]`, `[voicemail]`", campaign.MessageSettings),
    Table("manifest.md", "`[message]`, `[voicemail]`", campaign.VoicemailSettings),
    Table("manifest.md", "`[menu]`", campaign.MenuSettings),
    Table("manifest.md", "`[menu.keys]`", campaign.KeyAction),
    Table("flows.md", "`menu`", nodes.MenuNode),
    Table("flows.md", "`question`", nodes.QuestionNode),
    Table("flows.md", "`digits`", nodes.DigitsNode),
    Table("flows.md", "`message`", nodes.MessageNode),
    Table("flows.md", "`record`", nodes.RecordNode),
    Table("flows.md", "`transfer`", nodes.TransferNode),
    Table("flows.md", "`callback`", nodes.CallbackNode),
    Table("flows.md", "Spoken fields", prompts.Said),
    Table("prompts.md", "Spoken texts", prompts.Spoken),
    Table("manifest.md", "`[say]`", campaign.SaySettings),
    Table("manifest.md", "`[emergency]`", campaign.EmergencySettings),
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
    model.Model,
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
        return durations.seconds(value) if isinstance(value, str) else float(value)
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
    for module in (config, campaign, manifest, source, hours, nodes, prompts, actions):
        for item in vars(module).values():
            if (
                isinstance(item, type)
                and issubclass(item, BaseModel)
                and item.__module__.startswith("engine.")
            ):
                assert item in MODELS, f"{item.__name__} has no table in the docs"


def test_every_action_of_a_key_is_told() -> None:
    for word in get_args(actions.KeyAction.model_fields["action"].annotation):
        assert f"`{word}`" in section("manifest.md", "`[menu.keys]`")


# --- schemas ------------------------------------------------------------------------------------------------------------


def test_the_schemas_are_up_to_date() -> None:
    generated = runpy.run_path(str(REPOSITORY / "setup" / "schemas"))["texts"]()
    for name, text in generated.items():
        assert (DOCS / "schema" / name).read_text(encoding="utf-8") == text, (
            f"docs/schema/{name} is out of date: make schemas"
        )
