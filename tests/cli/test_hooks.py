"""`volley hooks`, beside a real engine whose PBX is not there, and a receiver on the loopback."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.ops.books import reading
from tests.cli.conftest import EngineProcess, Volley, run_engine
from tests.cli.test_steering import make_job
from tests.hooks.receiver import SECRET, Receiver, Reply
from tests.patience import PATIENCE


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def with_hook(volley: Volley, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Volley:
    """Settings with a hook to the receiver."""
    monkeypatch.setenv("VOLLEY_TEST_HOOK", SECRET)
    volley.config.write_text(
        volley.config.read_text(encoding="utf-8")
        + f'[hook.crm]\nurl = "{receiver.url}"\nsecret_env = "VOLLEY_TEST_HOOK"\nevents = ["campaign.*", "contact.done"]\n'
        'campaigns = ["shots"]\ntimeout = "2s"\n',
        encoding="utf-8",
    )
    return volley


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def waiting(volley: Volley) -> int:
    with reading(volley.settings.database) as connection:
        return int(connection.execute("SELECT count(*) FROM hook_outbox").fetchone()[0])


def test_without_hooks(engine: EngineProcess) -> None:
    volley = engine.volley
    assert "no hooks" in volley("hooks").stdout
    assert json.loads(volley("hooks", "--json").stdout) == []
    assert "there is no hook 'crm'" in volley("hooks", "crm", code=1).stderr
    assert "there is no hook 'crm' in the settings" in volley("hooks", "crm", "--resend", code=1).stderr
    assert "name the hook" in volley("hooks", "--resend", code=2).stderr


def test_a_campaign_is_told_of(
    with_hook: Volley, receiver: Receiver, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    receiver.behave = lambda given: Reply(404 if given.table["event"] == "campaign.paused" else 200)
    engine: EngineProcess = request.getfixturevalue("engine")
    volley = engine.volley
    volley("submit", str(make_job(tmp_path)), "--wait")
    volley("pause", "shots")
    volley("contacts", "remove", "shots", "-e", "1")
    volley("cancel", "shots")
    until(
        lambda: {"campaign.paused", "contact.done"} <= {given.table["event"] for given in receiver.requests}
    )
    until(lambda: json.loads(volley("hooks", "--json").stdout)[0]["error_at"])
    [hook] = json.loads(volley("hooks", "--json").stdout)
    assert (hook["name"], hook["error"]) == ("crm", "answered 404 Not Found")
    assert "answered 404 Not Found" in volley("hooks").stdout
    until(lambda: waiting(volley) == 0)
    told = [given.table["event"] for given in receiver.requests]
    assert told.count("campaign.paused") == 5
    assert [event for event in told if event.startswith("campaign") and event != "campaign.paused"] == [
        "campaign.accepted", "campaign.started", "campaign.cancelled",
    ]  # fmt: skip
    [done] = [given.table for given in receiver.requests if given.table["event"] == "contact.done"]
    assert (done["campaign"], done["external_id"], done["disposition"], done["reason"]) == (
        "shots", "1", "CANCELLED", "removed",
    )  # fmt: skip
    [given_up] = json.loads(volley("hooks", "crm", "--json").stdout)
    assert (given_up["event"], given_up["tries"]) == ("campaign.paused", 5)
    assert given_up["id"] in volley("hooks", "crm").stdout
    receiver.behave = lambda given: Reply()
    assert volley("hooks", "crm", "--resend").stdout == "1 events wait for crm again\n"
    until(lambda: waiting(volley) == 0)
    assert receiver.requests[-1].table["id"] == given_up["id"]
    [hook] = json.loads(volley("hooks", "--json").stdout)
    assert (hook["state"], hook["pending"], hook["delivered"], hook["failed"]) == ("ok", 0, 5, 0)
    assert engine.end() == 0


@pytest.fixture
def killed(with_hook: Volley) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Run an engine until something holds, and kill it."""
    processes: list[subprocess.Popen[str]] = []

    def run(done: Callable[[], object]) -> None:
        processes.append(run_engine(with_hook))
        until(done)
        processes[-1].kill()
        processes[-1].wait(10)

    yield run
    for process in processes:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def test_a_killed_engine_tells_again_what_it_cannot_prove(
    with_hook: Volley, receiver: Receiver, tmp_path: Path, killed: Callable[[Callable[[], object]], None]
) -> None:
    """Killed at any moment: every event arrives, under one id, however often the engine dies."""
    receiver.behave = lambda given: Reply(after=0.03)
    queue = with_hook.settings.engine.queue
    everybody = {str(at) for at in range(100)}
    job = make_job(tmp_path, rows=100)
    (job / ".complete").touch()
    (queue / "incoming").mkdir(parents=True)
    job.rename(queue / "incoming" / job.name)
    killed(lambda: any(given.table["event"] == "campaign.accepted" for given in receiver.requests))
    request = {"action": "remove", "campaign": "shots", "external_ids": sorted(everybody)}
    (queue / "control" / ".r").write_text(json.dumps(request), encoding="utf-8")
    os.rename(queue / "control" / ".r", queue / "control" / "r.json")
    for _ in range(4):
        before = len(receiver.requests)
        killed(lambda before=before: len(receiver.requests) > before + 15)  # type: ignore[misc]

    def all_told() -> bool:
        told = {given.table.get("external_id") for given in receiver.requests}
        return told >= everybody and not waiting(with_hook)

    killed(all_told)
    done = [given.table for given in receiver.requests if given.table["event"] == "contact.done"]
    assert {table["external_id"] for table in done} == everybody
    assert len({table["id"] for table in done}) == 100, "what is told twice is told under one id"
    # Each of the four kills may repeat what was told in the half second since results were stored last, at 200 a second.
    assert 100 <= len(done) < 500, "only what was under way, or not stored yet, is told again"
