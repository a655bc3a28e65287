"""Commands that steer an engine: beside a real engine process, whose PBX is not there."""

from __future__ import annotations

import json
import signal
import stat
import time
from pathlib import Path

from tests.cli.conftest import EngineProcess, Volley, run_engine
from tests.ops.test_preview import MANIFEST
from tests.patience import PATIENCE
from tests.speech.sounds import prompt


def make_job(folder: Path, name: str = "shots", rows: int = 5) -> Path:
    job = folder / name
    job.mkdir()
    prompt(job / "hello.wav")
    (job / "campaign.toml").write_text(MANIFEST.replace('"shots"', f'"{name}"'), encoding="utf-8")
    lines = ["phone_number,id", *(f"+331990010{at:02d},{at}" for at in range(rows)), "12,short"]
    (job / "people.csv").write_text("\n".join(lines), encoding="utf-8")
    return job


def test_a_campaign_from_check_to_cancel(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    job = make_job(tmp_path)
    assert "This job would be accepted." in volley("check", str(job)).stdout
    assert json.loads(volley("check", str(job), "--json").stdout)["rejected"] == 1
    text = volley("submit", str(job), "--wait").stdout
    assert "handed in, 5 contacts, 1 rows rejected" in text
    assert "accepted, 5 contacts taken in, 1 rows rejected" in text
    assert f"Engine runs (pid {engine.process.pid})" in volley("status").stdout
    assert volley("health").stdout == "well\n"

    assert volley("pause", "shots", "--by", "anna").stdout == "shots is paused\n"
    assert volley("resume", "shots").stdout == "shots is resumed\n"
    text = volley("contacts", "remove", "shots", "-e", "1", "-e", "nobody").stdout
    assert text == "removed 1 contacts from shots; not in the campaign: nobody\n"
    assert "No further call: the contact was taken out" in volley("explain", "-e", "1").stdout

    assert (
        volley("dnc", "add", "01 99 00 10 02", "--reason", "asked by letter", "--by", "anna").stdout
        == "1 numbers are on the list\n"
    )
    assert "asked by letter (command by anna" in volley("dnc", "check", "+33199001002").stdout
    assert "It will not be called" in volley("explain", "-e", "2").stdout
    assert (
        volley("dnc", "remove", "+33199001002", "--reason", "consent").stdout
        == "1 numbers were taken off the list\n"
    )
    volley("dnc", "check", "+33199001002", code=1)

    text = volley("trunk", "drain", "carrier", "--reason", "new SBC", "--by", "anna").stdout
    assert text == "carrier is drained: it gets no new calls; live calls 0\n"
    assert "drained" in volley("trunk", "list").stdout
    assert json.loads(volley("status", "--json").stdout)["trunks"][0]["drained"] is True
    assert volley("trunk", "resume", "carrier").stdout == "carrier is in use; live calls 0\n"
    [trunk] = json.loads(volley("trunk", "list", "--json").stdout)
    assert (trunk["drained"], trunk["breaker"], trunk["priority"], trunk["weight"]) == (
        False,
        "closed",
        50,
        1.0,
    )
    assert "there is no trunk 'nowhere' in the settings" in volley("trunk", "drain", "nowhere", code=1).stderr
    _changed_while_it_runs(engine)

    assert json.loads(volley("cancel", "shots", "--json").stdout) == {
        "ok": True, "campaign": "shots", "state": "cancelled", "contacts_cancelled": 4,
    }  # fmt: skip
    assert "shots is cancelled" in volley("pause", "shots", code=1).stderr
    assert "there is a campaign 'shots' already (cancelled)" in volley("submit", str(job), code=1).stderr
    assert engine.end() == 0
    assert "no engine runs on" in volley("health", code=1).stderr
    assert json.loads(volley("health", "--json", code=1).stdout)["well"] is False
    assert open_to_others(volley.settings.engine.state) == []
    assert open_to_others(volley.settings.engine.queue, write=True) == []


def open_to_others(folder: Path, *, write: bool = False) -> list[str]:
    """What those who are neither the engine nor in its group may read below `folder`, or write."""
    wanted = stat.S_IWOTH if write else stat.S_IROTH
    if not write and not stat.S_IMODE(folder.stat().st_mode) & 0o007:
        return [  # nobody else gets in; what holds numbers and secrets is closed by itself all the same
            str(path)
            for path in folder.rglob("*")
            if path.suffix in (".db", ".db-wal", ".db-shm", ".key") and path.stat().st_mode & 0o077
        ]
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & wanted]


def test_a_queue_that_everybody_may_write_to_is_no_queue(volley: Volley) -> None:
    control = volley.settings.engine.queue / "control"
    control.mkdir(parents=True)
    control.chmod(0o777)
    process = run_engine(volley)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"everybody on this machine may write to it (mode 0777) (chmod o-w {control})" in out
    assert "Traceback" not in out
    assert not volley.settings.database.exists()


def _changed_while_it_runs(engine: EngineProcess) -> None:
    volley = engine.volley
    given = (
        "--cps",
        "5",
        "--channels",
        "20",
        "--from",
        "10:00",
        "--to",
        "18:00",
        "--days",
        "mon-fri,sun",
        "--priority",
        "3",
    )
    text = volley("set", "shots", *given, "--by", "anna", "--reason", "the call centre asked").stdout
    assert text.startswith("shots: cps unset -> 5.0, max_channels unset -> 20, window ")
    assert text.endswith("priority 50 -> 3\n")
    assert json.loads(volley("set", "shots", "--cps", "5", "--json").stdout)["changed"] == {}
    assert "limits.cps in the settings" in volley("set", "shots", "--cps", "11", code=1).stderr
    for wrong in (("--from", "10:00"), ("--days", "mon"), ()):
        volley("set", "shots", *wrong, code=1)

    assert volley("stop-all", "--reason", "wrong voice", "--by", "anna").stdout == "all dialing is stopped\n"
    assert "STOPPED since" in volley("status").stdout
    assert "Nothing at all is dialed" in volley("explain", "-e", "4").stdout
    engine.again()
    volley("quiet", "--for", "2h", "--reason", "a funeral")
    halts = {halt["kind"]: halt for halt in json.loads(volley("status", "--json").stdout)["halts"]}
    assert (halts["stop"]["reason"], halts["quiet"]["reason"]) == ("wrong voice", "a funeral")
    text = volley("go", "--reason", "right voice").stdout
    assert text == "the stop is lifted; it is a quiet time still (volley quiet --off)\n"
    assert json.loads(volley("quiet", "--off", "--reason", "over", "--json").stdout) == {
        "ok": True, "lifted": True, "dialing": True,
    }  # fmt: skip
    for wrong in ((), ("--for", "2h", "--off"), ("--for", "soon"), ("--until", "2026-12-01T09:00")):
        volley("quiet", *wrong, "--reason", "x", code=1)
    (shots,) = json.loads(volley("status", "shots", "--json").stdout)["campaigns"]
    assert shots["steered"] | {"window": []} == {"cps": 5.0, "max_channels": 20, "priority": 3, "window": []}
    assert shots["priority"] == 3  # over the restart
    told = volley("audit", "list").stdout
    assert "campaign.changed" in told
    assert "dialing.stopped" in told


def test_what_is_wrong_is_told_and_changes_nothing(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    found = volley("pause", "nobody", code=1)
    assert found.stderr == "campaign: there is no campaign 'nobody' (see `volley status`)\n"
    reply = json.loads(volley("pause", "nobody", "--json", code=1).stdout)
    assert reply["problems"][0]["where"] == "campaign"
    assert "numbers, 2" in volley("dnc", "add", "+33199001001", "12", "--reason", "x", code=1).stderr
    volley("dnc", "check", "+33199001001", code=1)
    assert "says nothing" in volley("dnc", "add", "+33199001001", "--reason", " ", code=1).stderr

    job = make_job(tmp_path)
    (job / "hello.wav").unlink()
    found = volley("submit", str(job), code=1)
    assert "hello.wav: there is no such prompt file" in found.stderr
    assert list((volley.settings.engine.queue / "incoming").iterdir()) == []
    table = json.loads(volley("submit", str(job), "--json", code=1).stdout)
    assert (table["submitted"], table["check"]["acceptable"]) == (None, False)


def test_a_manifest_takes_the_files_it_names_with_it(engine: EngineProcess, tmp_path: Path) -> None:
    job = make_job(tmp_path, "alone")
    (job / "unrelated.txt").write_text("x", encoding="utf-8")
    table = json.loads(engine.volley("submit", str(job / "campaign.toml"), "--wait", "--json").stdout)
    ended = table["ended"]
    assert (ended["state"], ended["accepted"], ended["rejected"]) == ("accepted", 5, 1)
    assert sorted(path.name for path in Path(ended["path"]).iterdir() if path.name[0] != ".") == [
        "campaign.toml",
        "hello.wav",
        "people.csv",
    ]


def test_a_job_that_the_engine_rejects_after_all(engine: EngineProcess, tmp_path: Path) -> None:
    """Two at once with the same campaign id: both look well before, the engine takes one."""
    volley = engine.volley
    engine.process.send_signal(signal.SIGSTOP)
    first = make_job(tmp_path, "twice")
    volley("submit", str(first))
    (first / "people.csv").write_text("phone_number\n+33199001050\n", encoding="utf-8")
    volley("submit", str(first), "--wait", "--timeout", "0.3", code=1)
    engine.process.send_signal(signal.SIGCONT)
    queue = volley.settings.engine.queue
    deadline = time.monotonic() + PATIENCE
    while not list((queue / "rejected").glob("*.reason.json")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [path.name for path in (queue / "accepted").iterdir() if path.is_dir()] == ["twice"]


def test_without_an_engine_a_request_waits_in_the_queue(volley: Volley, tmp_path: Path) -> None:
    begun = time.monotonic()
    found = volley("pause", "shots")
    assert 4.5 < time.monotonic() - begun < 9
    assert "is queued: the engine does not run" in found.stderr
    (request,) = (volley.settings.engine.queue / "control").glob("*.json")
    assert json.loads(request.read_text(encoding="utf-8")) | {
        "action": "pause",
        "campaign": "shots",
    } == json.loads(request.read_text(encoding="utf-8"))
    table = json.loads(volley("resume", "shots", "--json").stdout)
    assert (table["queued"], table["engine_runs"]) == (True, False)
    found = volley("submit", str(make_job(tmp_path)), code=1)
    assert "was the engine ever started?" in found.stderr


def test_a_second_engine_is_refused(engine: EngineProcess) -> None:
    second = run_engine(engine.volley)
    out, _ = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"another engine (pid {engine.process.pid}) runs on this state directory" in out
    assert "Traceback" not in out


def test_a_queue_that_cannot_be_written_is_told(volley: Volley) -> None:
    volley.settings.engine.queue.write_text("a file in the way", encoding="utf-8")
    assert "cannot drop a request into this queue" in volley("pause", "shots", code=1).stderr
