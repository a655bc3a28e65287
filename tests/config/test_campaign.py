"""What a campaign's manifest may say, and what it means."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.campaign import Campaign, KeyAction, MenuSettings
from engine.config import problems_of
from engine.dialing.disposition import Disposition
from engine.dialing.retry import DEFAULTS, Rule

ROOT = Path(__file__).parents[2]

SMALL: dict[str, Any] = {
    "id": "spring-2026",
    "owner": "Anna <anna@example.org>",
    "purpose": "informational",
    "caller_id": "+33162000001",
    "message": {"prompts": ["hello.wav"]},
}


def campaign(**more: Any) -> Campaign:
    return Campaign.model_validate({**SMALL, **more})


def problems(**more: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        campaign(**more)
    return {problem.where: problem.what for problem in problems_of(caught.value)}


# -- what is right -----------------------------------------------------------------------------------------------------


def test_a_small_manifest_gets_careful_defaults() -> None:
    found = campaign()
    assert found.caller_id == ("+33162000001",)
    assert (found.priority, found.max_callbacks, found.language) == (50, 3, "en")
    assert (found.retry.max_attempts, found.retry.min_gap) == (3, 900.0)
    assert (found.amd.enabled, found.amd.machine, found.amd.unsure) == (True, "hangup", "message")
    assert {key: action.action for key, action in found.menu.actions.items()} == {
        "2": "call_back",
        "9": "never_again",
    }
    assert found.prompts() == ["hello.wav"]


def test_instants_are_utc_inside() -> None:
    found = campaign(start="2026-12-01T09:00:00+01:00", end=datetime(2026, 12, 2, tzinfo=UTC))
    assert found.start == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert found.start.utcoffset() == UTC.utcoffset(None)


def test_the_examples_in_the_documentation_are_right() -> None:
    text = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
    blocks = re.findall(
        r"^```(toml|json) campaign\.(?:toml|json)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    )
    seen = 0
    for language, block in blocks:
        table = tomllib.loads(block) if language == "toml" else json.loads(block)
        table.pop("contacts", None)
        if "add_to" not in table:
            Campaign.model_validate(table)
            seen += 1
    assert seen >= 2


def test_a_campaign_survives_the_database() -> None:
    """It is stored as JSON and read again at each start."""
    found = campaign(
        start="2026-12-01T09:00:00+01:00",
        window=[{"days": ["mon-fri"], "from": "09:00", "to": "19:00", "timezone": "callee"}],
        retry={"max_attempts": 2, "BUSY": {"delay": "5m", "attempts": 1}, "unknown": "after_gap"},
        menu={"keys": {"1": "confirm", "2": {"action": "call_back", "after": "2h"}}},
        fields=["NAME"],
    )
    again = Campaign.model_validate(json.loads(json.dumps(found.model_dump(mode="json", by_alias=True))))
    assert again == found
    assert again.retry.policy == found.retry.policy


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_every_error_at_once_each_with_its_path() -> None:
    found = problems(
        id="no spaces",
        owner="A",
        purpose="fun",
        priority=101,
        caller_id=["0162000001", "+33162000001"],
        region="France",
        language="French",
        max_channels=0,
        ring_timeout="5s",
        start="2026-12-01T09:00:00",
        window=[{"from": "09:00", "to": "10:00"}, {"days": ["noday"], "from": "x", "to": "10:00"}],
        message={"prompts": []},
        menu={"timeout": "1h"},
        amd={"longest": "20s"},
        fields=["name"],
        colour="red",
    )
    assert set(found) == {
        "id", "owner", "purpose", "priority", "caller_id.0", "region", "language", "max_channels", "ring_timeout", "start",
        "window.1.days", "window.1.from", "message.prompts", "menu.timeout", "amd.longest", "fields.0", "colour",
    }  # fmt: skip
    assert found["colour"] == "there is no such key"
    assert found["caller_id.0"] == "must be a number with + and country code, such as +33162000001"
    assert "offset from UTC" in found["start"]


def test_a_list_whose_one_entry_is_wrong_is_not_told_to_be_empty_too() -> None:
    assert list(problems(caller_id="0162000001")) == ["caller_id.0"]


@pytest.mark.parametrize("missing", sorted(SMALL))
def test_what_a_campaign_cannot_do_without(missing: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Campaign.model_validate({key: value for key, value in SMALL.items() if key != missing})
    where = "(top)" if missing == "message" else missing  # a context may take the message's place
    assert [problem.where for problem in problems_of(caught.value)] == [where]


@pytest.mark.parametrize("table", ["message", "menu", "amd", "say", "voicemail"])
def test_an_unknown_key_is_an_error_in_every_table(table: str) -> None:
    base = {"prompts": ["hello.wav"]} if table in ("message", "voicemail") else {}
    assert problems(**{table: {**base, "surprise": 1}}) == {f"{table}.surprise": "there is no such key"}


@pytest.mark.parametrize(
    ("more", "where", "what"),
    [
        ({"start": "2026-12-02T00:00:00Z", "end": "2026-12-01T00:00:00Z"}, "(top)", "end lies before start"),
        ({"start": "2026-12-01T00:00:00Z", "end": "2026-12-01T00:00:30Z"}, "(top)", "less than a minute"),
        ({"amd": {"machine": "voicemail"}}, "(top)", "no .voicemail."),
        ({"amd": {"unsure": "hangup"}}, "amd.unsure", "message"),
        ({"amd": {"human": "hangup"}}, "amd.human", "message"),
        ({"caller_id": []}, "caller_id", "at least 1"),
        ({"retry": {"min_gap": "0s"}}, "retry.min_gap", "greater than or equal to 1"),
        ({"retry": {"max_attempts": 0}}, "retry.max_attempts", "greater than or equal to 1"),
        ({"retry": {"BUSY": {"attempts": 3}}}, "retry.BUSY.delay", "required"),
        ({"retry": {"ANSWERED": {"delay": 1}}}, "retry", "ANSWERED: no disposition"),
        ({"retry": {"NOT_SENT": {"delay": 1}}}, "retry", "NOT_SENT: no disposition"),
        ({"retry": {"UNKNOWN": {"delay": 1}}}, "retry", "UNKNOWN: no disposition"),
        ({"menu": {"keys": {"9": "confirm"}}}, "menu", "some key must be .never_again."),
        ({"menu": {"keys": {"#": "confirm"}}}, "menu.keys.#.[key]", "pattern"),
        ({"menu": {"keys": {"1": "explode"}}}, "menu.keys.1.action", "never_again"),
        ({"menu": {"keys": {"1": {"action": "answer"}}}}, "menu.keys.1", "label"),
        ({"menu": {"keys": {"1": {"action": "answer", "label": "Yes!"}}}}, "menu.keys.1.label", "pattern"),
        ({"menu": {"keys": {"1": {"action": "confirm", "label": "x),y"}}}}, "menu.keys.1.label", "pattern"),
        ({"message": {"prompts": ["a|b"]}}, "message.prompts.0", "pattern"),
        ({"message": {"prompts": ["a&b"]}}, "message.prompts.0", "pattern"),
        ({"message": {"prompts": ["/etc/passwd"]}}, "message.prompts.0", "pattern"),
        ({"message": {"prompts": ["a\nb"]}}, "message.prompts.0", "pattern"),
        ({"max_callbacks": 11}, "max_callbacks", "less than or equal to 10"),
    ],
)
def test_errors(more: dict[str, Any], where: str, what: str) -> None:
    found = problems(**more)
    assert set(found) - {"message.prompts"} == {
        where
    }  # of a list without a good item pydantic says that it is short, too
    assert re.search(what, found[where]), found[where]


# -- what it means -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "dialplan"),
    [
        ("never_again", "optout"),
        ("call_back", "callback:3600"),
        ({"action": "call_back", "after": "2h"}, "callback:7200"),
        ("confirm", "answer:confirmed"),
        ({"action": "confirm", "label": "agreed"}, "answer:agreed"),
        ({"action": "answer", "label": "yes_2"}, "answer:yes_2"),
        ("repeat", "repeat"),
        ("end", "end"),
    ],
)
def test_keys_as_the_dialplan_knows_them(written: Any, dialplan: str) -> None:
    assert KeyAction.model_validate(written).dialplan == dialplan


@given(
    st.dictionaries(
        st.sampled_from("0123456789*"),
        st.sampled_from(
            ["never_again", "call_back", "confirm", "repeat", "end", {"action": "answer", "label": "yes"}]
        ),
    )
)
def test_there_is_always_a_key_that_means_never_again(keys: dict[str, Any]) -> None:
    try:
        actions = MenuSettings.model_validate({"keys": keys}).actions
    except ValidationError:
        assert "never_again" not in keys.values()
        assert "9" in keys
        return
    assert "never_again" in {action.action for action in actions.values()}
    for key, written in keys.items():
        assert actions[key] == KeyAction.model_validate(written)
    assert set(actions) - set(keys) <= {"2", "9"}


@pytest.mark.parametrize("key", ["0", "1", "9", "*"])
def test_never_again_may_be_any_key(key: str) -> None:
    actions = MenuSettings.model_validate({"keys": {key: "never_again"}}).actions
    assert list(actions) == [key]


def test_retry_rules_become_a_policy() -> None:
    policy = campaign(
        retry={
            "max_attempts": 5,
            "min_gap": "10m",
            "BUSY": {"delay": "5m"},
            "NO_ANSWER": {"delay": 60, "attempts": 0},
        }
    ).retry.policy
    assert (policy.max_attempts, policy.min_gap) == (5, 600.0)
    assert policy.rule(Disposition.BUSY) == Rule(300.0, 5)
    assert policy.rule(Disposition.NO_ANSWER) == Rule(60.0, 0)
    assert policy.rule(Disposition.CONGESTION) == DEFAULTS[Disposition.CONGESTION]
    assert policy.rule(Disposition.UNKNOWN) == DEFAULTS[Disposition.UNKNOWN]


def test_unknown_may_be_tried_again_after_the_gap() -> None:
    policy = campaign(retry={"unknown": "after_gap", "max_attempts": 4, "min_gap": "30m"}).retry.policy
    assert policy.rule(Disposition.UNKNOWN) == Rule(1800.0, 4)


def test_every_prompt_that_is_named_once_each() -> None:
    found = campaign(
        message={"prompts": ["a.wav", "b/c.wav"]},
        menu={"prompts": ["d.wav", "a.wav"]},
        voicemail={"prompts": ["e.wav"]},
        amd={"machine": "voicemail"},
        say={"optout": "f.wav", "invalid": "g.wav"},
    )
    assert found.prompts() == ["a.wav", "b/c.wav", "d.wav", "e.wav", "f.wav", "g.wav"]
