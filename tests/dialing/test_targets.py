"""Transfer targets as the dialplan reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.config import Settings
from engine.dialing.targets import FAMILY, entries

TRANSFERS: dict[str, dict[str, Any]] = {
    "support": {"queue": "support", "places": 4},
    "desk": {"dial": "PJSIP/101&PJSIP/102", "places": 2, "max_waiting": 1, "ring": "20s", "max_talk": "30m"},
    "doctor": {"number": "+33199001050", "trunk": "a", "caller_id": "+33162000001", "places": 1},
}


def settings(number_format: str = "+E.164", **transfers: dict[str, Any]) -> Settings:
    return Settings.model_validate(
        {
            "pbx": {
                "lab": {"secret_env": "X", "sounds_dir": "/sounds"},
                "office": {"secret_env": "X", "sounds_dir": "/sounds"},
            },
            "trunk": {
                "a": {"pbx": "lab", "dial": "PJSIP/{number}@carrier", "number_format": number_format},
                "b": {"pbx": "office", "dial": "PJSIP/{number}@other"},
            },
            "caller_id": [{"number": "+33162000001", "owner": "Anna", "proof": "2026-01-01"}],
            "transfer": transfers,
        }
    )


def test_a_queue_telephones_and_a_number() -> None:
    assert entries(settings(**TRANSFERS), "lab") == {
        "support/queue": "support", "support/places": "4", "support/waiting": "5", "support/ring": "30", "support/max": "3630",
        "desk/dial": "PJSIP/101&PJSIP/102", "desk/places": "2", "desk/waiting": "1", "desk/ring": "20", "desk/max": "1820",
        "doctor/dial": "PJSIP/+33199001050@carrier", "doctor/caller": "+33162000001", "doctor/places": "1", "doctor/waiting": "5",
        "doctor/ring": "30", "doctor/max": "3630",
    }  # fmt: skip


def test_a_number_is_dialed_where_its_trunk_is() -> None:
    """Elsewhere there is nothing of it: without `places` the dialplan finds nobody free."""
    assert {key.partition("/")[0] for key in entries(settings(**TRANSFERS), "office")} == {"support", "desk"}


@pytest.mark.parametrize(
    ("number_format", "dialed"),
    [
        ("+E.164", "PJSIP/+33199001050@carrier"),
        ("E.164", "PJSIP/33199001050@carrier"),
        ("national", "PJSIP/0199001050@carrier"),
        ("prefix:00", "PJSIP/0033199001050@carrier"),
    ],
)
def test_a_number_is_written_as_its_trunk_wants_it(number_format: str, dialed: str) -> None:
    assert entries(settings(number_format, doctor=TRANSFERS["doctor"]), "lab")["doctor/dial"] == dialed


def test_no_transfers_no_entries() -> None:
    assert entries(settings(), "lab") == {}


def test_the_dialplan_reads_what_is_written() -> None:
    text = (Path(__file__).parents[2] / "dialplans" / "volley.conf").read_text(encoding="utf-8")
    read = set(re.findall(r"\$\{DB\(\$\{VOLLEY_TARGET\}/([a-z]+)\)", text))
    read |= set(re.findall(rf"\$\{{DB\({FAMILY}/\$\{{VOLLEY_ONE\}}/([a-z]+)\)", text))
    assert read == {key.partition("/")[2] for key in entries(settings(**TRANSFERS), "lab")}
