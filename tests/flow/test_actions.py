"""What a key does: every way to write it, what the dialplan makes of it, and every way to write it wrongly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.config import problems_of
from engine.flow.actions import RESULTS, TAKEN, KeyAction, with_never_again

DIALPLAN = (Path(__file__).parents[2] / "dialplans" / "volley.conf").read_text(encoding="utf-8")

# as it is written -> as the dialplan knows it, and the nodes that it may lead to
WRITTEN: list[tuple[Any, str, dict[str, str]]] = [
    ("never_again", "optout", {}),
    ("repeat", "repeat", {}),
    ("end", "end", {}),
    ("confirm", "answer:confirmed", {}),
    ({"action": "confirm", "label": "agreed"}, "answer:agreed", {}),
    ({"action": "confirm", "then": "more"}, "confirm:confirmed:more", {"": "more"}),
    ({"action": "confirm", "label": "agreed", "then": "end"}, "confirm:agreed:end", {}),
    ({"action": "answer", "label": "yes"}, "answer:yes", {}),
    ({"action": "answer", "label": "yes", "then": "more"}, "answer:yes:more", {"": "more"}),
    ({"action": "answer", "label": "1", "then": "end"}, "answer:1:end", {}),
    ("call_back", "callback:3600", {}),
    ({"action": "call_back", "after": "90s"}, "callback:90", {}),
    ({"action": "call_back", "after": 0}, "callback:0", {}),
    ({"action": "call_back", "start": "agent"}, "callback:3600:agent", {}),
    ({"action": "call_back", "at": "09:05"}, "callback:at0905", {}),
    ({"action": "call_back", "at": "tomorrow 23:59", "start": "agent"}, "callback:at2359+1:agent", {}),
    ("go:more", "go:more", {"": "more"}),
    ("go:end", "go:end", {}),
    ({"action": "go", "to": "more"}, "go:more", {"": "more"}),
    ("transfer:desk", "transfer:desk", {}),
    ("transfer:Desk-2.a", "transfer:Desk-2.a", {}),
    ({"action": "transfer", "to": "desk", "otherwise": "sorry"}, "transfer:desk:sorry", {"nobody free": "sorry"}),
    ({"action": "transfer", "to": "desk", "otherwise": "end"}, "transfer:desk:end", {}),
]  # fmt: skip


@pytest.mark.parametrize(("written", "dialplan", "targets"), WRITTEN)
def test_every_way_to_write_it(written: Any, dialplan: str, targets: dict[str, str]) -> None:
    action = KeyAction.model_validate(written)
    assert action.dialplan == dialplan
    assert action.targets == targets


def test_the_dialplan_has_an_extension_for_every_action() -> None:
    context = DIALPLAN.partition("\n[volley-do]\n")[2].partition("\n[")[0]
    known = set(re.findall(r"^exten => ([a-z]+),1,", context, re.MULTILINE))
    assert known == {dialplan.partition(":")[0] for _, dialplan, _ in WRITTEN}


def test_a_stored_action_is_read_again_as_it_was() -> None:
    """A campaign is stored as JSON and read again at each start."""
    for written, _, _ in WRITTEN:
        action = KeyAction.model_validate(written)
        assert KeyAction.model_validate(action.model_dump(mode="json")) == action


# as it is written -> the key, and what is told
WRONG: list[tuple[Any, str, str]] = [
    ("explode", "action", "never_again"),
    ("", "action", "never_again"),
    (None, "(top)", "valid dictionary"),
    (5, "(top)", "valid dictionary"),
    ({}, "action", "required"),
    ({"action": "end", "colour": "red"}, "colour", "no such key"),
    ({"action": "answer"}, "(top)", 'an answer needs a label, such as label = "yes"'),
    ({"action": "answer", "label": "Yes"}, "label", "pattern"),
    ({"action": "answer", "label": "ja nein"}, "label", "pattern"),
    ({"action": "answer", "label": "x" * 33}, "label", "pattern"),
    ({"action": "answer", "label": "opted_out"}, "(top)", "'opted_out' is a word of Volley's own"),
    ({"action": "confirm", "label": "partial"}, "(top)", "'partial' is a word of Volley's own"),
    ("go", "(top)", 'go needs to = "...", or "go:..."'),
    ("go:", "to", "pattern"),
    ("go:More", "(top)", "'More' is no name of a node"),
    ("go:more-2", "(top)", "'more-2' is no name of a node"),
    ("transfer", "(top)", 'transfer needs to = "...", or "transfer:..."'),
    ("transfer:", "to", "pattern"),
    ("transfer:a/b", "to", "pattern"),
    ("transfer:a:b", "to", "pattern"),
    ("confirm:yes", "(top)", "to belongs to go and transfer, not to confirm"),
    ({"action": "end", "label": "bye"}, "(top)", "label belongs to answer and confirm, not to end"),
    ({"action": "go", "to": "a", "then": "b"}, "(top)", "then belongs to answer and confirm, not to go"),
    ({"action": "repeat", "after": "1h"}, "(top)", "after belongs to call_back, not to repeat"),
    ({"action": "confirm", "at": "10:00"}, "(top)", "at belongs to call_back, not to confirm"),
    ({"action": "transfer", "to": "desk", "start": "a"}, "(top)", "start belongs to call_back, not to transfer"),
    ({"action": "go", "to": "a", "otherwise": "b"}, "(top)", "otherwise belongs to transfer, not to go"),
    ({"action": "call_back", "after": "1h", "at": "10:00"}, "(top)", "give after or at, not both"),
    ({"action": "call_back", "after": "soon"}, "after", "not a duration"),
    ({"action": "call_back", "at": "24:00"}, "at", "pattern"),
    ({"action": "call_back", "at": "9:30"}, "at", "pattern"),
    ({"action": "call_back", "at": "yesterday 10:00"}, "at", "pattern"),
    ({"action": "call_back", "start": "Agent"}, "start", "pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "where", "what"), WRONG)
def test_every_way_to_write_it_wrongly(written: Any, where: str, what: str) -> None:
    with pytest.raises(ValidationError) as caught:
        KeyAction.model_validate(written)
    [problem] = problems_of(caught.value)
    assert (problem.where, what in problem.what) == (where, True), problem


def test_all_that_is_wrong_with_one_key_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        KeyAction.model_validate(
            {
                "action": "go", "label": "heard", "then": "a", "after": 1, "at": "10:00", "start": "b", "to": "No", "otherwise": "c",
            }
        )  # fmt: skip
    [problem] = problems_of(caught.value)
    assert problem.what.split("; ") == [
        "label belongs to answer and confirm, not to go",
        "then belongs to answer and confirm, not to go",
        "after belongs to call_back, not to go",
        "at belongs to call_back, not to go",
        "start belongs to call_back, not to go",
        "otherwise belongs to transfer, not to go",
        "'heard' is a word of Volley's own: give the answer another label",
        "'No' is no name of a node",
        "give after or at, not both",
    ]


def test_no_word_of_our_own_is_a_label() -> None:
    for word in RESULTS:
        with pytest.raises(ValidationError, match="a word of Volley's own"):
            KeyAction.model_validate({"action": "answer", "label": word})


def test_every_result_that_the_dialplan_names_is_a_word_of_our_own() -> None:
    """Otherwise a campaign's answer could be taken for it."""
    named = set(re.findall(r"volley-report,s,1\(result,([a-z_]+)\)", DIALPLAN))
    named |= set(re.findall(r"\(result,\$\{IF\(\$\[[^]]*\]\?([a-z_]+):", DIALPLAN))
    named |= set(re.findall(r"Set\(VOLLEY_RESULT=([a-z_]+)\)", DIALPLAN))
    assert {"opted_out", "call_back", "heard", "ended", "answered", "nobody_free"} <= named
    assert named <= RESULTS


def test_where_no_node_can_be_named_so() -> None:
    assert {"message", "voicemail", "hangup", "end", "own"} == TAKEN


# -- never again -------------------------------------------------------------------------------------------------------


def action(word: str) -> KeyAction:
    return KeyAction.model_validate(word)


def test_9_is_never_again_where_nothing_else_is() -> None:
    assert with_never_again({}) == {"9": action("never_again")}
    assert with_never_again({"1": action("end")}) == {"1": action("end"), "9": action("never_again")}
    another = {"0": action("never_again"), "9": action("end")}
    assert with_never_again(another) == another


def test_where_9_is_something_else_another_key_must_be_named() -> None:
    with pytest.raises(ValueError, match=r"some key must be .never_again."):
        with_never_again({"9": action("end")})


@given(
    st.dictionaries(st.sampled_from("0123456789*"), st.sampled_from([action(word) for word, _, _ in WRITTEN]))
)
def test_nobody_hears_a_menu_without_a_way_to_say_it(keys: dict[str, KeyAction]) -> None:
    try:
        found = with_never_again(keys)
    except ValueError:
        assert "9" in keys
        return
    assert "never_again" in {one.action for one in found.values()}
    assert {key: found[key] for key in keys} == keys
    assert set(found) - set(keys) <= {"9"}
