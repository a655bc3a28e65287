"""Two PBXs, each a real Asterisk with a carrier of its own: one is killed under live calls, and comes back."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from lab import Lab
from lab.places import Ports
from tests.asterisk.harness import Engine, number

pytestmark = pytest.mark.asterisk

LISTENERS = [number(13, at) for at in range(60)]
"""They hang up after some seconds."""
HASTY = [number(12, at) for at in range(90)]
"""They hang up at once."""
LATER = [number(15, at) for at in range(20)]
RETRY = '[retry]\nmax_attempts = 2\nmin_gap = "3s"\n'


@pytest.fixture
def second(practice: Lab, tmp_path: Path) -> Iterator[Lab]:
    """Another lab beside the first one, up."""
    directory = tmp_path / "second"
    yield lab.up(directory, Ports(sip=26060, ami=26038, rtp=10000))
    lab.remove(directory)


def test_the_other_takes_over_and_nobody_is_called_twice(engine: Engine, practice: Lab, second: Lab) -> None:
    [ours] = re.findall(
        r"^\[pbx\.lab\].*?(?=^\[\[caller_id)",
        second.settings.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    other = ours.replace("[pbx.lab]", "[pbx.second]").replace('pbx = "lab"', 'pbx = "second"')
    text = engine.config.read_text(encoding="utf-8").replace("cps = 50", "cps = 10", 1)
    engine.config.write_text(
        text.replace(
            "[[caller_id]]", other.replace("[trunk.carrier]", "[trunk.second]") + "[[caller_id]]", 1
        ),
        encoding="utf-8",
    )
    engine.start()
    engine.job("two", LISTENERS + HASTY, RETRY)

    def sent(since: float = 0.0) -> list[str]:
        rows = engine.rows(
            "SELECT t.name FROM attempts a JOIN trunks t ON t.id = a.trunk_id WHERE a.sent_at > ?", since
        )
        return [row["name"] for row in rows]

    engine.wait(lambda: len(sent()) >= 40, "calls by both")
    assert min(sent().count("carrier"), sent().count("second")) >= 15, "used evenly"
    killed = time.time()
    pid = second.pids["pbx"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    engine.wait(lambda: engine.log("ami.lost"), "the loss to be told", 5)
    told = time.time()
    engine.wait(lambda: len(sent(told)) >= 20, "calls by the other", 20)
    assert set(sent(told)) == {"carrier"}
    [first] = engine.rows("SELECT min(sent_at) AS at FROM attempts WHERE sent_at > ?", killed)
    assert first["at"] - killed < 1.0, "the other one goes on"
    lab.up(second.dir)
    engine.completed("two")  # what became of the calls on the one that died was asked of it
    back = time.time()
    engine.job("again", LATER, RETRY)
    engine.completed("again")
    assert sent(back).count("second") >= 5, "used again"
    counted = lab.carrier_calls(practice.dir) + lab.carrier_calls(second.dir)
    for one, rows in engine.attempts("two").items():
        most = [row for row in rows if row["disposition"] != "NOT_SENT"]
        proven = [row for row in most if row["disposition"] != "UNKNOWN"]
        calls = sum(call.number == one for call in counted)
        assert len(proven) <= calls <= len(most) <= 2, one
    lost = engine.rows(
        "SELECT t.name FROM attempts a JOIN trunks t ON t.id = a.trunk_id WHERE a.disposition = 'UNKNOWN'"
    )
    assert {row["name"] for row in lost} <= {"second"}, "nothing of the other's was lost"
    assert {row["state"] for row in engine.contacts("two").values()} == {"done"}
