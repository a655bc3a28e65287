"""Configuration files: no placeholder stays, and the PBX runs on the very files that users get."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.places import Ports
from lab.render import DROP_IN, Instance, files, fill, write

PORTS = Ports(sip=5070, ami=5039, rtp=20000)


def instance(name: str, version: tuple[int, ...] = (22, 10, 1)) -> Instance:
    return Instance(name, Path("/x") / name, PORTS, "s3cret", version)


@pytest.mark.parametrize("name", ["pbx", "carrier"])
def test_no_placeholder_stays(name: str) -> None:
    assert [
        path for path, text in files(instance(name)).items() if re.search(r"@[A-Z][A-Z0-9_]*@", text)
    ] == []


def test_a_placeholder_without_a_value_is_an_error() -> None:
    assert fill("PJSIP/1@@NAME@", {"NAME": "carrier"}) == "PJSIP/1@carrier"
    with pytest.raises(KeyError):
        fill("@NOPE@", {})


def test_the_pbx_runs_on_the_drop_in_files() -> None:
    found = files(instance("pbx"))
    manager = (DROP_IN / "manager.d/volley.conf").read_text()
    assert found["manager.d/volley.conf"] == manager.replace("@VOLLEY_AMI_SECRET@", "s3cret")
    assert (
        found["asterisk.conf.d/volley-options.conf"]
        == (DROP_IN / "asterisk.conf.d/volley-options.conf").read_text()
    )
    assert "contact=sip:127.0.0.2:5070" in found["pjsip.d/carrier.conf"]
    assert "contact=sip:127.0.0.3:5070" in found["pjsip.d/bench.conf"]
    assert found["pjsip.d/carrier.conf"].count("[carrier]") == 3


@pytest.mark.parametrize(
    ("version", "fast"),
    [((20, 9), False), ((21, 0, 2), False), ((22, 0, 0), False), ((22, 1), True), ((23,), True)],
)
def test_old_asterisk_gets_the_old_filters(version: tuple[int, ...], fast: bool) -> None:
    text = files(instance("pbx", version))["manager.d/volley.conf"]
    assert ("eventfilter(action(include)" in text) is fast
    assert ("\neventfilter=" in text) is not fast


def test_every_dialplan_file_is_included(tmp_path: Path) -> None:
    (tmp_path / "one.conf").write_text("[volley-one]\n")
    (tmp_path / "two.conf").write_text("[volley-two]\n")
    found = files(instance("pbx"), dialplans=tmp_path)
    assert found["dialplans/two.conf"] == "[volley-two]\n"
    assert '#include "dialplans/one.conf"\n#include "dialplans/two.conf"\n' in found["extensions.conf"]


def test_both_ends_agree_on_addresses() -> None:
    pbx, carrier = files(instance("pbx")), files(instance("carrier"))
    assert "bind=127.0.0.1:5070" in pbx["pjsip.conf"]
    assert "bind=127.0.0.2:5070" in carrier["pjsip.conf"]
    assert "match=127.0.0.1" in carrier["pjsip.conf"]
    assert "rtpstart=20000\nrtpend=29999" in pbx["rtp.conf"]
    assert "rtpstart=30000\nrtpend=39999" in carrier["rtp.conf"]


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    assert sorted(write(tmp_path, {"a.conf": "1", "d/b.conf": "2"})) == ["a.conf", "d/b.conf"]
    before = (tmp_path / "a.conf").stat().st_mtime_ns
    assert write(tmp_path, {"a.conf": "1", "d/b.conf": "3"}) == ["d/b.conf"]
    assert (tmp_path / "a.conf").stat().st_mtime_ns == before
    assert write(tmp_path, {"a.conf": "1"}) == ["d/b.conf"]
    assert not (tmp_path / "d/b.conf").exists()
