"""Who may do what with real files, and what is gathered of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.ops.doctor import host, users
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.examine import judge_host
from engine.ops.doctor.facts import Pbx
from engine.ops.doctor.users import User, asterisk_pid, asterisk_user, descriptors, myself, obstacle
from tests.ops.doctor.wellness import bad, settings

ME = myself()
SOMEBODY = User(54321, frozenset({54321}))


@pytest.fixture
def open_way(tmp_path: Path) -> Path:
    """A directory to which the way is open for everybody."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o055)
    return tmp_path


def test_the_way_to_a_file(open_way: Path) -> None:
    path = open_way / "inner" / "prompt.wav"
    path.parent.mkdir(mode=0o755)
    path.write_bytes(b"RIFF")
    path.chmod(0o644)
    assert obstacle(SOMEBODY, path, "read") == ""
    assert "may not write" in (obstacle(SOMEBODY, path, "write") or "")
    path.chmod(0o640)
    assert "may not read it (mode 0640" in (obstacle(SOMEBODY, path, "read") or "")
    assert obstacle(User(SOMEBODY.uid, frozenset({path.stat().st_gid})), path, "read") == ""
    path.parent.chmod(0o700)
    assert "may not pass" in (obstacle(SOMEBODY, path, "read") or "")
    assert obstacle(ME, open_way / "none", "read") == users.MISSING


def test_a_directory_needs_passing_too(open_way: Path) -> None:
    folder = open_way / "sounds"
    folder.mkdir()
    folder.chmod(0o754)
    assert "may not read it" in (obstacle(SOMEBODY, folder, "read") or "")
    folder.chmod(0o755)
    assert obstacle(SOMEBODY, folder, "read") == ""


def test_the_way_of_an_asterisk_in_a_chroot_begins_at_its_root(open_way: Path) -> None:
    """As the lab's in a checkout below /root, which is closed to all others."""
    root = open_way / "closed" / "root"
    sounds = root / "srv" / "sounds"
    sounds.mkdir(parents=True)
    root.parent.chmod(0o700)
    inside = User(SOMEBODY.uid, SOMEBODY.groups, root)
    assert "may not pass" in (obstacle(SOMEBODY, sounds, "read") or "")
    assert obstacle(inside, sounds, "read") == ""
    assert obstacle(inside, Path("/srv/sounds"), "read") == ""
    sounds.parent.chmod(0o700)
    assert f"may not pass {sounds.parent}" in (obstacle(inside, sounds, "read") or "")
    assert obstacle(inside, Path("/none"), "read") == users.MISSING
    assert obstacle(inside, Path("none"), "read") == users.MISSING


def test_the_root_of_a_process_is_seen(tmp_path: Path) -> None:
    there = "import os, sys; os.chroot(sys.argv[1]); print(flush=True); sys.stdin.read()"
    # Who is not root is root of a user namespace, as in the lab.
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    with subprocess.Popen(
        [*as_root, sys.executable, "-c", there, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout
        child.stdout.readline()
        found = asterisk_user(None, child.pid)
        child.communicate()
    assert found is not None
    assert found.root == tmp_path.resolve()


def test_who_asterisk_is(tmp_path: Path) -> None:
    (tmp_path / "asterisk.pid").write_text(f"{os.getpid()}\n")
    conf = Conf((("directories", (("astrundir", str(tmp_path)),)),))
    pid = asterisk_pid(conf)
    assert pid == os.getpid()
    found = asterisk_user(conf, pid)
    assert found is not None
    assert found.uid == os.geteuid()
    assert (descriptors(pid) or 0) > 0
    assert asterisk_user(Conf((("options", (("runuser", "daemon"),)),)), None) is not None
    (tmp_path / "asterisk.pid").write_text("999999999\n")
    assert asterisk_pid(conf) is None


def test_who_the_engine_is(tmp_path: Path) -> None:
    assert users.engine_user(tmp_path / "not yet") == ME
    assert users.engine_user(tmp_path) == ME


def test_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLLEY_TEST_SECRET", "s3cret")
    whole = settings(tmp_path)
    for folder in (whole.engine.state, whole.engine.queue, whole.pbx["lab"].sounds_dir):
        folder.mkdir()
    config = tmp_path / "volley.toml"
    config.touch(mode=0o644)
    found = host.look(config, whole)
    assert found.hostname == socket.gethostname()
    assert [one.what for one in found.access] == ["engine.state", "engine.queue", "pbx.lab.sounds_dir"]
    assert all(one.allowed for one in found.access)
    english = whole.pbx["lab"].sounds_dir / "en"
    english.mkdir()
    looked = [one.path for one in host.look(config, whole).access]
    assert looked[-1] == english, "prompts are put into the folders of languages too"
    assert found.free[whole.engine.state] > 0
    assert found.filesystem
    assert found.secrets == {}
    assert found.zones
    wrong = bad(judge_host(found))
    assert not set(wrong) & {"directories", "secrets", "open_files", "sqlite", "time_zones", "showable"}


def test_what_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOLLEY_TEST_SECRET", raising=False)
    found = host.look(tmp_path / "volley.toml", settings(tmp_path))
    assert [one.allowed for one in found.access] == [False, False, False]
    assert "VOLLEY_TEST_SECRET" in found.secrets["pbx.lab"]


def test_the_secret_of_a_hook(tmp_path: Path) -> None:
    secret = tmp_path / "hook.secret"
    secret.write_text("s3cret-s3cret-s3cret-s3cret")
    secret.chmod(0o644)
    table = {"url": "https://example.org/calls", "secret_file": secret, "events": ["call.ended"]}
    found = host.look(tmp_path / "volley.toml", settings(tmp_path, hook={"crm": table}))
    assert "others may read" in found.secrets["hook.crm"]
    assert found.modes[secret] == 0o644


def test_the_files_of_a_local_pbx(open_way: Path) -> None:
    etc = open_way / "etc"
    etc.mkdir()
    (etc / "rtp.conf").write_text("[general]\nrtpstart=10000\nrtpend=10099\n")
    (etc / "cdr.conf").write_text("#include none.conf\n")
    whole = settings(open_way)
    french = whole.pbx["lab"].sounds_dir / "fr"
    french.mkdir(parents=True)
    (french / "opted-out.wav").touch()
    found = host.add_local(Pbx("lab", whole.pbx["lab"], whole), etc)
    assert found.local
    assert found.confs["rtp.conf"].get("general", "rtpend") == "10099"
    assert found.confs["manager.conf"] == Conf()  # it is not there
    assert "cdr.conf" not in found.confs  # it is there, and cannot be read
    assert found.sounds == {"fr": ("opted-out",)}
    # What AMI told goes before a file.
    asked = Pbx("lab", whole.pbx["lab"], whole, confs={"rtp.conf": Conf()})
    assert host.add_local(asked, etc).confs["rtp.conf"] == Conf()


def test_a_part_of_manager_conf_that_asterisk_may_not_read(open_way: Path) -> None:
    etc = open_way / "etc"
    (etc / "manager.d").mkdir(parents=True)
    (etc / "manager.conf").write_text('[general]\nenabled = yes\n#include "manager.d/*.conf"\n')
    user = etc / "manager.d/volley.conf"
    user.write_text("[volley]\nsecret = s\n")
    text = f"[directories]\nastrundir = {open_way}\n[options]\nrunuser = nobody\n"
    (etc / "asterisk.conf").write_text(text)
    whole = settings(open_way)
    assert host.add_local(Pbx("lab", whole.pbx["lab"], whole), etc).closed == ()
    user.chmod(0o640)
    (closed,) = host.add_local(Pbx("lab", whole.pbx["lab"], whole), etc).closed
    assert (closed.path, closed.allowed) == (user, False)
    assert "may not read it (mode 0640" in closed.why


def test_a_pbx_elsewhere_has_no_local_files(tmp_path: Path) -> None:
    pbx = settings(tmp_path).pbx["lab"].model_copy(update={"host": "192.0.2.7"})
    found = host.add_local(Pbx("lab", pbx, settings(tmp_path)), None)
    assert not found.local
    assert found.confs == {}
    assert found.access == ()


def test_the_command_changes_nothing(tmp_path: Path) -> None:
    """Beside a PBX that is not there: errors, exit code 1, and not a file more or less."""
    config = tmp_path / "volley.toml"
    config.write_text(
        f'[engine]\nstate = "{tmp_path}/state"\nqueue = "{tmp_path}/queue"\n[pbx.lab]\nport = 1\nsecret_env = "VOLLEY_TEST_SECRET"\n'
        f'sounds_dir = "{tmp_path}/sounds"\n[trunk.carrier]\npbx = "lab"\ndial = "PJSIP/{{number}}@carrier"\n'
    )
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "doctor", "--config", str(config)],
        env={**os.environ, "VOLLEY_TEST_SECRET": "s3cret", "COLUMNS": "160"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "no AMI" in done.stdout
    assert "no [[caller_id]]" in done.stdout
    assert "unknown" in done.stdout
    assert done.stderr == ""
    assert sorted(tmp_path.rglob("*")) == before
