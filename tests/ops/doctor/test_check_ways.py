"""Trunks, transfer targets, contexts, sounds and files: each thing that can be wrong, one at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.ops.doctor.facts import Access, Endpoint, Severity
from engine.ops.doctor.needs import endpoint_of, lives_here
from engine.trunk_settings import TrunkSettings
from tests.ops.doctor.wellness import ENDPOINT, of_pbx, settings, the_one, well_pbx

ERROR, WARNING, NOTE, UNKNOWN = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.UNKNOWN


@pytest.mark.parametrize(
    ("options", "severity", "words"),
    [
        ({"allow": "(gsm)"}, ERROR, "does not allow alaw, ulaw"),
        ({"allow": "(alaw)"}, ERROR, "does not allow ulaw"),
        ({"direct_media": "true"}, ERROR, "direct_media"),
        ({"dtmf_mode": "inband"}, WARNING, "inband"),
    ],
)
def test_an_endpoint_that_is_set_wrong(
    tmp_path: Path, options: dict[str, str], severity: Severity, words: str
) -> None:
    endpoint = replace(ENDPOINT, options={**ENDPOINT.options, **options})
    assert words in the_one(of_pbx(tmp_path, endpoints={"carrier": endpoint}), "trunks", severity).what


@pytest.mark.parametrize(
    ("contacts", "severity", "words"),
    [
        ({"c": "Unreachable"}, ERROR, "not reachable (Unreachable)"),
        ({}, ERROR, "no contact"),
        ({"c": "NonQualified"}, NOTE, "not asked"),
        ({"c": "Unknown"}, NOTE, "not asked"),
        ({"c": "Created", "d": "Unreachable"}, NOTE, "not asked"),
        ({"c": "Unreachable", "d": "Reachable"}, None, ""),
    ],
)
def test_where_an_endpoint_leads(
    tmp_path: Path, contacts: dict[str, str], severity: Severity | None, words: str
) -> None:
    found = of_pbx(tmp_path, endpoints={"carrier": replace(ENDPOINT, contacts=contacts)})
    if severity is None:
        assert found == {}
    else:
        assert words in the_one(found, "trunks", severity).what


def test_no_such_endpoint(tmp_path: Path) -> None:
    nothing = Endpoint(dict.fromkeys(ENDPOINT.options, ""))
    assert (
        "no PJSIP endpoint carrier"
        in the_one(of_pbx(tmp_path, endpoints={"carrier": nothing}), "trunks", ERROR).what
    )


def test_calls_that_come_in_elsewhere(tmp_path: Path) -> None:
    endpoint = replace(ENDPOINT, options={**ENDPOINT.options, "context": "from-pstn"})
    assert "from-pstn" in the_one(of_pbx(tmp_path, endpoints={"carrier": endpoint}), "inbound", NOTE).what


@pytest.mark.parametrize(
    ("dial", "endpoint"),
    [
        ("PJSIP/{number}@carrier", "carrier"),
        ("PJSIP/carrier/sip:{number}@192.0.2.1", "carrier"),
        ("DAHDI/g1/{number}", ""),
    ],
)
def test_the_endpoint_of_a_dial_template(dial: str, endpoint: str) -> None:
    assert endpoint_of(TrunkSettings(pbx="lab", dial=dial)) == endpoint


def test_a_trunk_that_is_no_sip_is_unknown(tmp_path: Path) -> None:
    whole = settings(tmp_path, trunk={"carrier": {"pbx": "lab", "dial": "DAHDI/g1/{number}"}})
    found = of_pbx(tmp_path, whole=whole, endpoints={})
    assert {one.severity for findings in found.values() for one in findings} == {UNKNOWN}
    assert "DAHDI" in found["trunks"][0].what


@pytest.mark.parametrize(
    ("function", "value", "check", "severity", "words"),
    [
        ("QUEUE_EXISTS(support)", "0", "transfers", ERROR, "no queue support"),
        ("QUEUE_MEMBER(support,count)", "0", "transfers", WARNING, "no member"),
        ("PJSIP_ENDPOINT(101,allow)", "", "transfers", ERROR, "no PJSIP endpoint 101"),
        ("DIALPLAN_EXISTS(agents,agent,1)", "0", "transfers", ERROR, "no agent in agents"),
        ("DIALPLAN_EXISTS(own,s,1)", "0", "contexts", ERROR, "context own"),
    ],
)
def test_where_callees_are_sent(
    tmp_path: Path, function: str, value: str, check: str, severity: Severity, words: str
) -> None:
    values = well_pbx(tmp_path).values
    assert function in values
    assert words in the_one(of_pbx(tmp_path, values={**values, function: value}), check, severity).what


def test_a_language_without_sounds(tmp_path: Path) -> None:
    found = of_pbx(tmp_path, sounds={"fr": ("opted-out", "goodbye", "inbound-ask", "inbound-how"), "en": ()})
    assert [one.severity for one in found["sounds"]] == [WARNING, WARNING]
    assert "in fr for call-back, invalid-key" in found["sounds"][0].what


def test_a_number_that_tells_nobody_who_called(tmp_path: Path) -> None:
    whole = settings(
        tmp_path,
        caller_id=[{"number": "+33162000001", "owner": "Test", "proof": "2026-01-01", "language": "fr"}],
    )
    assert "+33162000001" in the_one(of_pbx(tmp_path, whole=whole), "sounds", NOTE).what


@pytest.mark.parametrize(("allowed", "severity"), [(False, ERROR), (None, UNKNOWN)])
def test_files_that_asterisk_may_not_read(tmp_path: Path, allowed: bool | None, severity: Severity) -> None:
    access = Access("pbx.lab.sounds_path", tmp_path, "Asterisk (asterisk)", "read", allowed, "mode 0700")
    assert "mode 0700" in the_one(of_pbx(tmp_path, access=(access,)), "reaches_files", severity).what


def test_a_pbx_elsewhere(tmp_path: Path) -> None:
    pbx = well_pbx(tmp_path)
    assert lives_here(pbx.settings)
    assert not lives_here(pbx.settings.model_copy(update={"host": "192.0.2.7"}))
    assert (
        "whether Asterisk may read" in the_one(of_pbx(tmp_path, local=False), "reaches_files", UNKNOWN).what
    )


def test_without_its_module_a_function_tells_nothing(tmp_path: Path) -> None:
    """Asterisk answers then as if there were nothing."""
    found = of_pbx(tmp_path, endpoints={}, values=dict.fromkeys(well_pbx(tmp_path).values, ""))
    assert {"dialplan", "trunks", "transfers", "contexts"} <= set(found)
    assert {one.severity for findings in found.values() for one in findings} == {UNKNOWN}
