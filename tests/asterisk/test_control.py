"""An operator's hand on a real engine with real calls: a rate that changes, a stop over a restart, a test call, live calls cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

import lab
from tests.asterisk.harness import REPOSITORY, Engine, number
from tests.asterisk.test_campaign import RETRIES

pytestmark = pytest.mark.asterisk


def connected(engine: Engine) -> int:
    return len(engine.log("ami.connected"))


def answered() -> bool:
    """An answered call lives."""
    return "!Up!" in lab.console("pbx", "core show channels concise")


def call(engine: Engine, to: str) -> subprocess.Popen[str]:
    words = ["call", to, "--campaign", "steered", "--json", "--config", str(engine.config)]
    return subprocess.Popen(
        [sys.executable, "-m", "engine.cli", *words], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def test_a_running_campaign_obeys_and_a_stop_outlasts_the_engine(engine: Engine) -> None:
    ours = [number(24, 71), number(10, 71)]  # one presses 9 at once, one listens to the end
    with engine.config.open("a", encoding="utf-8") as settings:
        for one in ours:
            settings.write(f'\n[[test_number]]\nnumber = "{one}"\nowner = "Test"\nagreed = 2026-01-05\n')
    engine.start()
    engine.job(
        "steered", [number(42, at) for at in range(99)], RETRIES.replace("[menu]", "cps = 0.1\n[menu]", 1)
    )
    engine.wait(lambda: engine.attempts("steered"), "the first call")
    pressing = call(engine, ours[0])
    assert engine.request("s1", action="set", campaign="steered", cps=8, by="test")["ok"]
    # Before, they were ten seconds apart.
    engine.wait(lambda: len(engine.attempts("steered")) > 3, "calls at the new rate", 20)
    assert engine.request("s2", action="set", campaign="steered", cps=0.1, by="test")["ok"]
    table = json.loads(pressing.communicate(timeout=90)[0])
    assert (table["campaign"], table["keys"], table["attempt"]["result"]) == (
        "steered~test",
        "9",
        "opted_out",
    )
    listening = call(engine, ours[1])
    engine.wait(answered, "the other test call", 60)

    assert engine.request("s3", action="stop_all", by="test", reason="a test", hang_up=True)["hung_up"] >= 1
    before = len(engine.attempts("steered"))
    assert 3 < before < 99
    cut = json.loads(listening.communicate(timeout=90)[0])
    assert cut["attempt"]["disposition"].startswith("ANSWERED")
    assert (pressing.returncode, listening.returncode) == (0, 0)
    engine.signal(signal.SIGTERM)
    seen = connected(engine)
    engine.start()
    engine.wait(lambda: connected(engine) > seen, "the PBX", 60)
    assert engine.request("s4", action="set", campaign="steered", cps=8, by="test")["ok"]
    time.sleep(1.5)
    assert len(engine.attempts("steered")) == before
    assert engine.request("s5", action="go", by="test", reason="a test")["lifted"]
    engine.wait(lambda: len(engine.attempts("steered")) > before + 3, "calls again", 20)
