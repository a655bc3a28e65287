"""What somebody hears who calls one of our numbers back, and whose number an opt-out is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.ami.encode import message
from engine.channel import InboundOptOut
from engine.config import CallerIdSettings
from engine.inbound import LONGEST_ENTRY, Inbound, caller_of, entries
from engine.rules.numbers import NumberError


def ours(number: str = "+33162000001", **more: Any) -> CallerIdSettings:
    return CallerIdSettings.model_validate({"number": number, "owner": "Anna", "proof": "2026-11-02", **more})


def sounds(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def of(found: Inbound, digits: str) -> dict[str, str]:
    return {
        key.partition("/")[2]: value for key, value in found.entries.items() if key.startswith(f"{digits}/")
    }


def test_who_called_comes_before_what_can_be_done(tmp_path: Path) -> None:
    there = sounds(
        tmp_path, "fr/health-centre", "fr/inbound-ask", "fr/inbound-how", "fr/opted-out", "fr/invalid-key"
    )
    found = entries([ours(language="fr", prompt="health-centre", opt_out_key="1")], there, "/pbx/sounds")
    told = {
        "number": "+33162000001", "language": "fr", "key": "1",
        "ask": "/pbx/sounds/fr/health-centre&/pbx/sounds/fr/inbound-ask",
        "how": "/pbx/sounds/fr/health-centre&/pbx/sounds/fr/inbound-how",
        "optout": "/pbx/sounds/fr/opted-out", "invalid": "/pbx/sounds/fr/invalid-key",
    }  # fmt: skip
    assert of(found, "33162000001") == of(found, "0162000001") == told
    assert len(found.entries) == 2 * len(told)
    assert found.mute == ()


def test_a_sound_is_looked_for_in_the_language_then_in_its_family_then_for_all(tmp_path: Path) -> None:
    there = sounds(tmp_path, "fr-CA/inbound-ask", "fr/inbound-how", "health-centre")
    found = of(entries([ours(language="fr-CA", prompt="health-centre")], there, "/s"), "33162000001")
    assert found["language"] == "fr_CA"
    assert found["ask"] == "/s/health-centre&/s/fr-CA/inbound-ask"
    assert found["how"] == "/s/health-centre&/s/fr/inbound-how"
    assert "optout" not in found


@pytest.mark.parametrize("prompt", [None, "not-there"])
def test_a_number_that_cannot_say_who_calls_is_told_of(tmp_path: Path, prompt: str | None) -> None:
    found = entries([ours(prompt=prompt)], tmp_path, "/s")
    assert found.mute == ("+33162000001",)
    assert of(found, "33162000001") == {"number": "+33162000001", "language": "en", "key": "9"}


def test_digits_that_two_numbers_share_at_home_are_nobodys(tmp_path: Path) -> None:
    """A number of Rennes and one of Sydney are both dialed 0299345678 at home."""
    found = entries([ours("+33299345678"), ours("+61299345678")], tmp_path, "/s")
    assert {key.partition("/")[0] for key in found.entries} == {"33299345678", "61299345678"}


def test_a_country_code_that_does_not_exist_has_its_digits_alone(tmp_path: Path) -> None:
    assert {key.partition("/")[0] for key in entries([ours("+9991234567")], tmp_path, "/s").entries} == {
        "9991234567"
    }


def test_every_entry_fits_into_a_line(tmp_path: Path) -> None:
    there = sounds(tmp_path, "en/who", "en/inbound-ask", "en/inbound-how", "en/opted-out")
    found = entries([ours(prompt="who")], there, "/" + "x" * 600)
    assert set(of(found, "33162000001")) == {"number", "language", "key", "optout"}
    assert all(len(value) <= LONGEST_ENTRY for value in found.entries.values())
    for key, value in found.entries.items():
        message([("Action", "DBPut"), ("Family", "volleyinbound"), ("Key", key), ("Val", value)])


@pytest.mark.parametrize(
    ("number", "called", "region", "e164"),
    [
        ("+33199001001", "33162000001", None, "+33199001001"),
        ("0199001001", "33162000001", None, "+33199001001"),
        ("0199001001", "0162000001", "US", "+33199001001"),
        ("33199001001", "33162000001", None, "+33199001001"),
        ("0033199001001", "33162000001", None, "+33199001001"),
        ("2125550199", "12125550100", "FR", "+12125550199"),
        ("0199001001", "4711", "FR", "+33199001001"),
    ],
)
def test_whose_number_it_is(number: str, called: str, region: str | None, e164: str) -> None:
    event = InboundOptOut("17.1", number, called, 5.0)
    assert caller_of(event, [ours(), ours("+12125550100")], region).e164 == e164


@pytest.mark.parametrize(
    ("number", "called"), [("0199001001", "4711"), ("1234567", "33162000001"), ("00000000", "33162000001")]
)
def test_a_number_that_means_nothing_is_refused(number: str, called: str) -> None:
    with pytest.raises(NumberError):
        caller_of(InboundOptOut("17.1", number, called, 5.0), [ours()], None)
