"""A flow as a graph: which node may follow which, and what is wrong with that. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.flow.actions import END, MESSAGE, TAKEN, KeyAction
from engine.flow.nodes import (
    CallbackNode,
    DigitsNode,
    MenuNode,
    MessageNode,
    Node,
    Nodes,
    QuestionNode,
    RecordNode,
    TransferNode,
)

BEGINS = "callback begins"
"""By what an edge is followed that leads into another call."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One node may be followed by another. `target` may be END."""

    source: str
    target: str
    by: str
    """`key 1`, `then`, `silence`, `refused`, `nobody free`, `callback`."""
    alone: bool
    """It is taken without the callee doing anything."""


def edges(first: Mapping[str, KeyAction], nodes: Nodes) -> list[Edge]:
    """Every edge of a flow. `first`: the keys of the node MESSAGE."""
    found = list(_of_keys(MESSAGE, first))
    found.append(Edge(MESSAGE, END, "silence", True))
    for name, node in nodes.items():
        found += _of_node(name, node)
    return found


def _of_keys(source: str, keys: Mapping[str, KeyAction]) -> Iterator[Edge]:
    for key, action in sorted(keys.items()):
        match action.action:
            case "repeat":
                yield Edge(source, source, f"key {key}: repeat", False)
            case "transfer":
                yield Edge(source, END, f"key {key}: transfer to {action.to}", False)
                if action.otherwise:
                    yield Edge(source, action.otherwise, f"key {key}: nobody free", False)
            case "call_back":
                yield Edge(source, END, f"key {key}: call back", False)
                if action.start:
                    yield Edge(source, action.start, f"key {key}: {BEGINS}", False)
            case "go":
                yield Edge(source, action.to or END, f"key {key}", False)
            case word:
                label = f" {action.label or 'confirmed'}" if word in ("answer", "confirm") else ""
                yield Edge(source, action.then or END, f"key {key}: {word.replace('_', ' ')}{label}", False)


def _of_node(name: str, node: Node) -> Iterator[Edge]:
    match node:
        case MenuNode() | QuestionNode():
            yield from _of_keys(name, node.actions)
            yield Edge(name, node.silence or END, "silence", True)
        case DigitsNode():
            yield Edge(name, node.then, "typed", False)
            yield Edge(name, node.silence or END, "silence", True)
        case MessageNode():
            yield Edge(name, node.then, "then", True)
        case RecordNode():
            yield Edge(name, node.then, "recorded", False)
            yield Edge(name, node.refused or node.then, "refused", True)
        case TransferNode():
            yield Edge(name, END, f"transfer to {node.to}", False)
            yield Edge(name, node.otherwise or END, "nobody free", True)
        case CallbackNode():
            yield Edge(name, END, "typed: call back", False)
            if node.start:
                yield Edge(name, node.start, BEGINS, False)
            yield Edge(name, node.silence or END, "silence", True)


def problems(first: Mapping[str, KeyAction], nodes: Nodes) -> list[str]:
    """What is wrong with a flow as a whole: names, edges into nothing, nodes that nothing leads to, and loops in which nobody
    presses a key."""
    found = [f"nodes.{name}: this name means something else: take another" for name in nodes if name in TAKEN]
    known = {MESSAGE, END, *nodes}
    every = edges(first, nodes)
    found += [
        f"{_where(edge.source)}: {edge.by} leads to {edge.target!r}, which is no node; known: "
        + ", ".join(sorted(known))
        for edge in every
        if edge.target not in known
    ]
    reached = _reached(every, MESSAGE)
    found += [
        f"nodes.{name}: nothing leads here: name it in a key, then, silence or otherwise, or take it out"
        for name in nodes
        if name not in reached and name not in TAKEN
    ]
    found += [
        f"nodes.{loop[0]}: "
        + " -> ".join((*loop, loop[0]))
        + " goes round for ever without a key: let one of them end"
        for loop in _loops([edge for edge in every if edge.alone and edge.target in nodes])
    ]
    return found


def _where(name: str) -> str:
    return "menu" if name == MESSAGE else f"nodes.{name}"


def _reached(every: list[Edge], start: str) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for edge in every:
            if edge.source == here and edge.target not in seen:
                seen.add(edge.target)
                todo.append(edge.target)
    return seen


def _loops(alone: list[Edge]) -> Iterator[list[str]]:
    """Loops that share no node, each once."""
    while loop := _loop(alone):
        yield loop
        alone = [edge for edge in alone if edge.source not in loop and edge.target not in loop]


def _loop(alone: list[Edge]) -> list[str]:
    """The nodes of a loop, in order; empty when there is none."""
    follows: dict[str, list[str]] = {}
    for edge in alone:
        follows.setdefault(edge.source, []).append(edge.target)
    for start in sorted(follows):
        trail: dict[str, str | None] = {start: None}
        todo = [start]
        while todo:
            here = todo.pop()
            for target in follows.get(here, ()):
                if target == start:
                    return _trail(trail, here)
                if target not in trail:
                    trail[target] = here
                    todo.append(target)
    return []


def _trail(trail: Mapping[str, str | None], last: str) -> list[str]:
    found = []
    here: str | None = last
    while here is not None:
        found.append(here)
        here = trail[here]
    return found[::-1]


def callback_starts(first: Mapping[str, KeyAction], nodes: Nodes) -> frozenset[str]:
    """The nodes with which a callback may begin."""
    return frozenset(edge.target for edge in edges(first, nodes) if edge.by.endswith(BEGINS))


def within_a_call(first: Mapping[str, KeyAction], nodes: Nodes, start: str) -> set[str]:
    """The nodes that one call may come to which begins with `start`; what a callback begins with is another call's."""
    return _reached([edge for edge in edges(first, nodes) if not edge.by.endswith(BEGINS)], start)


def transfers(first: Mapping[str, KeyAction], nodes: Nodes) -> dict[str, set[str]]:
    """Which nodes may connect with which transfer target: target -> nodes."""
    found: dict[str, set[str]] = {}
    for name, keys in (
        (MESSAGE, first),
        *((name, node.actions) for name, node in nodes.items() if isinstance(node, MenuNode)),
    ):
        for action in keys.values():
            if action.action == "transfer" and action.to:
                found.setdefault(action.to, set()).add(name)
    for name, node in nodes.items():
        if isinstance(node, TransferNode):
            found.setdefault(node.to, set()).add(name)
    return found
