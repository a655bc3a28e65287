"""What `volley install` lays out, and that it touches nothing that exists."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.program import app
from engine.config import load
from engine.errors import SettingsError
from engine.ops import installation
from engine.ops.doctor.conf import read
from engine.ops.installation import Layout, Outcome, install
from engine.ops.share import share


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Path -> text and mode of every file."""
    return {
        str(path.relative_to(folder)): (path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_all_of_it(tmp_path: Path) -> None:
    found = install(tmp_path, Layout.PLAIN, "Asterisk 22.10.1")
    assert found.whole
    assert {one.outcome for one in found.placed} == {Outcome.WRITTEN}
    files = tree(tmp_path)
    assert set(files) == {str(one.path.relative_to(tmp_path)) for one in found.placed}
    secret, mode = files["etc/volley/ami.secret"]
    assert mode == 0o600
    assert re.fullmatch(r"[0-9a-f]{48}\n", secret)
    text, mode = files["etc/asterisk/manager.d/volley.conf"]
    assert mode == 0o640
    assert f"secret={secret}" in text
    for name in ("volley.conf", "volley-inbound.conf"):
        assert files[f"etc/asterisk/volley/{name}"][0] == (share("dialplans") / name).read_text(
            encoding="utf-8"
        )
    assert not [
        path
        for path, (text, _) in files.items()
        if "@" in text and not path.endswith(".sample") and "@VOLLEY" in text
    ]
    settings = load(tmp_path / "etc/volley/volley.toml")
    assert str(settings.pbx["main"].secret_file) == "/etc/volley/ami.secret"
    assert settings.caller_id == ()
    assert "volley doctor, and do what it says" in found.steps


def test_the_secrets_of_two_installations_differ(tmp_path: Path) -> None:
    for name in ("one", "two"):
        install(tmp_path / name, Layout.PLAIN, "")
    assert len({(tmp_path / name / installation.SECRET).read_text() for name in ("one", "two")}) == 2


def test_asterisk_reads_what_was_laid_out(tmp_path: Path) -> None:
    install(tmp_path, Layout.PLAIN, "")
    etc = tmp_path / "etc/asterisk"
    (etc / "manager.conf").write_text('[general]\nenabled=yes\n#include "manager.d/*.conf"\n')
    (etc / "extensions.conf").write_text('[own]\nexten => 1,1,NoOp()\n#include "extensions.d/*.conf"\n')
    assert read(etc / "manager.conf", etc).get("volley", "write") == "system,call,originate"
    assert {"volley-call", "volley-inbound", "volley-version"} <= set(
        read(etc / "extensions.conf", etc).names()
    )


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    install(tmp_path, Layout.PLAIN, "")
    before = tree(tmp_path)
    again = install(tmp_path, Layout.PLAIN, "")
    assert {one.outcome for one in again.placed} == {Outcome.SAME}
    assert tree(tmp_path) == before


def test_what_exists_is_kept(tmp_path: Path) -> None:
    install(tmp_path, Layout.PLAIN, "")
    mine = tmp_path / "etc/volley/volley.toml"
    mine.write_text("# mine\n")
    rotated = tmp_path / "etc/logrotate.d/volley"
    rotated.write_text("# mine too\n")
    linked = tmp_path / "etc/sysusers.d/volley.conf"
    linked.unlink()
    linked.symlink_to("/dev/null")  # as one masks such a file
    found = install(tmp_path, Layout.PLAIN, "")
    outcomes = {one.path.name: one.outcome for one in found.placed if one.outcome != Outcome.SAME}
    assert outcomes == {
        "volley.toml.new": Outcome.BESIDE,
        "volley.dpkg-new": Outcome.BESIDE,  # logrotate reads all but such names
        "volley.conf.new": Outcome.BESIDE,
    }
    assert mine.read_text() == "# mine\n"
    assert rotated.read_text() == "# mine too\n"
    assert str(linked.readlink()) == "/dev/null"
    assert str(tmp_path / "etc/volley/volley.toml.new") in found.steps[0]


def test_a_new_one_that_exists_is_kept_too(tmp_path: Path) -> None:
    for name in ("volley.toml", "volley.toml.new"):
        path = tmp_path / "etc/volley" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name} of mine\n")
    found = install(tmp_path, Layout.PLAIN, "")
    assert not found.whole
    assert [one.path.name for one in found.placed if one.outcome == Outcome.BLOCKED] == ["volley.toml.new"]
    assert (tmp_path / "etc/volley/volley.toml.new").read_text() == "# volley.toml.new of mine\n"


def test_a_secret_that_is_there_is_used(tmp_path: Path) -> None:
    path = tmp_path / installation.SECRET
    path.parent.mkdir(parents=True)
    path.write_text("mine\n")
    install(tmp_path, Layout.PLAIN, "")
    assert path.read_text() == "mine\n"
    assert "secret=mine\n" in (tmp_path / "etc/asterisk/manager.d/volley.conf").read_text()


def test_dry_writes_nothing(tmp_path: Path) -> None:
    found = install(tmp_path / "root", Layout.PLAIN, "", dry=True)
    assert {one.outcome for one in found.placed} == {Outcome.WRITTEN}
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    ("version", "fast"),
    [
        ("", True),
        ("Asterisk 22.10.1", True),
        ("22.1", True),
        ("22.0.0", False),
        ("20.15.2", False),
        ("certified/20.7-cert5", False),
    ],
)
def test_the_filters_are_those_of_the_version(tmp_path: Path, version: str, fast: bool) -> None:
    install(tmp_path, Layout.PLAIN, version)
    assert ("eventfilter(action" in (tmp_path / "etc/asterisk/manager.d/volley.conf").read_text()) == fast


def test_a_version_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no version of Asterisk"):
        install(tmp_path, Layout.PLAIN, "the newest")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", [Layout.FREEPBX, Layout.ISSABEL])
def test_freepbx_gets_no_directory_that_it_does_not_read(tmp_path: Path, layout: Layout) -> None:
    found = install(tmp_path, layout, "")
    names = set(tree(tmp_path))
    assert "etc/asterisk/volley-manager.conf" in names
    assert not [name for name in names if "manager.d" in name or "extensions.d" in name or "pjsip.d" in name]
    assert any("manager_custom.conf" in step for step in found.steps)
    # The dialplan's directory is included whole: nothing but dialplans may lie in it.
    assert {name for name in names if name.startswith("etc/asterisk/volley/")} == {
        f"etc/asterisk/volley/{path.name}" for path in share("dialplans").glob("*.conf")
    }


def test_the_unit_runs_this_program_and_can_write_where_the_settings_say(tmp_path: Path) -> None:
    install(tmp_path, Layout.PLAIN, "")
    unit = (tmp_path / "etc/systemd/system/volley.service").read_text()
    program = re.search(r"^ExecStart=(\S+) run ", unit, re.MULTILINE)
    assert program is not None
    assert Path(program[1]).is_absolute()
    settings = load(tmp_path / "etc/volley/volley.toml")
    writable = re.search(r"^ReadWritePaths=(.*)$", unit, re.MULTILINE)
    assert writable is not None
    assert settings.log.file is not None
    needed = {
        settings.engine.state,
        settings.engine.queue,
        settings.log.file.parent,
        settings.pbx["main"].sounds_dir,
    }
    assert needed <= {Path(path.lstrip("-")) for path in writable[1].split()}
    made = (tmp_path / "etc/tmpfiles.d/volley.conf").read_text()
    assert all(f"d {path} " in made for path in needed)


def test_systemd_never_gives_up() -> None:
    """By default it does after five starts in ten seconds, and stays down when the disk is no longer full."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read_string((share("system") / "volley.service").read_text(encoding="utf-8"))
    assert (unit["Unit"]["StartLimitIntervalSec"], unit["Service"]["Restart"]) == ("0", "on-failure")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    unit = tmp_path / "volley.service"
    unit.write_text((share("system") / "volley.service").read_text().replace("@VOLLEY@", "/bin/true"))
    verify = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert verify.returncode == 0, verify.stderr
    assert "volley.service" not in verify.stderr
    level = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert level.returncode == 0, level.stdout[-2000:]


# --- the command ------------------------------------------------------------------------------------------------------


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["install", *arguments], env={"PATH": os.environ["PATH"]})
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_command_tells_what_is_left_to_do(tmp_path: Path) -> None:
    text = run("--target", str(tmp_path), "--asterisk", "22.10")
    assert f"{tmp_path}/etc/volley/volley.toml: written" in text
    assert "Left to do:" in text
    secret = (tmp_path / installation.SECRET).read_text().strip()
    assert secret not in text


def test_the_command_in_json(tmp_path: Path) -> None:
    found = json.loads(run("--target", str(tmp_path), "--dry-run", "--json", "--asterisk", "22.10"))
    assert found["dry_run"]
    assert {one["outcome"] for one in found["files"]} == {"written"}
    assert list(tmp_path.iterdir()) == []


def test_a_layout_that_is_none(tmp_path: Path) -> None:
    run("--target", str(tmp_path), "--layout", "trixbox", code=2)
