"""Flows as a manifest writes them, some by hand and many by chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter

from engine.campaign import Campaign
from engine.flow.actions import KeyAction
from engine.flow.nodes import Node, Nodes

NODES: TypeAdapter[dict[str, Node]] = TypeAdapter(dict[str, Node])
PROMPT = ["p.wav"]


def nodes(**tables: dict[str, Any]) -> Nodes:
    """`[nodes.<name>]` of a manifest; prompts are filled in where a table has none."""
    return NODES.validate_python({name: _whole(table) for name, table in tables.items()})


def _whole(table: dict[str, Any]) -> dict[str, Any]:
    more = {"consent": PROMPT, "keep": "1d"} if table["kind"] == "record" else {}
    return {"prompts": PROMPT, **more, **table}


def keys(**actions: Any) -> Mapping[str, KeyAction]:
    """`[menu.keys]`: `k1="go:b"` is the key 1."""
    return {name[1:]: KeyAction.model_validate(action) for name, action in actions.items()}


def campaign(**more: Any) -> Campaign:
    """A small campaign with these tables in it."""
    table = {
        "id": "spring",
        "owner": "Anna <anna@example.org>",
        "purpose": "survey",
        "caller_id": "+33162000001",
        "message": {"prompts": ["hello.wav"]},
        **more,
    }
    if table.get("context"):
        del table["message"]
    return Campaign.model_validate(table)


# -- by chance ---------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c", "d", "e")
"""Nodes that a flow by chance may have, and lead to; most flows have not all of them."""
targets = st.sampled_from((*NAMES, "end", "message"))
ways = st.one_of(st.none(), targets)
"""What may be left out."""
prompts = st.lists(
    st.one_of(
        st.sampled_from(["p.wav", "q.wav", "a folder/r.wav"]),
        st.builds(
            lambda say, field: {"say": say, "field": field},
            st.sampled_from(["digits", "letters", "number", "date", "time", "datetime", "amount"]),
            st.sampled_from(["DUE", "SUM"]),
        ),
    ),
    min_size=1,
    max_size=3,
)


def _given(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(values).map(
        lambda table: {key: value for key, value in table.items() if value is not None}
    )


def _is(word: str) -> st.SearchStrategy[str]:
    return st.just(word)


key_tables = st.dictionaries(
    st.sampled_from("1234"),
    st.one_of(
        st.sampled_from(["never_again", "repeat", "end", "confirm", "call_back"]),
        _given(action=_is("answer"), label=st.sampled_from(["yes", "no"]), then=ways),
        _given(action=_is("confirm"), label=st.sampled_from([None, "agreed"]), then=ways),
        _given(action=_is("call_back"), after=st.sampled_from([None, "5m"]), start=ways),
        _given(action=_is("call_back"), at=st.sampled_from(["09:30", "tomorrow 00:00"]), start=ways),
        _given(action=_is("go"), to=targets),
        _given(action=_is("transfer"), to=st.sampled_from(["desk", "support"]), otherwise=ways),
    ),
    min_size=1,
    max_size=4,
)
tables = st.one_of(
    _given(kind=_is("menu"), prompts=prompts, keys=key_tables, silence=ways, barge_in=st.booleans()),
    _given(
        kind=_is("question"),
        prompts=prompts,
        answers=st.dictionaries(st.sampled_from("1234"), st.sampled_from(["yes", "no"]), min_size=1),
        then=targets,
        silence=ways,
    ),
    _given(
        kind=_is("digits"), prompts=prompts, then=targets, silence=ways, check=st.one_of(st.none(), prompts)
    ),
    _given(kind=_is("message"), prompts=prompts, then=targets),
    _given(kind=_is("record"), prompts=prompts, consent=prompts, keep=_is("1d"), then=targets, refused=ways),
    _given(kind=_is("transfer"), prompts=prompts, to=st.sampled_from(["desk", "support"]), otherwise=ways),
    _given(kind=_is("callback"), prompts=prompts, start=ways, silence=ways),
)
flows = st.tuples(
    key_tables.map(lambda table: {key: KeyAction.model_validate(action) for key, action in table.items()}),
    st.dictionaries(st.sampled_from(NAMES), tables, max_size=5).map(NODES.validate_python),
)
"""The keys of the first menu, and nodes; right and wrong ones."""


def _mended(name: str, table: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The table, with what leads into nothing leading to the end, and without a key only to a node after this one."""
    found = dict(table)
    alone = {"silence", "refused", "otherwise", *(["then"] if table["kind"] == "message" else [])}
    for way in ("then", "silence", "refused", "otherwise", "start"):
        target = found.get(way)
        if target in NAMES and (target not in names or (way in alone and target <= name)):
            found[way] = "end"
    if table["kind"] == "record":
        found.setdefault("refused", "end")
    if table["kind"] == "menu":
        found["keys"] = {key: _led(action, names) for key, action in table["keys"].items()}
    return found


def _led(action: Any, names: Collection[str]) -> Any:
    if isinstance(action, str):
        return action
    ways = ("then", "otherwise", "start", *(["to"] if action["action"] == "go" else []))
    return {
        key: "end" if key in ways and word in NAMES and word not in names else word
        for key, word in action.items()
    }


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    """A campaign whose flow has nothing wrong with it; a key of its first menu leads to each node."""
    made = draw(st.dictionaries(st.sampled_from(NAMES), tables, max_size=5))
    first = {key: _led(action, made) for key, action in draw(key_tables).items()}
    first |= {key: f"go:{name}" for key, name in zip("56780", made, strict=False)}
    return campaign(
        menu={"keys": first}, nodes={name: _mended(name, table, made) for name, table in made.items()}
    )
