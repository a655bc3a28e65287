"""A campaign's call as entries of AstDB: what each kind of node becomes, that AMI carries it, and that nothing leads astray."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ami.encode import LINE_LIMIT, message
from engine.campaign import Campaign
from engine.flow.actions import END, HANGUP
from engine.flow.compiled import (
    LONGEST_DIRECTORY,
    Entries,
    compile_flow,
    opt_out_keys,
    version,
)
from engine.intake.placing import SPOKEN
from tests.flow.flows import campaign, campaigns

AMD = "2000,700,4200,2000,900,1500"
"""What a campaign that says nothing about detection gets: ms, and the loudness."""
DIALPLAN = (Path(__file__).parents[2] / "dialplans" / "volley.conf").read_text(encoding="utf-8")


def compiled(found: Campaign, spoken: Mapping[str, str] | None = None) -> Entries:
    """Prompt `x.wav` is placed as `x`."""
    names = {file: file.removesuffix(".wav") for file in found.prompts()}
    return compile_flow(found, names, spoken or {}, 60.0)


def node(entries: Entries, name: str) -> dict[str, str]:
    begin = f"n/{name}/"
    return {key.removeprefix(begin): value for key, value in entries.items() if key.startswith(begin)}


def with_node(table: dict[str, Any]) -> dict[str, str]:
    """The entries of node `a`; key 1 of the first menu leads there."""
    return node(compiled(campaign(menu={"keys": {"1": "go:a"}}, nodes={"a": table})), "a")


# -- the call ----------------------------------------------------------------------------------------------------------


def test_a_small_campaign() -> None:
    assert compiled(campaign()) == {
        "max": "60",
        "amd": AMD,
        "human": "message",
        "machine": "hangup",
        "unsure": "message",
        "n/message/type": "menu",
        "n/message/timeout": "4",
        "n/message/rounds": "2",
        "n/message/prompts/1": "files:{sounds}/hello",
        "n/message/again/1": "files:{sounds}/hello",
        "n/message/key/2": "callback:3600",
        "n/message/key/9": "optout",
    }


def test_message_and_menu_are_one_node() -> None:
    found = compiled(
        campaign(
            menu={
                "prompts": ["press.wav", {"say": "date", "field": "DUE"}], "timeout": "2.5s", "repeats": 0,
                "keys": {"1": "transfer:desk", "0": "never_again"},
            },
        )
    )  # fmt: skip
    assert node(found, "message") == {
        "type": "menu", "timeout": "2.5", "rounds": "1", "reserve": "desk",
        "prompts/1": "files:{sounds}/hello&{sounds}/press", "prompts/2": "date:DUE",
        "again/1": "files:{sounds}/press", "again/2": "date:DUE",
        "key/1": "transfer:desk", "key/0": "optout",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("amd", "found"),
    [
        ({}, {"amd": AMD, "human": "message", "machine": "hangup", "unsure": "message"}),
        ({"machine": "message"}, {"amd": AMD, "human": "message", "machine": "message", "unsure": "message"}),
        ({"machine": "voicemail"}, {"amd": AMD, "human": "message", "machine": "voicemail", "unsure": "message"}),
        ({"enabled": False}, {"amd": "off", "human": "message", "machine": "hangup", "unsure": "message"}),
        ({"hush": "1.5s", "longest": 3, "noise": "1s", "pause": "0.65s", "loudness": 500},
         {"amd": "1500,650,3000,1000,500,1500", "human": "message", "machine": "hangup", "unsure": "message"}),
        ({"beep": "1.2s"}, {"amd": "2000,700,4200,2000,900,1200"}),
        ({"detector": False}, {"amd": "2000,700,4200,2000,900,0"}),
        ({"enabled": False, "longest": 3}, {"amd": "off", "human": "message", "machine": "hangup", "unsure": "message"}),
    ],
)  # fmt: skip
def test_what_the_detection_leads_to(amd: dict[str, Any], found: dict[str, str]) -> None:
    entries = compiled(campaign(amd=amd, voicemail={"prompts": ["after-the-beep.wav"]}))
    assert {key: entries[key] for key in found} == found
    assert node(entries, "voicemail") == {
        "type": "voicemail", "prompts/1": "files:{sounds}/after-the-beep",
    }  # fmt: skip


@pytest.mark.parametrize(("machine", "leads"), [("hangup", "hangup"), ("message", "own")])
def test_a_context_of_one_s_own(machine: str, leads: str) -> None:
    found = compiled(campaign(context="my-survey", amd={"machine": machine}))
    assert (found["human"], found["unsure"], found["machine"]) == ("own", "own", leads)
    assert {key: value for key, value in found.items() if key.startswith("n/")} == {
        "n/own/type": "own",
        "n/own/context": "my-survey",
    }


def test_what_comes_with_volley_is_spoken_unless_the_campaign_has_its_own() -> None:
    theirs = {what: f"en/{name}" for what, name in SPOKEN.items()}
    plain = compiled(campaign(say={"optout": "bye.wav", "tone": "beep.wav"}), theirs)
    said = {key.removeprefix("say/"): value for key, value in plain.items() if key.startswith("say/")}
    assert said == {
        "optout": "{sounds}/bye", "tone": "{sounds}/beep", "answer": "{sounds}/en/goodbye", "callback": "{sounds}/en/call-back",
        "callback_at": "{sounds}/en/call-back-at", "invalid": "{sounds}/en/invalid-key", "transfer": "{sounds}/en/connecting",
        "nobody": "{sounds}/en/nobody-free",
    }  # fmt: skip
    amounts = compiled(campaign(menu={"prompts": [{"say": "amount", "field": "SUM"}]}), theirs)
    assert amounts["say/units_eur"] == "{sounds}/en/units-eur"
    assert len([key for key in amounts if key.startswith(("say/units_", "say/cents_"))]) == 12


# -- each kind of node -------------------------------------------------------------------------------------------------


def test_a_menu() -> None:
    found = with_node(
        {
            "kind": "menu", "prompts": ["a.wav"], "again": ["b.wav"], "timeout": "3s", "repeats": 2, "silence": "end",
            "keys": {"1": "end", "2": "repeat", "3": {"action": "transfer", "to": "desk", "otherwise": "message"}},
        }
    )  # fmt: skip
    assert found == {
        "type": "menu", "prompts/1": "files:{sounds}/a", "again/1": "files:{sounds}/b", "timeout": "3", "rounds": "3",
        "silence": "end", "reserve": "desk", "key/1": "end", "key/2": "repeat", "key/3": "transfer:desk:message", "key/9": "optout",
    }  # fmt: skip


def test_a_question_is_a_menu() -> None:
    table = {
        "kind": "question",
        "prompts": ["a.wav"],
        "answers": {"1": "yes"},
        "then": "end",
        "barge_in": False,
    }
    assert with_node({**table, "never_again": "0"}) == {
        "type": "menu", "barge": "no", "prompts/1": "files:{sounds}/a", "again/1": "files:{sounds}/a", "timeout": "4", "rounds": "2",
        "key/1": "answer:yes:end", "key/0": "optout",
    }  # fmt: skip


def test_digits() -> None:
    table = {"kind": "digits", "prompts": ["a.wav"], "min": 6, "max": 8, "then": "end"}
    plain = {
        "type": "digits", "prompts/1": "files:{sounds}/a", "again/1": "files:{sounds}/a", "min": "6", "max": "8", "timeout": "5",
        "rounds": "3", "then": "end",
    }  # fmt: skip
    assert with_node(table) == plain
    assert with_node({**table, "check": ["right.wav"], "silence": "message"}) == {
        **plain, "check/1": "files:{sounds}/right", "silence": "message",
    }  # fmt: skip


def test_a_message() -> None:
    assert with_node({"kind": "message", "prompts": ["a.wav"], "then": "end"}) == {
        "type": "message", "barge": "no", "prompts/1": "files:{sounds}/a", "then": "end",
    }  # fmt: skip


def test_a_recording() -> None:
    table = {"kind": "record", "consent": ["may.wav"], "prompts": ["a.wav"], "keep": "30d", "then": "end"}
    plain = {
        "type": "record", "consent/1": "files:{sounds}/may", "prompts/1": "files:{sounds}/a", "max": "60", "silence_ends": "3",
        "timeout": "5", "then": "end", "refused": "end",
    }  # fmt: skip
    assert with_node(table) == plain
    assert with_node({**table, "refused": "message", "max": "90s"}) == {
        **plain,
        "refused": "message",
        "max": "90",
    }
    recording = campaign(menu={"keys": {"1": "go:a"}}, nodes={"a": table})
    assert compiled(recording)["recordings"] == "{recordings}"
    assert "recordings" not in compiled(campaign())


def test_a_transfer() -> None:
    assert with_node({"kind": "transfer", "to": "desk"}) == {
        "type": "transfer", "barge": "no", "to": "desk", "reserve": "desk",
    }  # fmt: skip
    assert with_node({"kind": "transfer", "to": "desk", "prompts": ["a.wav"], "otherwise": "message"}) == {
        "type": "transfer", "barge": "no", "to": "desk", "reserve": "desk", "prompts/1": "files:{sounds}/a", "otherwise": "message",
    }  # fmt: skip


def test_a_callback() -> None:
    plain = {
        "type": "callback", "prompts/1": "files:{sounds}/a", "again/1": "files:{sounds}/a", "timeout": "5", "rounds": "3",
    }  # fmt: skip
    assert with_node({"kind": "callback", "prompts": ["a.wav"]}) == plain
    assert with_node({"kind": "callback", "prompts": ["a.wav"], "start": "message", "silence": "end"}) == {
        **plain, "start": "message", "silence": "end",
    }  # fmt: skip


# -- parts -------------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["files", "date"]), min_size=1, max_size=40), st.integers(1, LONGEST_DIRECTORY)
)
def test_parts_are_the_prompts_in_their_order_and_each_fits_an_ami_line(
    kinds: list[str], length: int
) -> None:
    """Placed names are as long as the engine makes them, and directories of any length up to the longest."""
    prompts: list[Any] = [
        f"{at}.wav" if kind == "files" else {"say": kind, "field": f"F{at}"} for at, kind in enumerate(kinds)
    ]
    found = campaign(message={"prompts": prompts})
    names = {f"{at}.wav": f"prompt-{at:032x}" for at in range(len(kinds))}
    flow = compile_flow(found, names, {}, 60.0)
    parts = node(flow, "message")
    listed = [parts[f"prompts/{at}"] for at in range(1, sum(key.startswith("prompts/") for key in parts) + 1)]
    heard: list[str] = []
    for part in listed:
        what, _, argument = part.partition(":")
        heard += argument.split("&") if what == "files" else [part]
        written = part.replace("{sounds}", "/" * length)
        assert len(message([("Val", written)])) <= LINE_LIMIT + len("\r\n")
    assert heard == [
        f"{{sounds}}/prompt-{at:032x}" if kind == "files" else f"date:F{at}" for at, kind in enumerate(kinds)
    ]
    together = [part for part in listed if part.startswith("files:")]
    assert len(together) <= kinds.count("date") + 1 + kinds.count("files") / 4, "no more parts than needed"


# -- flows by chance ---------------------------------------------------------------------------------------------------

PARAMETERS = {
    "type", "timeout", "rounds", "silence", "then", "min", "max", "refused", "silence_ends", "to", "otherwise", "start", "reserve",
    "barge", "context",
}  # fmt: skip


def test_the_dialplan_documents_every_entry() -> None:
    head = DIALPLAN.partition("\n[volley-call]")[0]
    for word in PARAMETERS:
        assert re.search(rf"\b{word}\b", head), word


@given(campaigns())
def test_no_entry_leads_astray(found: Campaign) -> None:
    entries = compiled(found)
    kinds = {key.split("/")[1]: value for key, value in entries.items() if key.endswith("/type")}
    assert set(kinds) == {"message", *found.nodes}
    assert all(f"\n[volley-{kind}]\n" in DIALPLAN for kind in kinds.values())
    assert {entries[verdict] for verdict in ("human", "machine", "unsure")} <= {*kinds, HANGUP}
    known = {END, *kinds}
    for key, value in entries.items():
        assert value
        assert len(message([("Key", f"{'0' * 16}/{key}"), ("Val", value)])) < LINE_LIMIT
        if not key.startswith("n/"):
            continue
        what, _, digit = key.split("/", 2)[2].partition("/")
        if what == "key":
            action, *arguments = value.split(":")
            assert f"\nexten => {action},1," in DIALPLAN
            at = {"callback": 1, "answer": 1, "confirm": 1, "go": 0, "transfer": 1}.get(action)
            assert at is None or not arguments[at:] or arguments[at] in known
        elif not digit:
            assert what in PARAMETERS
            assert what not in ("then", "silence", "refused", "otherwise", "start") or value in known


@given(campaigns())
def test_a_place_is_taken_wherever_an_agent_is_offered(found: Campaign) -> None:
    entries = compiled(found)
    for name in ("message", *found.nodes):
        here = node(entries, name)
        offered = {
            value.split(":")[1]
            for key, value in here.items()
            if key.startswith("key/") and value.startswith("transfer:")
        }
        if here["type"] == "transfer":
            offered.add(here["to"])
        assert set(filter(None, here.get("reserve", "").split("&"))) == offered


# -- never again -------------------------------------------------------------------------------------------------------


def test_the_keys_that_mean_never_again_node_by_node() -> None:
    found = campaign(
        menu={"keys": {"0": "never_again", "1": "go:menu"}},
        nodes={
            "menu": {"kind": "menu", "prompts": ["a.wav"], "keys": {"1": "go:question", "2": "go:digits", "3": "go:when", "4": "go:agent"}},
            "question": {"kind": "question", "prompts": ["a.wav"], "answers": {"9": "nine"}, "never_again": "*", "then": "end"},
            "digits": {"kind": "digits", "prompts": ["a.wav"], "then": "end"},
            "when": {"kind": "callback", "prompts": ["a.wav"]},
            "told": {"kind": "message", "prompts": ["a.wav"], "then": "end"},
            "story": {"kind": "record", "prompts": ["a.wav"], "consent": ["a.wav"], "keep": "1d", "then": "told"},
            "agent": {"kind": "transfer", "to": "desk", "otherwise": "story"},
        },
    )  # fmt: skip
    assert {name: set(keys) for name, keys in opt_out_keys(found).items()} == {
        "message": {"0"}, "menu": {"9"}, "question": {"*"}, "digits": set(), "when": set(),
    }  # fmt: skip


def test_in_a_context_of_one_s_own_no_key_means_it() -> None:
    """The operator's dialplan knows which key does, and says so by volley-api."""
    assert opt_out_keys(campaign(context="my-survey")) == {"message": frozenset()}


# -- versions ----------------------------------------------------------------------------------------------------------


def test_a_version_is_the_content() -> None:
    one = compiled(campaign())
    assert re.fullmatch("[0-9a-f]{16}", version(one))
    assert version(dict(reversed(one.items()))) == version(one)
    assert version(compiled(campaign(title="Another", owner="Ben, ben@example.org"))) == version(one)
    for more in (
        {"menu": {"repeats": 2}},
        {"message": {"prompts": ["other.wav"]}},
        {"amd": {"enabled": False}},
    ):
        assert version(compiled(campaign(**more))) != version(one)
