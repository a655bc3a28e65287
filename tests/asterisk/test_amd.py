"""People told from answering machines on a real Asterisk: a few labelled callees of every kind, and an operator's own recordings."""

from __future__ import annotations

import csv
import socket
import threading
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bench.amd import __main__ as program
from bench.amd import audio, callees, corpus, stage
from bench.amd.detector import Running

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
    brief = replace(recipes["short"], beep=(1250.0,), beep_after=0.3, beep_length=0.2, mobile=False)
    own = tmp_path / "own"
    late = replace(brief, name="late", beep_after=2.5)
    stage.render([recipes["hello"], recipes["long"], brief, late], own)
    person, machine, beeps = (own / f"{recipes[kind].name}.wav" for kind in ("hello", "long", "short"))
    audio.run("sox", str(person), "-r", "16000", str(own / "person.wav"))
    machine.rename(own / "machine.wav")
    beeps.rename(own / "beeps.wav")
    table = "file,label\nperson.wav,person\nmachine.wav,machine\nbeeps.wav,machine\nlate.wav,machine\n"
    (own / callees.TABLE).write_text(table, encoding="utf-8")
    assert program.main(["--recordings", str(own), "--dir", str(tmp_path)]) == 0
    found = called(tmp_path)
    assert [(one["label"], one["judged"]) for one in found] == [
        ("person", "person"),
        ("machine", "machine"),
        ("machine", "machine"),
        ("machine", "machine"),
    ]
    # What only the detector can tell: a beep of any frequency, right after a greeting of a sentence or less; or when our message
    # to a person has begun.
    assert found[2]["cause"].startswith("BEEP-125")
    assert found[3]["cause"].partition(" then ")[2].startswith("BEEP-125")


class Failing(threading.Thread):
    """A detector that dies over the audio of the first who asks, is stuck when the second does, and then is gone."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(60)
        self.address = "{}:{}".format(*self._listening.getsockname())
        self.heard = 0

    def run(self) -> None:
        with self._listening as listening:
            asking, _ = listening.accept()
            with asking, asking.makefile("rb") as lines:
                while lines.readline() != b"\n":
                    pass
                asking.sendall(f'EXEC TryExec "AudioSocket({uuid4()},{self.address})"\n'.encode())
                audio, _ = listening.accept()
                with audio:
                    while self.heard < 4000:
                        self.heard += len(audio.recv(4000))
            stuck, _ = listening.accept()
        with stuck:
            while stuck.recv(4000):
                pass


def test_whatever_becomes_of_the_detector_the_call_goes_on(tmp_path: Path) -> None:
    """AMD() then tells, from where the call is."""
    recipe = next(one for one in corpus.recipes("tune") if one.kind == "long")
    (machine,) = stage.render([recipe], tmp_path / "own")
    failing = Failing()
    failing.start()
    amd = {"hush": "0.5s", "longest": "1s", "beep": "0.3s", "machine": "hangup"}
    detector = Running(failing.address, 0)
    with stage.stage(tmp_path, [machine] * 3, amd, detector) as (state, version, _):
        calls = stage.play(state, version, 3, channels=1, each_second=8.0, detector=detector)
    failing.join()
    assert failing.heard >= 4000
    for call in calls:
        (verdict,) = call.reported("amd")
        assert verdict.value.startswith("MACHINE/LONGGREETING-")
        assert [one.value for one in call.reported("result")] == ["hung_up_on"]
    assert calls[1].reported("amd")[0].at > 5.8, "it had its time"


def test_a_table_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / callees.TABLE).write_text("file,label\ngone.wav,person\n", encoding="utf-8")
    assert program.main(["--recordings", str(tmp_path), "--dir", str(tmp_path)]) == 1
    assert "line 2: there is no file" in capsys.readouterr().err
