"""A flow drawn: as text for a terminal, and as Mermaid for documents. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from engine.flow.actions import END, HANGUP, MESSAGE, OWN, VOICEMAIL, KeyAction
from engine.flow.graph import Edge, edges
from engine.flow.nodes import Nodes, speaks
from engine.flow.prompts import Prompts, shown


def mermaid(
    first: Mapping[str, KeyAction],
    nodes: Nodes,
    verdicts: Mapping[str, str],
    spoken: Mapping[str, Prompts],
    context: str | None = None,
) -> str:
    """The flow as a Mermaid flowchart. `verdicts`: what the detection says -> node; `spoken`: prompts of the nodes that are
    none of `nodes` (message, voicemail); `context`: of the operator's, in place of them all."""
    boxes: dict[str, tuple[str, Prompts]] = {MESSAGE: ("menu", spoken.get(MESSAGE, ()))}
    boxes |= {name: (node.kind, speaks(node)) for name, node in nodes.items()}
    every = edges(first, nodes)
    if context is not None:
        boxes, every = {OWN: (f"context {context}", ())}, [Edge(OWN, END, "your dialplan", False)]
    if VOICEMAIL in verdicts.values():
        boxes[VOICEMAIL] = ("voicemail", spoken.get(VOICEMAIL, ()))
    lines = ["flowchart TD", '    answered(["answered"])']
    for name, (kind, prompts) in boxes.items():
        told = "<br/>".join((f"<b>{name}</b> ({kind})", *(_label(shown(one)) for one in prompts)))
        lines.append(f'    {_id(name)}["{told}"]')
    lines.append(f'    {_id(END)}(["end"])')
    ways: dict[tuple[str, str], list[str]] = {}
    for verdict, node in verdicts.items():
        ways.setdefault(("answered", END if node == HANGUP else node), []).append(verdict)
    for edge in every:
        ways.setdefault((edge.source, edge.target), []).append(edge.by)
    if VOICEMAIL in boxes:
        ways[(VOICEMAIL, END)] = ["then"]
    for (source, target), by in ways.items():
        begin = source if source == "answered" else _id(source)
        lines.append(f'    {begin} -->|"{"<br/>".join(by)}"| {_id(target)}')
    return "\n".join(lines) + "\n"


def tree(
    first: Mapping[str, KeyAction], nodes: Nodes, spoken: Mapping[str, Prompts], context: str | None = None
) -> list[str]:
    """The flow as lines of text: each node once, with what it speaks and what follows."""
    if context is not None:
        return [f"{OWN} (context {context})", f"  your dialplan -> {END}"]
    found: list[str] = []
    every = edges(first, nodes)
    todo, seen = [MESSAGE], {MESSAGE, END}
    while todo:
        name = todo.pop(0)
        node = nodes.get(name)
        prompts = spoken.get(name, ()) if node is None else speaks(node)
        kind = "menu" if node is None else node.kind
        found.append(f"{name} ({kind}): " + (", ".join(shown(one) for one in prompts) or "nothing is spoken"))
        ways = [edge for edge in every if edge.source == name]
        found += [f"  {edge.by} -> {edge.target}" for edge in ways]
        todo += _fresh(ways, seen)
    return found


def _fresh(ways: list[Edge], seen: set[str]) -> list[str]:
    found = []
    for edge in ways:
        if edge.target not in seen:
            seen.add(edge.target)
            found.append(edge.target)
    return found


_CODES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;"})
"""Entity codes: https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters"""


def _label(text: str) -> str:
    """The text within a label's quotes; a file may be called anything."""
    return text.translate(_CODES)


def _id(name: str) -> str:
    return f"n_{name}"
