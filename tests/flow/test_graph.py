"""A flow as a graph: which node may follow which, and everything that is wrong with that, told at once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from engine.flow.actions import END, MESSAGE, TAKEN, KeyAction
from engine.flow.graph import Edge, callback_starts, edges, problems, transfers, within_a_call
from engine.flow.nodes import Nodes
from tests.flow.flows import campaign, flows, keys, nodes

NO_KEYS: Mapping[str, KeyAction] = {}


def message(then: str) -> dict[str, Any]:
    return {"kind": "message", "then": then}


def menu(silence: str | None = None, **actions: Any) -> dict[str, Any]:
    return {
        "kind": "menu",
        "keys": {key[1:]: action for key, action in (actions or {"k1": "end"}).items()},
        **({"silence": silence} if silence else {}),
    }


# -- edges -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("repeat", [("message", "key 1: repeat")]),
        ("end", [(END, "key 1: end")]),
        ("never_again", [(END, "key 1: never again")]),
        ("confirm", [(END, "key 1: confirm confirmed")]),
        ({"action": "answer", "label": "yes", "then": "a"}, [("a", "key 1: answer yes")]),
        ("go:a", [("a", "key 1")]),
        ("go:end", [(END, "key 1")]),
        ("call_back", [(END, "key 1: call back")]),
        ({"action": "call_back", "start": "a"}, [(END, "key 1: call back"), ("a", "key 1: callback begins")]),
        ("transfer:desk", [(END, "key 1: transfer to desk")]),
        (
            {"action": "transfer", "to": "desk", "otherwise": "a"},
            [(END, "key 1: transfer to desk"), ("a", "key 1: nobody free")],
        ),
    ],
)
def test_where_a_key_leads(key: Any, found: list[tuple[str, str]]) -> None:
    *of_key, silence = edges(keys(k1=key), {})
    assert of_key == [Edge(MESSAGE, target, by, alone=False) for target, by in found]
    assert silence == Edge(MESSAGE, END, "silence", alone=True)


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (menu("b", k1="end"), [(END, "key 1: end", False), (END, "key 9: never again", False), ("b", "silence", True)]),
        (menu(), [(END, "key 1: end", False), (END, "key 9: never again", False), (END, "silence", True)]),
        (
            {"kind": "question", "answers": {"2": "no", "1": "yes"}, "then": "b", "silence": "c"},
            [
                ("b", "key 1: answer yes", False),
                ("b", "key 2: answer no", False),
                (END, "key 9: never again", False),
                ("c", "silence", True),
            ],
        ),
        ({"kind": "digits", "then": "b"}, [("b", "typed", False), (END, "silence", True)]),
        ({"kind": "digits", "then": "b", "silence": "c"}, [("b", "typed", False), ("c", "silence", True)]),
        (message("b"), [("b", "then", True)]),
        ({"kind": "record", "then": "b"}, [("b", "recorded", False), ("b", "refused", True)]),
        ({"kind": "record", "then": "b", "refused": "c"}, [("b", "recorded", False), ("c", "refused", True)]),
        ({"kind": "transfer", "to": "desk"}, [(END, "transfer to desk", False), (END, "nobody free", True)]),
        (
            {"kind": "transfer", "to": "desk", "otherwise": "b"},
            [(END, "transfer to desk", False), ("b", "nobody free", True)],
        ),
        ({"kind": "callback"}, [(END, "typed: call back", False), (END, "silence", True)]),
        (
            {"kind": "callback", "start": "b", "silence": "c"},
            [(END, "typed: call back", False), ("b", "callback begins", False), ("c", "silence", True)],
        ),
    ],
)  # fmt: skip
def test_where_a_node_leads(table: dict[str, Any], found: list[tuple[str, str, bool]]) -> None:
    of_node = [edge for edge in edges(NO_KEYS, nodes(a=table)) if edge.source == "a"]
    assert of_node == [Edge("a", *one) for one in found]


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_the_example_of_the_documentation_is_right() -> None:
    first = keys(k1="go:satisfied", k2={"action": "transfer", "to": "agents", "otherwise": "later"})
    flow = nodes(
        satisfied={"kind": "question", "answers": {"1": "yes"}, "then": "account"},
        account={"kind": "digits", "then": "end"},
        later=menu(k1={"action": "call_back", "start": "agent"}, k2="go:when"),
        when={"kind": "callback", "start": "agent"},
        agent={"kind": "transfer", "to": "agents"},
    )
    assert problems(first, flow) == []


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_a_name_that_means_something_else(name: str) -> None:
    assert f"nodes.{name}: this name means something else: take another" in problems(
        keys(k1=f"go:{name}"), nodes(**{name: message("end")})
    )


@pytest.mark.parametrize(
    ("flow", "what"),
    [
        ({"a": message("b")}, "nodes.a: then leads to 'b', which is no node; known: a, end, message"),
        ({"a": message("voicemail")}, "nodes.a: then leads to 'voicemail', which is no node; known: a, end, message"),
        ({"a": menu("b")}, "nodes.a: silence leads to 'b'"),
        ({"a": menu(k2="go:b")}, "nodes.a: key 2 leads to 'b'"),
        ({"a": {"kind": "question", "answers": {"1": "yes"}, "then": "b"}}, "nodes.a: key 1: answer yes leads to 'b'"),
        ({"a": {"kind": "record", "then": "end", "refused": "b"}}, "nodes.a: refused leads to 'b'"),
        ({"a": {"kind": "transfer", "to": "desk", "otherwise": "b"}}, "nodes.a: nobody free leads to 'b'"),
        ({"a": {"kind": "callback", "start": "b"}}, "nodes.a: callback begins leads to 'b'"),
        ({"a": {"kind": "digits", "then": "b"}}, "nodes.a: typed leads to 'b'"),
    ],
)  # fmt: skip
def test_into_nothing(flow: dict[str, Any], what: str) -> None:
    [problem] = problems(keys(k1="go:a"), nodes(**flow))
    assert problem.startswith(what)


def test_a_key_of_the_first_menu_into_nothing() -> None:
    assert problems(keys(k1="go:b", k2={"action": "call_back", "start": "c"}), {}) == [
        "menu: key 1 leads to 'b', which is no node; known: end, message",
        "menu: key 2: callback begins leads to 'c', which is no node; known: end, message",
    ]


def test_nothing_leads_there() -> None:
    """Two nodes that lead to each other are not reached for that."""
    told = "nothing leads here: name it in a key, then, silence or otherwise, or take it out"
    found = problems(NO_KEYS, nodes(a=message("end"), b=menu(k1="go:c"), c=menu(k1="go:b")))
    assert found == [f"nodes.{name}: {told}" for name in "abc"]


@pytest.mark.parametrize(
    ("flow", "ring"),
    [
        ({"a": message("a")}, "a -> a"),
        ({"a": menu("a")}, "a -> a"),
        ({"a": {"kind": "question", "answers": {"1": "yes"}, "then": "end", "silence": "a"}}, "a -> a"),
        ({"a": {"kind": "digits", "then": "end", "silence": "a"}}, "a -> a"),
        ({"a": {"kind": "record", "then": "a", "refused": "a"}}, "a -> a"),
        ({"a": {"kind": "record", "then": "a"}}, "a -> a"),
        ({"a": {"kind": "transfer", "to": "desk", "otherwise": "a"}}, "a -> a"),
        ({"a": {"kind": "callback", "silence": "a"}}, "a -> a"),
        ({"a": message("b"), "b": menu("c"), "c": message("a")}, "a -> b -> c -> a"),
        ({"a": menu("c"), "b": message("c"), "c": menu("b", k1="go:a")}, "b -> c -> b"),
    ],
)
def test_round_for_ever_without_a_key(flow: dict[str, Any], ring: str) -> None:
    [problem] = problems(keys(k1="go:a"), nodes(**flow))
    assert problem == f"nodes.{ring[0]}: {ring} goes round for ever without a key: let one of them end"


@pytest.mark.parametrize(
    "flow",
    [
        {"a": menu(k1="repeat", k2="go:a")},
        {"a": {"kind": "digits", "then": "a"}},
        {"a": {"kind": "record", "then": "a", "refused": "end"}},
        {"a": {"kind": "callback", "start": "a"}},
        {"a": menu("b"), "b": {"kind": "digits", "then": "a"}},
        {"a": message("message")},
        {"a": {"kind": "transfer", "to": "desk", "otherwise": "b"}, "b": menu(k1="go:a")},
    ],
)
def test_round_by_a_key_is_a_flow(flow: dict[str, Any]) -> None:
    assert problems(keys(k1="go:a"), nodes(**flow)) == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = problems(
        keys(k1="go:gone"),
        nodes(own=message("a"), a=message("b"), b=message("a"), c=menu("gone"), d=message("d")),
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "nodes.own", "menu", "nodes.c", "nodes.a", "nodes.b", "nodes.c", "nodes.d", "nodes.a", "nodes.d",
    ]  # fmt: skip


def test_a_campaign_tells_them_with_what_else_is_wrong() -> None:
    with pytest.raises(ValidationError) as caught:
        campaign(context="my-survey", menu={"keys": {"1": "go:a"}}, message={"prompts": ["hello.wav"]})
    assert "menu: key 1 leads to 'a'" in str(caught.value)
    assert "would never be heard" in str(caught.value)


# -- against another way to reckon it ----------------------------------------------------------------------------------


@given(flows)
def test_problems_are_those_and_no_others(flow: tuple[Mapping[str, KeyAction], Nodes]) -> None:
    first, flow_nodes = flow
    every = edges(first, flow_nodes)
    found = problems(first, flow_nodes)

    nowhere = [one for one in found if "which is no node" in one]
    assert len(nowhere) == sum(edge.target not in {*flow_nodes, END, MESSAGE} for edge in every)

    unreached = {one.partition(":")[0] for one in found if "nothing leads here" in one}
    heard = {MESSAGE}
    for _ in range(len(flow_nodes) + 1):
        heard |= {edge.target for edge in every if edge.source in heard}
    assert unreached == {f"nodes.{name}" for name in flow_nodes if name not in heard}

    rings = [one for one in found if "goes round" in one]
    alone = {(edge.source, edge.target) for edge in every if edge.alone}
    left = set(flow_nodes)
    while ended := {name for name in left if not any(pair[0] == name and pair[1] in left for pair in alone)}:
        left -= ended  # whoever waits long enough there comes to an end
    assert bool(rings) == bool(left)
    for ring in rings:
        trail = ring.partition(": ")[2].partition(" goes round")[0].split(" -> ")
        assert trail[0] == trail[-1]
        assert set(pairwise(trail)) <= alone
        assert left.issuperset(trail), "each ring is told once, and shares no node with another"
        left -= set(trail)

    assert len(found) == len(nowhere) + len(unreached) + len(rings)


# -- transfers ---------------------------------------------------------------------------------------------------------


def test_which_nodes_may_connect_with_whom() -> None:
    first = keys(k1="transfer:desk", k2="go:a", k3={"action": "transfer", "to": "support", "otherwise": "b"})
    flow = nodes(
        a=menu(k1="transfer:support"),
        b={"kind": "transfer", "to": "desk"},
        c={"kind": "transfer", "to": "night"},
        d={"kind": "question", "answers": {"1": "yes"}, "then": "c"},
    )
    assert transfers(first, flow) == {"desk": {MESSAGE, "b"}, "support": {MESSAGE, "a"}, "night": {"c"}}
    assert transfers(NO_KEYS, {}) == {}


def test_what_a_callback_begins_with_is_another_call() -> None:
    first = keys(
        k1="transfer:desk", k2={"action": "call_back", "after": "1h", "start": "agent"}, k3="go:when"
    )
    flow = nodes(
        agent={"kind": "transfer", "to": "support", "otherwise": "sorry"},
        sorry={"kind": "message", "prompts": ["sorry.wav"], "then": "end"},
        when={"kind": "callback", "prompts": ["when.wav"], "start": "night"},
        night={"kind": "transfer", "to": "night"},
    )
    assert callback_starts(first, flow) == {"agent", "night"}
    assert within_a_call(first, flow, MESSAGE) == {MESSAGE, END, "when"}
    assert within_a_call(first, flow, "agent") == {"agent", "sorry", END}


@given(flows)
def test_every_edge_of_a_transfer_has_its_target(flow: tuple[Mapping[str, KeyAction], Nodes]) -> None:
    drawn: dict[str, set[str]] = {}
    for edge in edges(*flow):
        _, told, target = edge.by.partition("transfer to ")
        if told:
            drawn.setdefault(target, set()).add(edge.source)
    assert transfers(*flow) == drawn
