"""A flow drawn: every node and every edge is there, and the drawing is well-formed whatever the prompts are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given

from engine.campaign import Campaign
from engine.flow import diagram
from engine.flow.actions import MESSAGE, VOICEMAIL
from engine.flow.graph import edges
from engine.flow.nodes import speaks
from engine.flow.prompts import Prompts
from tests.flow.flows import campaign, campaigns

VERDICTS = {"human": "message", "machine": "hangup", "unsure": "message"}
BOX = re.compile(r'    ([a-z0-9_]+)(\[|\(\[)"([^"]*)"(\]|\]\))')
ARROW = re.compile(r'    ([a-z0-9_]+) -->\|"([^"]*)"\| ([a-z0-9_]+)')


def drawn(text: str) -> tuple[dict[str, str], dict[tuple[str, str], list[str]]]:
    """Boxes and arrows of a Mermaid flowchart; every line must be one."""
    first, *lines = text.splitlines()
    assert first == "flowchart TD"
    boxes, arrows = {}, {}
    for line in lines:
        if box := BOX.fullmatch(line):
            assert (box[2], box[4]) in (("[", "]"), ("([", "])"))
            boxes[box[1]] = box[3]
        else:
            arrow = ARROW.fullmatch(line)
            assert arrow, line
            arrows[(arrow[1], arrow[3])] = arrow[2].split("<br/>")
    assert {end for ends in arrows for end in ends} <= set(boxes), (
        "an arrow to nowhere makes a box of its own"
    )
    return boxes, arrows


def mermaid(
    found: Campaign, verdicts: Mapping[str, str] = VERDICTS, spoken: Mapping[str, Prompts] | None = None
) -> str:
    return diagram.mermaid(found.menu.actions, found.nodes, verdicts, spoken or {})


def test_a_flow_as_mermaid() -> None:
    found = campaign(
        menu={"keys": {"1": "go:due", "2": "go:due", "3": "never_again"}},
        nodes={"due": {"kind": "message", "prompts": ["it-is.wav", {"say": "date", "field": "DUE"}], "then": "end"}},
        voicemail={"prompts": ["call-us.wav"]},
    )  # fmt: skip
    spoken = {MESSAGE: ("hello.wav",), VOICEMAIL: ("call-us.wav",)}
    assert mermaid(found, {**VERDICTS, "machine": "voicemail"}, spoken) == (
        "flowchart TD\n"
        '    answered(["answered"])\n'
        '    n_message["<b>message</b> (menu)<br/>hello.wav"]\n'
        '    n_due["<b>due</b> (message)<br/>it-is.wav<br/>[DUE as date]"]\n'
        '    n_voicemail["<b>voicemail</b> (voicemail)<br/>call-us.wav"]\n'
        '    n_end(["end"])\n'
        '    answered -->|"human<br/>unsure"| n_message\n'
        '    answered -->|"machine"| n_voicemail\n'
        '    n_message -->|"key 1<br/>key 2"| n_due\n'
        '    n_message -->|"key 3: never again<br/>silence"| n_end\n'
        '    n_due -->|"then"| n_end\n'
        '    n_voicemail -->|"then"| n_end\n'
    )


def test_a_machine_that_is_hung_up_on() -> None:
    boxes, arrows = drawn(mermaid(campaign()))
    assert arrows[("answered", "n_end")] == ["machine"]
    assert "n_voicemail" not in boxes


def test_a_context_of_one_s_own_is_drawn_as_what_it_is() -> None:
    found = campaign(context="my-survey")
    text = diagram.mermaid(
        found.menu.actions, found.nodes, {"human": "own", "machine": "hangup"}, {}, found.context
    )
    assert drawn(text) == (
        {"answered": "answered", "n_own": "<b>own</b> (context my-survey)", "n_end": "end"},
        {
            ("answered", "n_own"): ["human"],
            ("answered", "n_end"): ["machine"],
            ("n_own", "n_end"): ["your dialplan"],
        },
    )
    assert diagram.tree(found.menu.actions, found.nodes, {}, found.context) == [
        "own (context my-survey)",
        "  your dialplan -> end",
    ]


@given(campaigns())
def test_every_node_and_every_edge_appears(found: Campaign) -> None:
    boxes, arrows = drawn(mermaid(found))
    assert set(boxes) == {"answered", "n_message", "n_end", *(f"n_{name}" for name in found.nodes)}
    for name, node in found.nodes.items():
        title, *prompts = boxes[f"n_{name}"].split("<br/>")
        assert title == f"<b>{name}</b> ({node.kind})"
        assert prompts == [diagram.shown(one) for one in speaks(node)]
    every = edges(found.menu.actions, found.nodes)
    of_flow = {ends: by for ends, by in arrows.items() if ends[0] != "answered"}
    assert Counter(
        (source, target, by) for (source, target), ways in of_flow.items() for by in ways
    ) == Counter((f"n_{edge.source}", f"n_{edge.target}", edge.by) for edge in every)


NASTY = ['say "hi".wav', "a<b>.wav", "#quot;.wav", "50% (or so);.wav", "`x`.wav", "é.wav", "a] --> b.wav"]


@pytest.mark.parametrize("name", NASTY)
def test_a_file_s_name_breaks_nothing(name: str) -> None:
    """A file may be called anything; in a label a quote ends the text, and # and < begin something of Mermaid's own."""
    found = campaign(
        menu={"keys": {"1": "go:a"}}, nodes={"a": {"kind": "message", "prompts": [name], "then": "end"}}
    )
    boxes, _ = drawn(mermaid(found, spoken={MESSAGE: (name,)}))
    for box in ("n_a", "n_message"):
        written = boxes[box].partition("<br/>")[2]
        assert not re.search(r'["<>]', written)
        assert (
            re.sub(
                "#(35|quot|lt|gt);",
                lambda sign: {"35": "#", "quot": '"', "lt": "<", "gt": ">"}[sign[1]],
                written,
            )
            == name
        )


# -- as text -----------------------------------------------------------------------------------------------------------


def test_a_flow_as_text() -> None:
    found = campaign(
        menu={"keys": {"1": "go:b", "2": {"action": "call_back", "start": "a"}}},
        nodes={
            "a": {"kind": "transfer", "to": "desk"},
            "b": {"kind": "digits", "prompts": ["account.wav"], "check": [{"say": "date", "field": "DUE"}], "then": "a"},
        },
    )  # fmt: skip
    assert diagram.tree(found.menu.actions, found.nodes, {MESSAGE: ("hello.wav", "press.wav")}) == [
        "message (menu): hello.wav, press.wav",
        "  key 1 -> b",
        "  key 2: call back -> end",
        "  key 2: callback begins -> a",
        "  key 9: never again -> end",
        "  silence -> end",
        "b (digits): account.wav, [DUE as date]",
        "  typed -> a",
        "  silence -> end",
        "a (transfer): nothing is spoken",
        "  transfer to desk -> end",
        "  nobody free -> end",
    ]


@given(campaigns())
def test_as_text_too_every_node_is_told_once_with_its_ways(found: Campaign) -> None:
    lines = diagram.tree(found.menu.actions, found.nodes, {})
    heads = [line.partition(" ")[0] for line in lines if not line.startswith("  ")]
    assert heads[0] == MESSAGE
    assert sorted(heads) == sorted((MESSAGE, *found.nodes))
    told, here = Counter(), ""
    for line in lines:
        if line.startswith("  "):
            by, _, target = line[2:].rpartition(" -> ")
            told[(here, target, by)] += 1
        else:
            here = line.partition(" ")[0]
    assert told == Counter(
        (edge.source, edge.target, edge.by) for edge in edges(found.menu.actions, found.nodes)
    )
