"""`volley doctor` on a real Asterisk: a clean bill for the lab as it is, and each of many bad settings found, one after another.

Bad settings are made as a person would make them: in Asterisk's configuration files and on its console, and in the modes of directories;
each is undone, and at the end the lab is well again.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

import lab
from engine.config import load
from engine.ops.doctor.examine import examine
from engine.ops.doctor.facts import Finding, Severity
from lab import Lab
from tests.asterisk.harness import REPOSITORY

pytestmark = pytest.mark.asterisk

Change = Callable[[Lab], AbstractContextManager[None]]


Found = dict[str, list[Finding]]
"""Check -> its findings."""


def doctor(practice: Lab, etc: Path | None = None) -> Found:
    """All that it finds, as the command would."""
    report = asyncio.run(examine(practice.settings, load(practice.settings), etc))
    found: Found = {}
    for check in report.checks:
        found.setdefault(check.check, []).extend(check.findings)
    assert report.well == (not bad(found))
    return found


def until(practice: Lab, expected: dict[str, str]) -> None:
    """Asterisk asks its contacts when it likes, within seconds: run it until that much is bad and no more."""
    deadline = time.monotonic() + 20
    while (found := bad(doctor(practice))) != expected:
        assert time.monotonic() < deadline, found
        lab.console("pbx", "pjsip qualify carrier", practice.dir)
        time.sleep(0.5)


def bad(found: Found) -> dict[str, str]:
    """Check -> the worst that it found, where that is an error or a warning."""
    order = (Severity.WARNING, Severity.ERROR)
    return {
        check: one.severity.value
        for check, findings in found.items()
        for one in sorted(
            (one for one in findings if one.severity in order), key=lambda one: order.index(one.severity)
        )
    }


@contextmanager
def file(practice: Lab, name: str, old: str, new: str, *reload: str) -> Iterator[None]:
    """`old` in one of Asterisk's files becomes `new`, until the end of the block."""
    path = practice.dir / "pbx" / "etc" / name
    before = path.read_text(encoding="utf-8")
    assert old in before, f"{name} has no {old!r}"
    path.write_text(before.replace(old, new), encoding="utf-8")
    try:
        for command in reload:
            lab.console("pbx", command, practice.dir)
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        for command in reload:
            lab.console("pbx", command, practice.dir)


@contextmanager
def console(practice: Lab, do: str, undo: str) -> Iterator[None]:
    lab.console("pbx", do, practice.dir)
    try:
        yield
    finally:
        lab.console("pbx", undo, practice.dir)


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """A directory that only its owner may look into."""
    mode = path.stat().st_mode
    path.chmod(0o700)
    try:
        yield
    finally:
        path.chmod(mode)


USER = "manager.d/volley.conf"
OPTIONS = "asterisk.conf.d/volley-options.conf"
TRUNK = "pjsip.d/carrier.conf"
MANAGER, PJSIP = "manager reload", "module reload res_pjsip.so"

SETTINGS: dict[str, tuple[Change, dict[str, str]]] = {
    "another secret": (lambda at: file(at, USER, "secret=", "secret=not-", MANAGER), {"login": "error"}),
    "write lacks system": (
        lambda at: file(at, USER, "write=system,call", "write=call", MANAGER),
        {"actions": "error"},
    ),
    "write lacks call": (
        lambda at: file(at, USER, "write=system,call", "write=system", MANAGER),
        {"actions": "error"},
    ),
    "write has command": (
        lambda at: file(at, USER, "write=system", "write=command,system", MANAGER),
        {"actions": "warning"},
    ),
    "read lacks dtmf": (
        lambda at: file(at, USER, "read=system,call,user,dtmf", "read=system,call,user", MANAGER),
        {"read_classes": "error"},
    ),
    "open to every address": (
        lambda at: file(at, USER, "permit=127.0.0.1/255.255.255.255", "permit=0.0.0.0/0.0.0.0", MANAGER),
        {"addresses": "error"},
    ),
    "a filter holds back the end of calls": (
        lambda at: file(at, USER, "name(Hangup)", "name(Hold)", MANAGER),
        {"event_filter": "error"},
    ),
    "no filter": (
        lambda at: file(at, USER, "\neventfilter", "\n;eventfilter", MANAGER),
        {"event_filter": "warning"},
    ),
    "a short write time-out": (
        lambda at: file(at, USER, "writetimeout=5000", "writetimeout=100", MANAGER),
        {"write_timeout": "warning"},
    ),
    "no detection of machines": (
        lambda at: console(at, "module unload app_amd.so", "module load app_amd.so"),
        {"modules": "error"},
    ),
    "the dialplan of another version": (
        lambda at: file(
            at, "dialplans/volley.conf", "[volley-version]", "[volley-version-of-old]", "dialplan reload"
        ),
        {"dialplan": "error"},
    ),
    "no dialplan": (
        lambda at: file(at, "extensions.conf", '#include "dialplans/volley.conf"', "", "dialplan reload"),
        {"dialplan": "error"},
    ),
    "silence is not sent": (
        lambda at: file(at, OPTIONS, "transmit_silence=yes", "transmit_silence=no"),
        {"silence": "error"},
    ),
    "live_dangerously": (
        lambda at: file(at, OPTIONS, "live_dangerously=no", "live_dangerously=yes"),
        {"dangerous": "error"},
    ),
    "few descriptors": (
        lambda at: file(at, OPTIONS, "maxfiles=20000", "maxfiles=1024"),
        {"descriptors": "error"},
    ),
    "few RTP ports": (
        lambda at: file(at, "rtp.conf", f"rtpend={at.ports.rtp + 9_999}", f"rtpend={at.ports.rtp + 99}"),
        {"rtp_ports": "error"},
    ),
    "channel events": (
        lambda at: file(at, "cel.conf", "enable=no", "enable=yes"),
        {"call_records": "warning"},
    ),
    "a talkative log": (
        lambda at: file(at, "logger.conf", "notice,warning", "verbose,dtmf,notice,warning"),
        {"verbose_logs": "warning"},
    ),
    "direct media": (
        lambda at: file(at, TRUNK, "direct_media=no", "direct_media=yes", PJSIP),
        {"trunks": "error"},
    ),
    "another codec": (lambda at: file(at, TRUNK, "allow=alaw,ulaw", "allow=gsm", PJSIP), {"trunks": "error"}),
    "no such endpoint": (
        lambda at: file(at, TRUNK, "[carrier]\ntype=endpoint", "[courier]\ntype=endpoint", PJSIP),
        {"trunks": "error"},
    ),
    "no such queue": (
        lambda at: file(at, "queues.conf", "[support]", "[supper]", "queue reload all"),
        {"transfers": "error"},
    ),
    "prompts that Asterisk may not read": (
        lambda at: closed(at.sounds_dir),
        {"reaches_files": "error"},
    ),
}


def test_the_lab_is_well(practice: Lab) -> None:
    """By the command itself; nothing is unknown either."""
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "doctor", "--json", "--config", str(practice.settings)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = json.loads(done.stdout)
    assert found["well"]
    assert found["counts"] == {"error": 0, "warning": 0, "note": 1, "unknown": 0}
    assert practice.secret_file.read_text(encoding="utf-8").strip() not in done.stdout


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_bad_setting_is_found(practice: Lab, setting: str) -> None:
    change, expected = SETTINGS[setting]
    with change(practice):
        found = doctor(practice)
    assert bad(found) == expected
    for one in found[next(iter(expected))]:
        assert one.what
        assert one.todo


def test_a_carrier_that_is_not_there(practice: Lab) -> None:
    with file(practice, TRUNK, "contact=sip:127.0.0.2", "contact=sip:127.0.0.9", PJSIP):
        until(practice, {"trunks": "error"})


def test_files_tell_why_a_login_is_refused(practice: Lab) -> None:
    etc = practice.dir / "pbx" / "etc"
    with file(practice, USER, "permit=127.0.0.1/", "permit=10.9.8.7/", MANAGER):
        found = doctor(practice, etc)
    (login,) = found["login"]
    assert "permit does not have 127.0.0.1" in login.todo
    assert found["rtp_ports"] == []  # read from the file, since AMI tells nothing


WIRE: dict[str, tuple[dict[str, str], str, str]] = {
    "as it is": ({}, "note", "From <+33162000001@127.0.0.1>, P-Asserted-Identity <+33162000001@127.0.0.1>"),
    "an account in From": (
        {"send_pai=yes": "send_pai=yes\nfrom_user=account77"},
        "note",
        "P-Asserted-Identity is: From <account77@",
    ),
    "nothing but an account": (
        {"send_pai=yes": "send_pai=no\nfrom_user=account77"},
        "error",
        "callees do not see +33162000001",
    ),
    "a fixed number": (
        {"send_pai=yes": "send_pai=yes\ncallerid=<+33162000009>"},
        "note",
        "it sends From <+33162000001@",
    ),
    "by a proxy": (
        {"send_pai=yes": "send_pai=yes\noutbound_proxy=sip:127.0.0.2:25060\\;lr"},
        "unknown",
        "has an outbound proxy",
    ),
}
"""Changes at the trunk's endpoint -> how bad what is seen is, and what is told."""


@pytest.mark.parametrize("setting", WIRE)
def test_what_a_trunk_shows_is_seen_on_the_wire(practice: Lab, setting: str) -> None:
    changes, severity, what = WIRE[setting]
    with ExitStack() as stack:
        for old, new in changes.items():
            stack.enter_context(file(practice, TRUNK, old, new, PJSIP))
        report = asyncio.run(examine(practice.settings, load(practice.settings), wire=True))
    found = [one for check in report.checks if check.check == "caller_id" for one in check.findings]
    by_trunk = {one.where: one for one in found}
    assert (by_trunk["trunk.carrier"].severity.value, what in by_trunk["trunk.carrier"].what) == (
        severity,
        True,
    ), found


def test_the_lab_is_well_again(practice: Lab) -> None:
    until(practice, {})
