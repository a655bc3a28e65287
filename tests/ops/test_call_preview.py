"""What callees hear and can press, in words, as text and as a drawing."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.ops.preview import Preview, preview
from engine.ops.preview_view import view
from tests.ops.filled import NOON, settings_in
from tests.speech.sounds import prompt

MANIFEST = """
id = "survey"
owner = "Test, test@example.org"
purpose = "survey"
caller_id = "+33162000001"
window = [{ from = "00:00", to = "00:00" }]
contacts = { file = "people.csv" }
"""
MESSAGE = """
[message]
prompts = ["hello.wav", { say = "date", field = "DUE" }]
"""
FLOW = """
[menu]
prompts = ["press.wav"]
[menu.keys]
0 = "never_again"
1 = "go:rating"
2 = { action = "transfer", to = "desk", otherwise = "later" }
3 = { action = "call_back", after = "90m" }
4 = { action = "call_back", at = "tomorrow 10:00" }
5 = { action = "answer", label = "yes" }
6 = "confirm"
7 = "repeat"
8 = "end"
[nodes.rating]
kind = "question"
prompts = ["rate.wav"]
answers = { 1 = "bad", 5 = "great" }
then = "end"
[nodes.later]
kind = "callback"
prompts = ["when.wav"]
"""
DESK = {"transfer": {"desk": {"dial": "PJSIP/101", "places": 2}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "job"
    found.mkdir()
    for name in ("hello", "press", "rate", "when"):
        prompt(found / f"{name}.wav")
    (found / "people.csv").write_text("phone_number,due\n0199001001,2026-12-24\n", encoding="utf-8")
    return found


def looked_at(folder: Path, manifest: str, **settings: Any) -> Preview:
    (folder / "campaign.toml").write_text(MANIFEST + manifest, encoding="utf-8")
    return preview(folder, settings_in(folder.parent, **settings), NOON)


def text_of(found: Preview, *, flow: bool = False) -> str:
    out = StringIO()
    Console(file=out, width=200, color_system=None).print(view(found, flow))
    return out.getvalue()


def test_keys_in_words(folder: Path) -> None:
    found = looked_at(folder, MESSAGE + FLOW, **DESK)
    assert found.acceptable, found.problems
    assert found.call is not None
    assert found.call.keys == {
        "0": "never call again", "1": "go on with rating", "2": "connect with desk", "3": "call back in 1h30m",
        "4": "call back at tomorrow 10:00", "5": "answer yes", "6": "confirm (confirmed)", "7": "repeat", "8": "end",
    }  # fmt: skip


def test_a_field_that_is_spoken_is_no_file_that_cannot_be_played(folder: Path) -> None:
    found = looked_at(folder, MESSAGE)
    assert found.call is not None
    assert [(one.file, one.seconds, one.personal) for one in found.call.message] == [
        ("hello.wav", 2.0, False),
        ("[DUE as date]", None, True),
    ]
    text = text_of(found)
    assert "hello.wav (2 s), [DUE as date]\n" in text.replace(" \n", "\n").replace("  ", "")
    assert "cannot be played" not in text


def test_the_flow_node_by_node_when_it_is_asked_for(folder: Path) -> None:
    found = looked_at(folder, MESSAGE + FLOW, **DESK)
    assert "The flow" not in text_of(found)
    lines = [line.rstrip() for line in text_of(found, flow=True).splitlines()]
    begin = lines.index("The flow")
    assert lines[begin + 1] == "message (menu): hello.wav, [DUE as date], press.wav"
    assert lines[begin + 2 : begin + 6] == [
        "  key 0: never again -> end",
        "  key 1 -> rating",
        "  key 2: transfer to desk -> end",
        "  key 2: nobody free -> later",
    ]
    assert "rating (question): rate.wav" in lines
    assert "later (callback): when.wav" in lines


def test_the_drawing_begins_with_what_the_detection_says(folder: Path) -> None:
    call = looked_at(folder, MESSAGE).call
    assert call is not None
    assert call.mermaid.startswith('flowchart TD\n    answered(["answered"])\n')
    assert 'answered -->|"human<br/>unsure"| n_message' in call.mermaid
    assert 'answered -->|"machine"| n_end' in call.mermaid
    call = looked_at(folder, MESSAGE + "[amd]\nenabled = false\n").call
    assert call is not None
    assert 'answered -->|"answer"| n_message' in call.mermaid
    call = looked_at(
        folder, MESSAGE + '[amd]\nmachine = "voicemail"\n[voicemail]\nprompts = ["when.wav"]\n'
    ).call
    assert call is not None
    assert 'n_voicemail["<b>voicemail</b> (voicemail)<br/>when.wav"]' in call.mermaid


def test_a_context_of_one_s_own(folder: Path) -> None:
    """None of our keys is heard there, and the drawing shows none."""
    found = looked_at(folder, 'context = "my-survey"\n', dialplan={"contexts": ["my-survey"]})
    assert found.acceptable, found.problems
    call = found.call
    assert call is not None
    assert (call.keys, call.message) == ({}, ())
    assert (call.human, call.machine, call.unsure) == ("own", "hangup", "own")
    assert call.flow == ("own (context my-survey)", "  your dialplan -> end")
    assert "key" not in call.mermaid
    assert 'answered -->|"human<br/>unsure"| n_own' in call.mermaid
