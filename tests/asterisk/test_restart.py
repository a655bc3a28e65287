"""Stops, kills and lost links under live calls: nobody is called twice, nothing that happened is lost."""

from __future__ import annotations

import signal
import time
from itertools import pairwise

import pytest

import lab
from tests.asterisk.harness import Engine, carrier_count, number
from tests.asterisk.test_campaign import RETRIES

pytestmark = pytest.mark.asterisk

PEOPLE = [number(code, at) for at in range(8) for code in (10, 20, 22, 30, 41, 42)]


def live_calls(engine: Engine) -> int:
    return len(engine.rows("SELECT 1 FROM attempts WHERE disposition IS NULL"))


def never_twice(engine: Engine, campaign: str) -> None:
    """The carrier saw no number more often than the engine has attempts that may have been sent, and no budget is
    passed."""
    time.sleep(1)
    counted = carrier_count()
    for one, rows in engine.attempts(campaign).items():
        sent = [row for row in rows if row["disposition"] != "NOT_SENT"]
        proven = [row for row in sent if row["disposition"] != "UNKNOWN"]
        assert len(proven) <= counted.get(one, 0) <= len(sent), one
        assert sum(row["counted"] for row in rows if row["kind"] != "callback") <= 3, one
        starts = [row["sent_at"] for row in sent if row["counted"]]
        assert all(after - before >= 2.9 for before, after in pairwise(starts)), one


def test_a_stop_and_start_loses_no_call(engine: Engine) -> None:
    engine.start()
    engine.job("stopped", PEOPLE, RETRIES)
    engine.wait(lambda: live_calls(engine) > 25, "calls to live")
    begun = time.monotonic()
    assert engine.signal(signal.SIGTERM) == 0
    assert time.monotonic() - begun < 5
    time.sleep(10)  # keys are pressed and calls end while nobody follows
    engine.start()
    engine.completed("stopped")
    never_twice(engine, "stopped")
    assert not engine.rows("SELECT 1 FROM attempts WHERE disposition = 'UNKNOWN'")
    contacts = engine.contacts("stopped")
    table = lab.behaviour_table()
    for one, row in contacts.items():
        assert (one, row["disposition"]) == (one, table[one[8:10]].disposition)
    assert {one for one, row in contacts.items() if row["goal"] == "opted_out"} == {
        one for one in PEOPLE if one[8:10] == "20"
    }
    assert {one for one, row in contacts.items() if row["goal"] == "confirmed"} == {
        one for one in PEOPLE if one[8:10] == "22"
    }


def test_a_killed_engine_takes_its_calls_up_again(engine: Engine) -> None:
    engine.start()
    engine.job("killed", PEOPLE, RETRIES)
    for _ in range(3):
        engine.wait(
            lambda: live_calls(engine) > 5 or engine.state_of("killed") == "completed", "calls to live"
        )
        engine.signal(signal.SIGKILL)
        time.sleep(2)
        engine.start()
    engine.completed("killed")
    never_twice(engine, "killed")
    suppressed = {
        row["e164"] for row in engine.rows("SELECT e164 FROM suppression JOIN numbers n ON n.id = number_id")
    }
    assert suppressed == {one for one in PEOPLE if one[8:10] == "20"}
    confirmed = {one for one, row in engine.contacts("killed").items() if row["goal"] == "confirmed"}
    assert confirmed == {one for one in PEOPLE if one[8:10] == "22"}


def test_two_engines_on_one_state_are_refused(engine: Engine) -> None:
    engine.start()
    first = engine.process
    engine.process = None
    second = Engine.__new__(Engine)
    second.__dict__.update(engine.__dict__)
    try:
        with pytest.raises(AssertionError, match="another engine"):
            second.start()
    finally:
        engine.process = first
