"""What a call costs, and at most while it lives."""

from __future__ import annotations

from typing import Any

import pytest

from engine.campaign import Campaign
from engine.channel import Report
from engine.config import Settings
from engine.tariff import SLACK, Tariff

SETTINGS = Settings.model_validate(
    {
        "pbx": {"lab": {"secret_env": "X", "sounds_dir": "/sounds"}},
        "trunk": {
            "a": {"pbx": "lab", "dial": "PJSIP/{number}@a", "price": 0.6},
            "b": {"pbx": "lab", "dial": "PJSIP/{number}@b", "price": 1.2},
            "free": {"pbx": "lab", "dial": "PJSIP/{number}@c"},
        },
        "caller_id": [{"number": "+33162000001", "owner": "Anna", "proof": "2026-01-01"}],
        "transfer": {
            "desk": {"dial": "PJSIP/101", "places": 2, "ring": 20, "max_talk": 100},
            "office": {
                "number": "+33145678901", "trunk": "b", "caller_id": "+33162000001", "places": 2, "ring": 30, "max_talk": 600,
            },
        },
    }
)  # fmt: skip


def tariff(*targets: str) -> Tariff:
    keys: dict[str, Any] = {str(at): {"action": "transfer", "to": name} for at, name in enumerate(targets, 1)}
    campaign = Campaign.model_validate(
        {
            "id": "c", "owner": "Anna", "purpose": "informational", "caller_id": "+33162000001",
            "message": {"prompts": ["hello.wav"]}, "menu": {"keys": {**keys, "9": "never_again"}},
        }
    )  # fmt: skip
    return Tariff.of(campaign, SETTINGS, 60.0)


def test_a_call_costs_by_the_second_from_the_answer_on() -> None:
    plain = tariff()
    assert plain.cost("a", 1000.0, 1030.0, ()) == pytest.approx(0.3)
    assert plain.cost("b", 1000.0, 1030.0, ()) == pytest.approx(0.6)
    assert plain.cost("free", 1000.0, 1030.0, ()) == 0.0
    assert plain.cost("gone", 1000.0, 1030.0, ()) == 0.0  # a trunk that the settings have no more
    assert plain.cost("a", None, 1030.0, ()) == 0.0
    assert plain.cost("a", 1000.0, 999.0, ()) == 0.0  # a clock that was set


def test_a_transfer_to_a_number_is_a_second_call() -> None:
    both = tariff("desk", "office")
    reports = [
        Report(1, 1, "transfer", "office/waiting", 1010.0),
        Report(1, 2, "transfer", "office/answered", 1020.0),
    ]
    assert both.cost("a", 1000.0, 1080.0, reports) == pytest.approx(0.8 + 1.2)
    desk = [Report(1, 1, "transfer", "desk/answered", 1020.0)]
    assert both.cost("a", 1000.0, 1080.0, desk) == pytest.approx(0.8), (
        "a telephone of the PBX costs nothing more"
    )


@pytest.mark.parametrize(
    ("targets", "trunk", "seconds", "second"),
    [
        ((), "a", 60.0, 0.0),
        (("desk",), "a", 60.0 + 120.0, 0.0),
        (("desk", "office"), "a", 60.0 + 630.0, 630.0),
        (("office",), "free", 60.0 + 630.0, 630.0),
    ],
)
def test_at_most(targets: tuple[str, ...], trunk: str, seconds: float, second: float) -> None:
    price = SETTINGS.trunk[trunk].price
    assert tariff(*targets).most(trunk) == pytest.approx(((seconds + SLACK) * price + second * 1.2) / 60)


def test_no_call_that_ends_at_its_limit_costs_more_than_that() -> None:
    both = tariff("desk", "office")
    answered = [Report(1, 1, "transfer", "office/answered", 1060.0 + 30.0)]
    for trunk in SETTINGS.trunk:
        assert both.cost(trunk, 1000.0, 1000.0 + 60.0 + 630.0, answered) <= both.most(trunk)
