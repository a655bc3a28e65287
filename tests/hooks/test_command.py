"""Events by a command: its standard input, its exit status, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.hook_settings import HookSettings
from engine.hooks.answers import Meaning
from engine.hooks.command import Command
from engine.hooks.worker import Parcel
from tests.hooks.conftest import Desk

EVENT = Parcel("desk", "call.ended", "00ff", b'{"event":"call.ended"}')


def command(*arguments: str, timeout: float = 10.0) -> Command:
    table = {"command": arguments, "events": ["*"], "timeout": timeout}
    return Command(HookSettings.model_validate(table))


def shell(script: str, *arguments: str, timeout: float = 10.0) -> Command:
    return command("/bin/sh", "-c", script, "sh", *arguments, timeout=timeout)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_event_is_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLLEY_AMI_SECRET", "do not tell")
    script = 'cat > "$1"; env > "$2"; pwd > "$3"; echo told'
    found = shell(script, *(str(tmp_path / name) for name in ("event", "env", "cwd"))).send(EVENT)
    assert found.meaning is Meaning.TAKEN
    assert (tmp_path / "event").read_bytes() == EVENT.body
    environment = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert environment["VOLLEY_EVENT"] == "call.ended"
    assert (environment["VOLLEY_HOOK"], environment["VOLLEY_ID"]) == ("desk", "00ff")
    assert "VOLLEY_AMI_SECRET" not in environment
    shells_own = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert set(environment) - shells_own <= {
        "PATH",
        "LANG",
        "LC_ALL",
        "TZ",
        "VOLLEY_HOOK",
        "VOLLEY_EVENT",
        "VOLLEY_ID",
    }
    assert (tmp_path / "cwd").read_text() == "/\n"


def test_arguments_are_no_shell_words(tmp_path: Path) -> None:
    target = tmp_path / "a b; touch $(id)"
    assert command("/bin/cp", "/dev/stdin", str(target)).send(EVENT).meaning is Meaning.TAKEN
    assert target.read_bytes() == EVENT.body
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("script", "meaning", "error"),
    [
        ("exit 0", Meaning.TAKEN, ""),
        ("exit 1", Meaning.LATER, "exit status 1"),
        ("exit 75", Meaning.LATER, "exit status 75"),
        ("exit 65", Meaning.REFUSED, "exit status 65"),
        (
            "echo 'no such\ttable' >&2; printf '\\033[2J' >&2; exit 2",
            Meaning.LATER,
            "exit status 2: no such table \N{REPLACEMENT CHARACTER}[2J",
        ),
        ("kill -9 $$", Meaning.LATER, "killed by signal 9"),
        ("exec 2>&-; sleep 0.2; exit 3", Meaning.LATER, "exit status 3"),
    ],
)
def test_the_exit_status_is_the_answer(script: str, meaning: Meaning, error: str) -> None:
    found = shell(script).send(EVENT)
    assert (found.meaning, found.error) == (meaning, error)


def test_one_that_talks_without_end_is_heard_to_its_last_words() -> None:
    found = shell("yes abcdefghi | head -c 3000000 >&2; echo the end >&2; exit 1").send(EVENT)
    assert found.error.endswith("the end")
    assert len(found.error) < 250


def test_one_that_does_not_end_is_killed_with_all_it_started(tmp_path: Path) -> None:
    script = 'sleep 60 & echo $! > "$1"; echo $$ >> "$1"; sleep 60'
    begun = time.monotonic()
    found = shell(script, str(tmp_path / "pids"), timeout=0.5).send(EVENT)
    assert (found.meaning, found.error) == (Meaning.LATER, "did not end in time")
    assert time.monotonic() - begun < 5
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    time.sleep(0.1)
    assert [pid for pid in pids if alive(pid)] == []


def test_what_it_leaves_behind_is_killed(tmp_path: Path) -> None:
    found = shell('sleep 60 & echo $! > "$1"', str(tmp_path / "pid")).send(EVENT)
    assert found.meaning is Meaning.TAKEN
    time.sleep(0.1)
    assert not alive(int((tmp_path / "pid").read_text()))


def test_one_that_cannot_be_started() -> None:
    found = command("/no/such/program").send(EVENT)
    assert (found.meaning, found.error) == (Meaning.LATER, "cannot be started: No such file or directory")


def test_an_abort_ends_it_at_once() -> None:
    running = shell("sleep 60")
    timer = threading.Timer(0.3, running.abort)
    timer.start()
    begun = time.monotonic()
    assert running.send(EVENT).error == "killed by signal 9"
    assert time.monotonic() - begun < 5
    timer.join()
    running.abort()  # nothing runs: nothing happens


def test_nothing_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for script in ("exit 0", "exit 1"):
        shell(script).send(EVENT)
    command("/no/such/program").send(EVENT)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_command_is_told_everything(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "told"
    script = tmp_path / "notify"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(log)!r}, 'a').write(sys.stdin.read() + '\\n')\n"
    )
    script.chmod(0o700)
    ids = await desk.wait(12)
    desk.start(command=[str(script)], parallel=2)
    await desk.until(lambda: desk.waiting() == 0)
    assert sorted(json.loads(line)["id"] for line in log.read_text().splitlines()) == sorted(ids)
