"""`[transfer.<name>]` and `[dialplan]`: with whom callees may be connected, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.config import DialplanSettings, TransferSettings, load, problems_of
from engine.errors import SettingsError

QUEUE = {"queue": "support", "places": 2}
NUMBER = {"number": "+33145678902", "trunk": "carrier", "caller_id": "+33162000001", "places": 2}

BASE = """
[pbx.main]
secret_env = "VOLLEY_SECRET"
sounds_dir = "/sounds"
[trunk.carrier]
pbx = "main"
dial = "PJSIP/{number}@carrier"
[[caller_id]]
number = "+33162000001"
owner = "Anna"
proof = 2026-01-01
"""


def told(**table: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        TransferSettings.model_validate(table)
    return {problem.where: problem.what for problem in problems_of(caught.value)}


def problems(folder: Path, text: str) -> dict[str, str]:
    path = folder / "volley.toml"
    path.write_text(BASE + text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(path)
    return {problem.where: problem.what for problem in caught.value.problems}


def test_defaults() -> None:
    found = TransferSettings.model_validate(QUEUE)
    assert (found.calls_per_place, found.max_waiting, found.ring, found.max_talk) == (1.0, 5, 30.0, 3600.0)


@pytest.mark.parametrize(
    "table",
    [
        QUEUE,
        NUMBER,
        {"dial": "PJSIP/101", "places": 1},
        {"dial": "PJSIP/101&PJSIP/102@office&Local/7@agents", "places": 1},
        {**QUEUE, "places": 10_000, "calls_per_place": 0.0001},
    ],
)
def test_what_is_right(table: dict[str, Any]) -> None:
    found = TransferSettings.model_validate(table)
    assert TransferSettings.model_validate(found.model_dump(mode="json")) == found


@pytest.mark.parametrize(
    ("table", "where", "what"),
    [
        ({"places": 2}, "(top)", "give exactly one of queue, dial and number"),
        ({**QUEUE, "dial": "PJSIP/101"}, "(top)", "give exactly one of queue, dial and number"),
        ({**QUEUE, "trunk": "carrier"}, "(top)", "a number, and nothing else, needs the trunk"),
        ({**QUEUE, "caller_id": "+33162000001"}, "(top)", "a number, and nothing else, needs the caller_id"),
        ({**NUMBER, "trunk": None}, "(top)", "a number, and nothing else, needs the trunk"),
        ({**NUMBER, "caller_id": None}, "(top)", "a number, and nothing else, needs the caller_id"),
        ({**NUMBER, "number": "0145678902"}, "number", "country code"),
        ({**NUMBER, "number": "+33899123456"}, "(top)", "it is never dialed"),
        ({**NUMBER, "number": "+881612345678"}, "(top)", "it is never dialed"),
        ({**NUMBER, "number": "+3314567"}, "(top)", "+3314567"),
        ({"queue": "sup port", "places": 1}, "queue", "pattern"),
        ({"queue": "support,n", "places": 1}, "queue", "pattern"),
        ({"dial": "PJSIP/101,30,g", "places": 1}, "dial", "pattern"),
        ({"dial": "PJSIP/${EXTEN}", "places": 1}, "dial", "pattern"),
        ({"dial": "101", "places": 1}, "dial", "pattern"),
        ({"queue": "support"}, "places", "required"),
        ({**QUEUE, "places": 0}, "places", "greater than or equal to 1"),
        ({**QUEUE, "calls_per_place": 0}, "calls_per_place", "greater than 0"),
        ({**QUEUE, "calls_per_place": 0.4}, "(top)", "less than one call: nobody would ever be dialed"),
        ({**QUEUE, "max_waiting": 0}, "max_waiting", "greater than or equal to 1"),
        ({**QUEUE, "ring": "4s"}, "ring", "greater than or equal to 5"),
        ({**QUEUE, "max_talk": "5h"}, "max_talk", "less than or equal to 14400"),
        ({**QUEUE, "colour": "red"}, "colour", "no such key"),
    ],
)
def test_what_is_refused(table: dict[str, Any], where: str, what: str) -> None:
    [(found, message)] = told(**{key: value for key, value in table.items() if value is not None}).items()
    assert (found, what in message) == (where, True), message


def test_all_that_is_wrong_with_one_is_told_at_once() -> None:
    [message] = told(
        queue="a", dial="PJSIP/1", trunk="b", caller_id="+33162000001", places=1, calls_per_place=0.5
    ).values()
    assert message.count("; ") == 3


def test_what_it_names_must_be_there(tmp_path: Path) -> None:
    """Each is told with its place, also when there is more that is wrong."""
    assert problems(
        tmp_path,
        """
[transfer.doctor]
number = "+33145678902"
trunk = "gone"
caller_id = "+33162000009"
places = 1
[transfer.desk]
queue = "a"
dial = "PJSIP/1"
places = 1
""",
    ) == {
        "transfer.doctor.trunk": "there is no [trunk.gone]",
        "transfer.doctor.caller_id": "+33162000009 is not among the numbers proven ours",
        "transfer.desk": "give exactly one of queue, dial and number",
    }


@pytest.mark.parametrize("name", ["", "my survey", "9to5", "a,s,1", "${X}", "x" * 65])
def test_contexts_are_plain_names(name: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        DialplanSettings.model_validate({"contexts": ["my-survey", name]})
