"""The PBX itself: each thing that can be wrong with it, one at a time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.ops.doctor import needs
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.facts import Severity
from engine.ops.share import MARK, dialplan_marks, mark_of, share
from tests.ops.doctor.wellness import of_pbx, settings, the_one, well_pbx

ERROR, WARNING, NOTE, UNKNOWN = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.UNKNOWN


def section(name: str, **options: str) -> Conf:
    return Conf(((name, tuple(options.items())),))


@pytest.mark.parametrize(
    ("file", "conf", "check", "severity", "words"),
    [
        ("asterisk.conf", section("options", maxfiles="20000"), "silence", ERROR, "transmit_silence is off"),
        (
            "asterisk.conf",
            section("options", transmit_silence="yes", live_dangerously="yes"),
            "dangerous",
            ERROR,
            "live_dangerously",
        ),
        (
            "asterisk.conf",
            section("options", transmit_silence="yes", maxfiles="400"),
            "descriptors",
            ERROR,
            "maxfiles=400",
        ),
        (
            "rtp.conf",
            section("general", rtpstart="10000", rtpend="10090"),
            "rtp_ports",
            ERROR,
            "carries 45 calls",
        ),
        ("rtp.conf", section("general", rtpstart="10000", rtpend="all"), "rtp_ports", ERROR, "no ports"),
        ("cel.conf", section("general", enable="yes"), "call_records", WARNING, "channel event"),
        ("logger.conf", section("logfiles", full="notice,verbose(3)"), "verbose_logs", WARNING, "verbose"),
        ("logger.conf", section("logfiles", full="*"), "verbose_logs", WARNING, "*"),
    ],
)
def test_a_file(tmp_path: Path, file: str, conf: Conf, check: str, severity: Severity, words: str) -> None:
    confs = {**well_pbx(tmp_path).confs, file: conf}
    assert words in the_one(of_pbx(tmp_path, confs=confs), check, severity).what


@pytest.mark.parametrize("file", ["asterisk.conf", "rtp.conf", "cel.conf", "logger.conf"])
def test_a_file_that_cannot_be_read_is_unknown(tmp_path: Path, file: str) -> None:
    confs = {name: one for name, one in well_pbx(tmp_path).confs.items() if name != file}
    found = of_pbx(tmp_path, confs=confs)
    assert {one.severity for findings in found.values() for one in findings} == {UNKNOWN}


def test_the_default_rtp_range_carries_thousands(tmp_path: Path) -> None:
    assert of_pbx(tmp_path, confs={**well_pbx(tmp_path).confs, "rtp.conf": Conf()}) == {}


@pytest.mark.parametrize(
    ("changes", "check", "severity", "words"),
    [
        ({"version": "18.26.4"}, "version", ERROR, "older than 20"),
        ({"version": "GIT-master-1a2b3c"}, "version", UNKNOWN, "GIT-master"),
        ({"descriptors": 256}, "descriptors", ERROR, "256 files"),
        ({"ahead": 5.0}, "clock", WARNING, "5 s ahead"),
        ({"ahead": -300.0}, "clock", ERROR, "300 s behind"),
        ({"ahead": 2.5, "doubt": 1.0}, "clock", None, ""),
    ],
)
def test_a_fact(
    tmp_path: Path, changes: dict[str, Any], check: str, severity: Severity | None, words: str
) -> None:
    found = {name: one for name, one in of_pbx(tmp_path, **changes).items() if name != "known_advisories"}
    if severity is None:
        assert found == {}
    else:
        assert words in the_one(found, check, severity).what


@pytest.mark.parametrize(
    ("core", "severity", "check", "words"),
    [
        ({"CoreMaxCalls": "10"}, WARNING, "call_limits", "maxcalls=10"),
        ({"CoreMaxLoadAvg": "1.500000"}, WARNING, "call_limits", "maxload"),
        ({"CoreCDRenabled": "Yes"}, NOTE, "call_records", "each written at once"),
    ],
)
def test_asterisk_s_own_limits(
    tmp_path: Path, core: dict[str, str], severity: Severity, check: str, words: str
) -> None:
    found = of_pbx(tmp_path, core={**well_pbx(tmp_path).core, **core})
    assert words in the_one(found, check, severity).what


@pytest.mark.parametrize(
    "module", ["app_amd", "app_read", "func_db", "func_groupcount", "app_queue", "chan_pjsip"]
)
def test_a_module_that_is_not_loaded(tmp_path: Path, module: str) -> None:
    found = of_pbx(tmp_path, modules={**well_pbx(tmp_path).modules, module: False})
    assert module in the_one(found, "modules", ERROR).what


@pytest.mark.parametrize("module", ["res_agi", "app_audiosocket"])
def test_the_detector_is_not_heard(tmp_path: Path, module: str) -> None:
    found = of_pbx(tmp_path, modules={**well_pbx(tmp_path).modules, module: False})
    assert module in the_one(found, "modules", WARNING).what


def test_no_queue_no_app_queue(tmp_path: Path) -> None:
    pbx = well_pbx(tmp_path)
    whole = pbx.whole.model_copy(update={"transfer": {}})
    assert "app_queue" not in needs.modules_of("lab", whole)
    assert "app_queue" in needs.modules_of("lab", pbx.whole)


def test_the_dialplan_of_another_version(tmp_path: Path) -> None:
    mark = dialplan_marks()["volley"]
    values = {**well_pbx(tmp_path).values, f"DIALPLAN_EXISTS(volley-version,{mark},1)": "0"}
    finding = the_one(of_pbx(tmp_path, values=values), "dialplan", ERROR)
    assert "another version" in finding.what
    assert finding.where == "dialplans/volley.conf"


@pytest.mark.parametrize(("context", "severity"), [("volley-call", ERROR), ("volley-inbound", WARNING)])
def test_no_dialplan(tmp_path: Path, context: str, severity: Severity) -> None:
    values = {**well_pbx(tmp_path).values, f"DIALPLAN_EXISTS({context})": "0"}
    assert "not loaded" in the_one(of_pbx(tmp_path, values=values), "dialplan", severity).what


def test_functions_that_answer_show_that_asterisk_is_open(tmp_path: Path) -> None:
    values = {**well_pbx(tmp_path).values, needs.DANGEROUS: "1"}
    assert "live_dangerously" in the_one(of_pbx(tmp_path, values=values), "dangerous", ERROR).what


def test_a_pbx_that_fetches_its_sounds(tmp_path: Path) -> None:
    table = {
        "secret_env": "X",
        "sounds_dir": tmp_path,
        "sounds_path": "/srv/sounds",
        "sounds_url": "http://192.0.2.1/lab",
    }
    whole = settings(tmp_path, pbx={"lab": table}, sounds={"listen": "127.0.0.1:8090"})
    well = well_pbx(tmp_path, whole=whole)
    assert of_pbx(tmp_path, whole=whole) == {}
    assert "func_curl" in well.modules
    missing = {**well.values, "DIALPLAN_EXISTS(volley-fetch)": "0"}
    assert (
        "none is dialed through it"
        in the_one(of_pbx(tmp_path, whole=whole, values=missing), "dialplan", ERROR).what
    )


def test_a_pbx_that_fetches_nothing_needs_none_of_it(tmp_path: Path) -> None:
    well = well_pbx(tmp_path)
    assert "func_curl" not in well.modules
    assert of_pbx(tmp_path, values={**well.values, "DIALPLAN_EXISTS(volley-fetch)": "0"}) == {}


# --- held against the files -------------------------------------------------------------------------------------------


def test_every_dialplan_bears_the_mark_of_its_text() -> None:
    """A PBX with an older copy is told by it. Out of date? `make schemas` writes them."""
    plans = sorted(share("dialplans").glob("*.conf"))
    assert {path.stem for path in plans} == set(dialplan_marks())
    for path in plans:
        text = path.read_text(encoding="utf-8")
        assert f"[{path.stem}-version]\n" in text
        assert len(MARK.findall(text)) == 1
        assert dialplan_marks()[path.stem] == mark_of(text), f"{path.name}: run make schemas"


def test_a_changed_dialplan_has_another_mark() -> None:
    text = (share("dialplans") / "volley.conf").read_text(encoding="utf-8")
    assert mark_of(text) == mark_of(MARK.sub("exten => ffffffff,1,NoOp()\n", text))
    assert mark_of(text) != mark_of(text.replace("AMD(", "BackgroundDetect("))


def test_every_application_and_function_of_the_dialplan_has_its_module() -> None:
    used = set()
    for path in share("dialplans").glob("*.conf"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.lstrip().startswith(("exten", "same")):
                used |= set(re.findall(r"(?<![A-Za-z_])([A-Z][A-Za-z_]+)\(", line.partition("=>")[2]))
    assert {"AMD", "Set", "DB", "Gosub"} <= used
    assert used - needs.BUILT_IN == set(needs.BROUGHT)
    assert set(needs.BROUGHT.values()) - {"app_queue"} <= set(needs.MODULES) | set(needs.FETCH_MODULES) | set(
        needs.DETECTOR_MODULES
    )
