"""Manifests that are nonsense are told as such, whatever the nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Settings
from engine.errors import InputError
from engine.intake import manifest
from tests.ops.filled import NOON, settings_in

GOOD = """
id = "spring"
owner = "Desk <desk@example.org>"
purpose = "informational"
caller_id = "+33162000001"
message = { prompts = ["hello.wav"] }
contacts = { file = "people.csv" }
"""


def test_a_campaign(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(GOOD)
    found = manifest.load(path)
    assert isinstance(found.job, manifest.CampaignJob)
    assert found.job.campaign.id == "spring"
    assert found.folder == tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "id = " + "9" * 5000,
        "start = 0001-01-01T00:00:00+10:00\n" + GOOD,
        "[[[[",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        GOOD + "nobody = 1\n",
        GOOD.replace('"+33162000001"', '"0162000001"'),
    ],
)
def test_nonsense_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        manifest.load(path)


def test_a_json_manifest_with_an_endless_number(tmp_path: Path) -> None:
    path = tmp_path / "campaign.json"
    path.write_text('{"id": ' + "9" * 5000 + "}")
    with pytest.raises(InputError, match="not valid JSON"):
        manifest.load(path)


def test_every_problem_at_once(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(
        GOOD.replace("informational", "spam").replace("people.csv", "../people.csv") + "colour = 1\n"
    )
    with pytest.raises(InputError) as caught:
        manifest.load(path)
    assert {problem.where.rpartition(" ")[2] for problem in caught.value.problems} == {
        "purpose",
        "contacts.file",
        "colour",
    }


def test_a_day_s_cap_under_which_nothing_could_be_dialed(tmp_path: Path) -> None:
    settings = settings_in(
        tmp_path,
        trunk={
            "dear": {"pbx": "lab", "dial": "PJSIP/{number}@a", "price": 1.2},
            "cheap": {"pbx": "lab", "dial": "PJSIP/{number}@b", "price": 0.6},
        },
        limits={"max_call": "10m"},
    )

    def told(extra: str) -> list[str]:
        path = tmp_path / "campaign.toml"
        path.write_text(extra + GOOD)
        job = manifest.load(path).job
        assert isinstance(job, manifest.CampaignJob)
        return [
            str(one)
            for one in manifest.check(job.campaign, settings, path.name, NOON)
            if "cost_per_day" in one.where
        ]

    [problem] = told("cost_per_day = 6.0\n")
    assert problem.startswith(
        "campaign.toml: cost_per_day: 6 is less than one call may cost (6.05), so nothing"
    )
    assert told("cost_per_day = 6.06\n") == []
    assert told('cost_per_day = 6.06\ntrunks = ["dear"]\n') != []
    assert told('cost_per_day = 1.0\nmax_call = "1m"\n') == []
    assert told("") == []


def test_a_manifest_names_hooks_of_the_settings_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text('hooks = ["crm", "tickets"]\n' + GOOD)
    campaign = manifest.load(path).job
    assert isinstance(campaign, manifest.CampaignJob)
    table = {
        "pbx": {"lab": {"secret_env": "S", "sounds_dir": "/s"}},
        "trunk": {"t": {"pbx": "lab", "dial": "PJSIP/{number}@t"}},
        "hook": {"crm": {"command": ["/bin/true"], "events": ["*"]}},
    }
    for settings, wanted in (
        (table, [("campaign.toml: hooks", "there is no hook 'tickets'", "known: crm")]),
        (
            {**table, "hook": {}},
            [
                ("campaign.toml: hooks", "there is no hook 'crm'", "volley.toml has no [hook.<name>]"),
                ("campaign.toml: hooks", "there is no hook 'tickets'", "volley.toml has no [hook.<name>]"),
            ],
        ),
    ):
        found = manifest.check(campaign.campaign, Settings.model_validate(settings), "campaign.toml", NOON)
        assert [(one.where, one.what, one.todo) for one in found if "hooks" in one.where] == wanted


@pytest.mark.parametrize(
    "line",
    [
        'hook = { url = "https://evil.example.org" }',
        'hooks = [{ url = "https://evil.example.org" }]',
        'hooks = ["https://evil.example.org"]',
        'hooks = "crm"',
    ],
)
def test_a_manifest_says_nothing_of_where_hooks_lead(tmp_path: Path, line: str) -> None:
    path = tmp_path / "campaign.toml"
    path.write_text(line + "\n" + GOOD)
    with pytest.raises(InputError, match="hook"):
        manifest.load(path)


@pytest.mark.parametrize(
    ("expires", "told"),
    [
        ("2026-11-24T12:00:01+01:00", ""),
        ("2026-12-24T11:00:00Z", ""),
        ("2026-12-24T12:00:01+01:00", "is more than 30 days ahead"),
        ("9999-12-31T23:59:59Z", "is more than 30 days ahead"),
        ("2026-11-24T11:00:00Z", "has passed"),
        ("2020-01-01T00:00:00Z", "has passed"),
    ],
)
def test_an_approval_has_an_end_that_is_near(tmp_path: Path, expires: str, told: str) -> None:
    """Accepted at noon of 24 November in Paris: until noon of 24 December at the latest."""
    path = tmp_path / "campaign.toml"
    emergency = f'[emergency]\napproved_by = ["Anna", "Bert"]\nexpires = "{expires}"\n'
    path.write_text(GOOD.replace("informational", "emergency") + emergency)
    job = manifest.load(path).job
    assert isinstance(job, manifest.CampaignJob)
    found = manifest.check(job.campaign, settings_in(tmp_path), path.name, NOON)
    problems = [one for one in found if one.where == "campaign.toml: emergency.expires"]
    assert len(problems) == bool(told)
    assert told in "".join(map(str, problems))
    if "ahead" in told:
        assert "not after 2026-12-24T11:00:00+00:00" in problems[0].todo
