"""The nodes of a flow as a manifest writes them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from engine.config import problems_of
from engine.flow.nodes import (
    KINDS,
    CallbackNode,
    DigitsNode,
    MenuNode,
    MessageNode,
    QuestionNode,
    RecordNode,
    TransferNode,
    speaks,
)
from engine.flow.prompts import Said, files, said
from tests.flow.flows import NODES, nodes

SMALLEST: dict[str, tuple[type, dict[str, Any]]] = {
    "menu": (MenuNode, {"prompts": ["p.wav"], "keys": {"1": "end"}}),
    "question": (QuestionNode, {"prompts": ["p.wav"], "answers": {"1": "yes"}, "then": "end"}),
    "digits": (DigitsNode, {"prompts": ["p.wav"], "then": "end"}),
    "message": (MessageNode, {"prompts": ["p.wav"], "then": "end"}),
    "record": (RecordNode, {"consent": ["c.wav"], "prompts": ["p.wav"], "keep": "1h", "then": "end"}),
    "transfer": (TransferNode, {"to": "desk"}),
    "callback": (CallbackNode, {"prompts": ["p.wav"]}),
}


def problems(table: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        NODES.validate_python({"a": table})
    return {problem.where: problem.what for problem in problems_of(caught.value)}


def test_every_kind_is_told_apart_by_its_word() -> None:
    assert tuple(SMALLEST) == KINDS
    for kind, (cls, table) in SMALLEST.items():
        [node] = NODES.validate_python({"a": {"kind": kind, **table}}).values()
        assert type(node) is cls
        assert NODES.validate_python(NODES.dump_python({"a": node}, mode="json")) == {"a": node}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_cannot_do_without(kind: str) -> None:
    _, table = SMALLEST[kind]
    for missing in table:
        found = problems({"kind": kind, **{key: value for key, value in table.items() if key != missing}})
        assert found == {f"a.{missing}": "Field required"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_key_is_an_error_in_every_kind(kind: str) -> None:
    assert problems({"kind": kind, **SMALLEST[kind][1], "surprise": 1}) == {
        "a.surprise": "there is no such key"
    }


@pytest.mark.parametrize("table", [{}, {"kind": "jump"}, {"kind": 5}, {"kind": None}, "menu", None])
def test_no_kind_is_told_with_the_ones_that_there_are(table: Any) -> None:
    assert problems(table) == {"a": "kind must be one of " + ", ".join(KINDS)}


def test_defaults() -> None:
    found = nodes(
        m={"kind": "menu", "keys": {"1": "end"}}, q={"kind": "question", "answers": {"1": "yes"}, "then": "end"},
        d={"kind": "digits", "then": "end"}, r={"kind": "record", "then": "end"}, c={"kind": "callback"},
    )  # fmt: skip
    menu, question, digits, record, callback = found.values()
    assert (menu.timeout, menu.repeats, menu.barge_in, menu.again, menu.silence) == (4.0, 1, True, (), None)
    assert (question.timeout, question.repeats, question.barge_in, question.never_again) == (
        4.0,
        1,
        True,
        "9",
    )
    assert (digits.min, digits.max, digits.check, digits.timeout, digits.repeats) == (1, 20, (), 5.0, 2)
    assert (record.max, record.silence_ends, record.timeout, record.refused) == (60.0, 3.0, 5.0, None)
    assert (callback.timeout, callback.repeats, callback.start, callback.silence) == (5.0, 2, None, None)


@pytest.mark.parametrize(
    ("kind", "more", "where", "what"),
    [
        ("menu", {"prompts": []}, "a.prompts", "name at least one prompt"),
        ("menu", {"keys": {}}, "a.keys", "at least 1"),
        ("menu", {"keys": {"9": "end"}}, "a", "some key must be .never_again."),
        ("menu", {"keys": {"#": "end"}}, "a.keys.#.[key]", "pattern"),
        ("menu", {"timeout": "500s"}, "a.timeout", "less than or equal to 30"),
        ("menu", {"timeout": 0.5}, "a.timeout", "greater than or equal to 1"),
        ("menu", {"repeats": 6}, "a.repeats", "less than or equal to 5"),
        ("menu", {"silence": "End"}, "a.silence", "pattern"),
        ("question", {"answers": {}}, "a.answers", "at least 1"),
        ("question", {"answers": {"1": "Yes"}}, "a.answers.1", "pattern"),
        ("question", {"answers": {"1": "hung_up"}}, "a", "'hung_up' is a word of Volley's own"),
        ("question", {"answers": {"9": "nine"}}, "a", "key 9 is an answer and never again at once"),
        ("question", {"answers": {"0": "no"}, "never_again": "0"}, "a", "key 0 is an answer and never again at once"),
        ("question", {"never_again": "99"}, "a.never_again", "pattern"),
        ("digits", {"min": 5, "max": 4}, "a", "min is larger than max"),
        ("digits", {"min": 0}, "a.min", "greater than or equal to 1"),
        ("digits", {"max": 41}, "a.max", "less than or equal to 40"),
        ("record", {"consent": []}, "a.consent", "name at least one prompt"),
        ("record", {"keep": "59m"}, "a.keep", "greater than or equal to 3600"),
        ("record", {"max": "1s"}, "a.max", "greater than or equal to 2"),
        ("record", {"max": "601s"}, "a.max", "less than or equal to 600"),
        ("record", {"silence_ends": "31s"}, "a.silence_ends", "less than or equal to 30"),
        ("transfer", {"to": "a desk"}, "a.to", "pattern"),
        ("transfer", {"otherwise": "x" * 33}, "a.otherwise", "pattern"),
        ("callback", {"start": "Agent"}, "a.start", "pattern"),
    ],
)  # fmt: skip
def test_errors(kind: str, more: dict[str, Any], where: str, what: str) -> None:
    found = problems({"kind": kind, **SMALLEST[kind][1], **more})
    assert list(found) == [where]
    assert re.search(what, found[where]), found


def test_every_error_of_every_node_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        NODES.validate_python(
            {
                "a": {"kind": "digits", "prompts": [], "min": 0, "then": "END"},
                "b": {
                    "kind": "question",
                    "prompts": ["p.wav"],
                    "answers": {"9": "nine", "1": "heard"},
                    "then": "a",
                },
                "c": {"kind": "never"},
            }
        )
    found = {problem.where: problem.what for problem in problems_of(caught.value)}
    assert set(found) == {"a.prompts", "a.min", "a.then", "b", "c"}
    assert found["b"].count("; ") == 1, "both that is wrong with it"


def test_a_question_is_a_menu_of_answers() -> None:
    [node] = nodes(
        q={"kind": "question", "answers": {"1": "yes", "2": "no"}, "never_again": "*", "then": "more"}
    ).values()
    assert isinstance(node, QuestionNode)
    assert {key: action.dialplan for key, action in node.actions.items()} == {
        "1": "answer:yes:more",
        "2": "answer:no:more",
        "*": "optout",
    }


def test_a_menu_has_a_key_for_never_again() -> None:
    [node] = nodes(m={"kind": "menu", "keys": {"1": "end"}}).values()
    assert isinstance(node, MenuNode)
    assert {key: action.dialplan for key, action in node.actions.items()} == {"1": "end", "9": "optout"}


# -- prompts -----------------------------------------------------------------------------------------------------------


def test_everything_that_a_node_speaks_in_its_order() -> None:
    due = {"say": "date", "field": "DUE"}
    found = nodes(
        m={"kind": "menu", "prompts": ["m.wav", due], "again": ["again.wav"], "keys": {"1": "end"}},
        q={"kind": "question", "prompts": ["q.wav"], "again": ["again.wav"], "answers": {"1": "yes"}, "then": "end"},
        d={"kind": "digits", "prompts": ["d.wav"], "again": ["again.wav"], "check": ["check.wav"], "then": "end"},
        e={"kind": "message", "prompts": ["e.wav"], "then": "end"},
        r={"kind": "record", "consent": ["may.wav"], "prompts": ["r.wav"], "then": "end"},
        t={"kind": "transfer", "prompts": [], "to": "desk"},
        c={"kind": "callback", "prompts": ["c.wav"], "again": ["again.wav"]},
    )  # fmt: skip
    spoken = {name: speaks(node) for name, node in found.items()}
    assert spoken == {
        "m": ("m.wav", Said(say="date", field="DUE"), "again.wav"), "q": ("q.wav", "again.wav"),
        "d": ("d.wav", "again.wav", "check.wav"), "e": ("e.wav",), "r": ("may.wav", "r.wav"), "t": (), "c": ("c.wav", "again.wav"),
    }  # fmt: skip
    assert files(spoken["m"]) == ["m.wav", "again.wav"]
    assert said(spoken["m"]) == [Said(say="date", field="DUE")]


@pytest.mark.parametrize(
    ("prompt", "where"),
    [
        ("a&b.wav", "a.prompts.0"),
        ("a|b.wav", "a.prompts.0"),
        ("a,b.wav", "a.prompts.0"),
        ("/etc/passwd", "a.prompts.0"),
        ("a//b.wav", "a.prompts.0"),
        ("a\nb.wav", "a.prompts.0"),
        ("x" * 201, "a.prompts.0"),
        ("", "a.prompts.0"),
        (5, "a.prompts.0"),
        ({"say": "date"}, "a.prompts.0.field"),
        ({"say": "date", "field": "due"}, "a.prompts.0.field"),
        ({"say": "date", "field": "X" * 33}, "a.prompts.0.field"),
        ({"say": "shout", "field": "DUE"}, "a.prompts.0.say"),
        ({"say": "date", "field": "DUE", "loud": True}, "a.prompts.0.loud"),
    ],
)
def test_prompts_that_cannot_be(prompt: Any, where: str) -> None:
    found = problems({"kind": "message", "prompts": [prompt], "then": "end"})
    assert set(found) - {"a.prompts"} == {where}, found
