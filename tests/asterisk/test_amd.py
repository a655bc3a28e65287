"""People told from answering machines on a real Asterisk: a few labelled callees of every kind, and an operator's own recordings."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bench.amd import __main__ as program
from bench.amd import audio, callees, corpus, stage

pytestmark = pytest.mark.asterisk


def called(directory: Path) -> list[dict[str, str]]:
    with (directory / "amd" / "calls.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_few_of_every_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--part", "test", "--every", "20", "--channels", "12", "--cps", "3", "--dir", str(tmp_path)]
    assert program.main(arguments) == 0
    calls = called(tmp_path)
    assert len(calls) == len(corpus.recipes("test")[::20])
    assert all(one["verdict"] not in ("", "none") for one in calls)
    plain = [one for one in calls if one["kind"] in ("word", "hello", "name", "double")]
    assert plain
    assert {one["judged"] for one in plain} <= {"person", "unsure"}
    assert all(int(one["wait_ms"]) < 2000 for one in plain)
    long = [one for one in calls if one["kind"] == "long"]
    assert long
    assert {one["judged"] for one in long} == {"machine"}
    assert all(float(one["left"]) >= 0.95 for one in long)
    assert "people judged machines" in capsys.readouterr().out


def test_recordings_of_ones_own(tmp_path: Path) -> None:
    """Only a file and a label are known of each; the one is at another rate than a telephone's."""
    recipes = {one.kind: one for one in corpus.recipes("tune")}
    own = tmp_path / "own"
    stage.render([recipes["hello"], recipes["long"]], own)
    person, machine = (own / f"{recipes[kind].name}.wav" for kind in ("hello", "long"))
    audio.run("sox", str(person), "-r", "16000", str(own / "person.wav"))
    machine.rename(own / "machine.wav")
    (own / callees.TABLE).write_text("file,label\nperson.wav,person\nmachine.wav,machine\n", encoding="utf-8")
    assert program.main(["--recordings", str(own), "--dir", str(tmp_path)]) == 0
    assert [(one["label"], one["judged"]) for one in called(tmp_path)] == [
        ("person", "person"),
        ("machine", "machine"),
    ]


def test_a_table_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / callees.TABLE).write_text("file,label\ngone.wav,person\n", encoding="utf-8")
    assert program.main(["--recordings", str(tmp_path), "--dir", str(tmp_path)]) == 1
    assert "line 2: there is no file" in capsys.readouterr().err
