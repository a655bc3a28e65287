"""The table of behaviours agrees with itself, with the carrier's dialplan and with the engine's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.dialing.disposition import Disposition
from lab.behaviours import TABLE, Behaviour, behaviour_table, dialplan, parse

ROWS = list(behaviour_table().values())
SUBROUTINES = Path(TABLE).with_name("carrier") / "extensions.conf"
SOUNDS = Path(TABLE).with_name("prompts") / "carrier.toml"
named = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def test_names_are_unique() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


@named
def test_dispositions_are_the_engines(row: Behaviour) -> None:
    assert {row.disposition, *row.then} <= set(Disposition)


@named
def test_steps_lead_to_extensions_that_exist(row: Behaviour) -> None:
    extensions = set(re.findall(r"(?m)^exten => (\w+),1,", SUBROUTINES.read_text(encoding="utf-8"))) | set(
        behaviour_table()
    )
    steps = " ".join(row.dialplan)
    targets = re.findall(r"Go(?:to|sub)\((\w+),1", steps) + [
        part for pair in re.findall(r"\?(\d\d):(\d\d)\)", steps) for part in pair
    ]
    assert targets or row.dialplan[-1].startswith("Hangup(")
    assert set(targets) <= extensions


@named
def test_sounds_exist(row: Behaviour) -> None:
    said = re.findall(r"say,1\(([\w-]+)\)", " ".join(row.dialplan))
    assert all(f"[{sound}]\n" in SOUNDS.read_text(encoding="utf-8") for sound in said)


@named
def test_a_refusal_answers_what_the_table_says(row: Behaviour) -> None:
    found = re.search(r"refuse,1\((\d+),(\d+)\)", " ".join(row.dialplan))
    assert (row.sip, row.cause) == ((int(found[1]), int(found[2])) if found else (None, None))


@named
def test_keys_are_those_pressed(row: Behaviour) -> None:
    if row.code not in ("63", "70"):  # presses what 21 presses; what the number says
        assert row.keys == "".join(re.findall(r"press,1\(([\d#]+)\)", " ".join(row.dialplan)))


def test_later_calls_end_otherwise() -> None:
    congestion, callback = behaviour_table()["62"], behaviour_table()["63"]
    assert [congestion.disposition_of(call) for call in (1, 2, 3, 4)] == [
        "CONGESTION",
        "CONGESTION",
        "ANSWERED_HUMAN",
        "ANSWERED_HUMAN",
    ]
    assert [callback.keys_of(call) for call in (1, 2, 3)] == ["2", "", ""]
    assert [behaviour_table()["20"].keys_of(call) for call in (1, 2)] == ["9", "9"]


def test_a_row_becomes_one_extension() -> None:
    table = parse(
        {
            "77": {
                "name": "n",
                "what": "w",
                "disposition": "BUSY",
                "dialplan": ["Answer()", "Wait(1)", "Hangup(16)"],
            }
        }
    )
    assert dialplan(table) == "; n: w\nexten => 77,1,Answer()\n same => n,Wait(1)\n same => n,Hangup(16)\n"


@pytest.mark.parametrize("table", [{"7": {}}, {"xx": {}}, {"77": {"colour": "red"}}])
def test_a_wrong_row_is_refused(table: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValueError, match=r"\["):
        parse(table)
