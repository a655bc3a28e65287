"""The AMI user and its connection: each thing that can be wrong with it, one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import AmiLoginRefused, AmiUnreachable
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.facts import Access, Severity
from engine.ops.doctor.needs import ACTIONS
from tests.ops.doctor.wellness import USER, manager, of_pbx, the_one, user_with, well_pbx

ERROR, WARNING, NOTE, UNKNOWN = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.UNKNOWN


def test_all_is_well(tmp_path: Path) -> None:
    assert of_pbx(tmp_path) == {}


@pytest.mark.parametrize(
    ("conf", "check", "severity", "words"),
    [
        (user_with(read="system,call,user"), "read_classes", ERROR, "dtmf"),
        (user_with(read="call,user,dtmf"), "read_classes", ERROR, "FullyBooted"),
        (user_with(read="system,call,user,dtmf,verbose"), "read_classes", WARNING, "verbose"),
        (user_with(read="all"), "read_classes", WARNING, "all"),
        (user_with(deny=None), "addresses", ERROR, "no deny"),
        (user_with(permit="0.0.0.0/0.0.0.0"), "addresses", ERROR, "permit=0.0.0.0"),
        (user_with(acl="engines"), "addresses", NOTE, "acl engines"),
        (user_with(writetimeout=None), "write_timeout", WARNING, "100 ms"),
        (user_with(writetimeout="200"), "write_timeout", WARNING, "200 ms"),
        (manager(*USER, ("eventfilter", "!Hangup")), "event_filter", ERROR, "Hangup"),
        (manager(*USER, ("eventfilter(name(VarSet))", "")), "event_filter", WARNING, "VarSet"),
        (manager(*USER, ("eventfilter(method(like))", "x")), "event_filter", ERROR, "no method like"),
        (manager(*USER, ("eventfilter", "(")), "event_filter", ERROR, "refuses"),
        (manager(*(one for one in USER if "filter" not in one[0])), "event_filter", WARNING, "36 events"),
    ],
)  # fmt: skip
def test_the_user(tmp_path: Path, conf: Conf, check: str, severity: Severity, words: str) -> None:
    confs = {**well_pbx(tmp_path).confs, "manager.conf": conf}
    assert words in the_one(of_pbx(tmp_path, confs=confs), check, severity).what


def test_an_open_port_is_worth_a_look(tmp_path: Path) -> None:
    conf = Conf((("general", (("bindaddr", "0.0.0.0"),)), ("volley", USER)))
    confs = {**well_pbx(tmp_path).confs, "manager.conf": conf}
    assert "every address" in the_one(of_pbx(tmp_path, confs=confs), "addresses", NOTE).what


def test_a_pbx_elsewhere_is_spoken_to_by_tls(tmp_path: Path) -> None:
    far = well_pbx(tmp_path).settings.model_copy(update={"host": "192.0.2.7"})
    found = the_one(of_pbx(tmp_path, settings=far), "encryption", WARNING)
    assert "AMI with 192.0.2.7 is not encrypted" in found.what
    assert of_pbx(tmp_path, settings=far.model_copy(update={"tls": True})) == {}


@pytest.mark.parametrize("conf", [None, Conf((("general", ()),))], ids=["not readable", "without the user"])
def test_what_cannot_be_read_is_unknown(tmp_path: Path, conf: Conf | None) -> None:
    confs = {name: one for name, one in well_pbx(tmp_path).confs.items() if name != "manager.conf"}
    found = of_pbx(tmp_path, confs=confs if conf is None else {**confs, "manager.conf": conf})
    assert set(found) == {"read_classes", "addresses", "event_filter", "write_timeout"}
    assert {one.severity for findings in found.values() for one in findings} == {UNKNOWN}


def test_what_this_user_may_not_do(tmp_path: Path) -> None:
    missing = the_one(
        of_pbx(tmp_path, commands=frozenset(ACTIONS) - {"DBPut", "DBDelTree"}), "actions", ERROR
    )
    assert "DBPut, DBDelTree" in missing.what
    assert "system is missing" in missing.todo


def test_what_this_user_may_beyond(tmp_path: Path) -> None:
    found = of_pbx(tmp_path, commands=frozenset({*ACTIONS, "Command", "UpdateConfig"}))
    assert "command, config" in the_one(found, "actions", WARNING).what


def test_no_full_boot(tmp_path: Path) -> None:
    assert "FullyBooted" in the_one(of_pbx(tmp_path, booted=False), "login", ERROR).what


@pytest.mark.parametrize(
    ("conf", "todo"),
    [
        (user_with(permit="10.0.0.1/32"), "permit does not have 127.0.0.1"),
        (manager(*USER), "secret is not the one"),
        (Conf((("general", ()),)), "no [volley]"),
        (Conf((("general", (("allowmultiplelogin", "no"),)), ("volley", USER))), "allowmultiplelogin"),
    ],
)
def test_a_refused_login_is_explained(tmp_path: Path, conf: Conf, todo: str) -> None:
    confs = {**well_pbx(tmp_path).confs, "manager.conf": conf}
    found = of_pbx(tmp_path, trouble=AmiLoginRefused("Authentication failed"), confs=confs)
    (login,) = found["login"]
    assert login.severity == ERROR
    assert todo in login.todo
    assert "s3cret" not in str(found)


def test_no_connection_leaves_nothing_well(tmp_path: Path) -> None:
    """What AMI alone tells is unknown then, and never taken for well."""
    found = of_pbx(
        tmp_path, trouble=AmiUnreachable("refused"), version="", core={}, commands=None, modules={}, values={}, endpoints={}, ahead=None,
        confs={}, descriptors=None, local=False,
    )  # fmt: skip
    assert found["login"][0].severity == ERROR
    assert {check for check, findings in found.items() if any(one.severity == UNKNOWN for one in findings)} == {
        "actions", "read_classes", "addresses", "event_filter", "write_timeout", "version", "known_advisories", "modules", "dialplan",
        "dangerous", "silence", "rtp_ports", "descriptors", "call_limits", "call_records", "verbose_logs", "clock", "trunks", "inbound",
        "transfers", "contexts", "reaches_files",
    }  # fmt: skip


def test_a_user_that_asterisk_may_not_read_is_no_matter_of_the_secret(tmp_path: Path) -> None:
    """The file of the AMI user, made by root and not given to Asterisk's group."""
    path = Path("/etc/asterisk/manager.d/volley.conf")
    why = "asterisk may not read it (mode 0640, owner root)"
    closed = Access("manager.conf", path, "Asterisk (asterisk)", "read", False, why)
    found = of_pbx(tmp_path, trouble=AmiLoginRefused("Authentication failed"), closed=(closed,))
    todo = the_one(found, "login", ERROR).todo
    assert f"{path}: {why}; chown root:asterisk {path}" in todo
    assert "secret" not in todo
