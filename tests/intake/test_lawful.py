"""Rows that the gate would never let through are rejected at intake, each with its row's number and all that is to be done."""

from __future__ import annotations

import csv
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.campaign import Campaign
from engine.config import Settings
from engine.intake.lawful import Law
from engine.intake.parse_client import ParseRequest, parse_job
from engine.intake.source import ContactSource
from engine.intake.wire import Batch, Done

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC).timestamp()
AGREED = ("written", "2026-10-01", "web form", "marketing", "crm/4711")
NOTHING = ("", "", "", "", "")
HEADINGS = (
    "phone", "state", "zip", "consent", "consent_at", "consent_source", "consent_purpose", "consent_reference"
)  # fmt: skip


def settings(**law: object) -> Settings:
    return Settings.model_validate(
        {
            "pbx": {"main": {"secret_env": "X", "sounds_dir": "/s"}},
            "trunk": {"t": {"pbx": "main", "dial": "PJSIP/{number}@t"}},
            "law": {"countries": ["FR", "US", "BR"], **law},
        }
    )


def law(purpose: str = "marketing", message: float | None = 20.0, **more: object) -> Law:
    campaign = Campaign.model_validate(
        {
            "id": "x", "owner": "Anna", "purpose": purpose, "caller_id": "+33162000001",
            "message": {"prompts": ["hello.wav"]}, **more,
        }
    )  # fmt: skip
    return Law.of(campaign, settings(), message, NOW)


async def rejected(
    folder: Path, bound: Law | None, *rows: tuple[str, ...]
) -> tuple[dict[int, tuple[str, str]], Done]:
    """Row -> (code, reason), as the rejects file has them."""
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADINGS, *rows])
    source = ContactSource.model_validate({"file": "people.csv"})
    request = ParseRequest(folder, source, folder / "rejects.csv", "FR", "fr", law=bound)
    done = None
    async with aclosing(parse_job(request)) as parts:
        async for part in parts:
            if isinstance(part, Done):
                done = part
            else:
                assert isinstance(part, Batch)
    assert done is not None
    found = {}
    if (folder / "rejects.csv").exists():
        with (folder / "rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
            found = {int(row[0]): (row[1], row[2]) for row in list(csv.reader(stream))[1:]}
    return found, done


async def test_each_row_that_no_gate_would_let_through_says_why(tmp_path: Path) -> None:
    found, done = await rejected(
        tmp_path,
        law(),
        ("+33612345678", "", "", *AGREED),
        ("+33612345679", "", "", *NOTHING),
        ("+33612345680", "", "", "written", "2026-10-01", "web form", "survey", "crm/4712"),
        ("+33612345681", "", "", "written", "", "web form", "marketing", ""),
        ("+33899123456", "", "", *AGREED),
        ("+442071234567", "", "", *AGREED),
        ("+5511987654321", "", "", *AGREED),
        ("+12125561234", "Ruritania", "", *AGREED),
        ("+12125561235", "NY", "10001", *AGREED),
        ("+33199001042", "", "", *NOTHING),
    )
    assert {row: code for row, (code, _) in found.items()} == {
        3: "no_consent", 4: "no_consent", 5: "no_consent", 6: "toll", 7: "country_not_allowed", 8: "no_rules",
        9: "place_unclear",
    }  # fmt: skip
    assert "consent_at" in found[5][1]
    assert "consent_reference" in found[5][1]  # all that is missing, at once
    assert "law.countries" in found[7][1]
    assert "Ruritania" in found[9][1]
    assert (done.accepted, done.rejected) == (3, 7)


async def test_a_reminder_needs_no_consent_in_france_and_a_campaign_is_held_against_the_place(
    tmp_path: Path,
) -> None:
    row = ("+33612345678", "", "", *NOTHING)
    assert (await rejected(tmp_path, law("informational"), row))[0] == {}
    short = replace(law("informational"), ring=10.0)
    assert (await rejected(tmp_path, short, row))[0][2][0] == "call_unlawful"
    assert (await rejected(tmp_path, None, row))[0] == {}


@pytest.mark.parametrize(
    ("expires", "codes"), [("2026-11-25T00:00:00Z", []), ("2026-11-24T09:00:00Z", ["not_approved"])]
)
async def test_an_emergency_is_approved_or_nobody_of_it_is_taken(
    tmp_path: Path, expires: str, codes: list[str]
) -> None:
    bound = law("emergency", emergency={"approved_by": ["Anna", "Bert"], "expires": expires})
    found, _ = await rejected(tmp_path, bound, ("+33612345678", "", "", *NOTHING))
    assert [code for code, _ in found.values()] == codes


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"purpose": "emergency"}, "approved_by"),
        ({"purpose": "survey", "emergency": {"approved_by": ["Anna", "Bert"], "expires": "2026-12-01T00:00:00Z"}}, "approved_by"),
        ({"purpose": "emergency", "emergency": {"approved_by": ["Anna", " anna "], "expires": "2026-12-01T00:00:00Z"}}, "different"),
        ({"purpose": "emergency", "emergency": {"approved_by": ["Anna"], "expires": "2026-12-01T00:00:00Z"}}, "approved_by"),
        ({"purpose": "emergency", "emergency": {"approved_by": ["Anna", "Bert"], "expires": "2026-12-01T00:00:00"}}, "offset"),
        ({"topics": ["gossip"]}, "topics"),
    ],
)  # fmt: skip
def test_what_cannot_be_approved_is_no_campaign(more: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        law(**{"purpose": "informational", **more})  # type: ignore[arg-type]
