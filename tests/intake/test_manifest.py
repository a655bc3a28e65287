"""Manifests that are nonsense are told as such, whatever the nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
            "local": {"pbx": "lab", "dial": "PJSIP/{number}@c", "price": 3.0, "prices": {"+33": 0.9}},
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
    assert told('cost_per_day = 9.08\ntrunks = ["local"]\n') == [], "where it is cheapest, a call fits"
    assert told('cost_per_day = 9.0\ntrunks = ["local"]\n') != []
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


# -- ways out of a call ------------------------------------------------------------------------------------------------

TWO_PBXS: dict[str, Any] = {
    "pbx": {
        "lab": {"secret_env": "X", "sounds_dir": "/sounds", "recordings_dir": "/recordings"},
        "office": {"secret_env": "X", "sounds_dir": "/sounds"},
    },
    "trunk": {
        "a": {"pbx": "lab", "dial": "PJSIP/{number}@a"},
        "b": {"pbx": "lab", "dial": "PJSIP/{number}@b"},
        "c": {"pbx": "office", "dial": "PJSIP/{number}@c"},
    },
    "transfer": {
        "desk": {"queue": "desk", "places": 1},
        "doctor": {"number": "+33199001050", "trunk": "a", "caller_id": "+33162000001", "places": 1},
    },
    "dialplan": {"contexts": ["my-survey", "my-other"]},
}
STORY = """
[menu.keys]
1 = "go:story"
[nodes.story]
kind = "record"
consent = ["may.wav"]
prompts = ["speak.wav"]
keep = "1d"
then = "end"
"""


def ways_out(folder: Path, top: str = "", tables: str = "", **changes: Any) -> dict[str, str]:
    """Problems of a campaign with this in its manifest: where -> what, and what to do."""
    text = (
        top
        + (GOOD.replace('message = { prompts = ["hello.wav"] }\n', "") if "context" in top else GOOD)
        + tables
    )
    path = folder / "campaign.toml"
    path.write_text(text)
    job = manifest.load(path).job
    assert isinstance(job, manifest.CampaignJob)
    problems = manifest.check(job.campaign, settings_in(folder, **{**TWO_PBXS, **changes}), path.name, NOON)
    assert len({problem.where for problem in problems}) == len(problems)
    return {
        problem.where.removeprefix("campaign.toml: "): f"{problem.what}; {problem.todo}"
        for problem in problems
    }


def key(action: str) -> str:
    return f"[menu.keys]\n1 = {action}\n"


def test_ways_that_the_settings_have(tmp_path: Path) -> None:
    assert ways_out(tmp_path, tables=key('"transfer:desk"')) == {}
    assert ways_out(tmp_path, 'trunks = ["a", "b"]\n', key('"transfer:doctor"')) == {}
    assert ways_out(tmp_path, 'trunks = ["b"]\n', STORY) == {}
    assert ways_out(tmp_path, 'context = "my-survey"\n') == {}


def test_a_transfer_that_is_not_there(tmp_path: Path) -> None:
    node = (
        '[menu.keys]\n1 = "go:agent"\n2 = "transfer:night"\n[nodes.agent]\nkind = "transfer"\nto = "agents"\n'
    )
    assert ways_out(tmp_path, tables=node) == {
        "transfer to agents": "there is no [transfer.agents] in the engine's settings; known: desk, doctor",
        "transfer to night": "there is no [transfer.night] in the engine's settings; known: desk, doctor",
    }
    [found] = ways_out(tmp_path, tables=key('"transfer:night"'), transfer={}).values()
    assert found.endswith("known: none")


def test_a_number_is_dialed_on_the_pbx_of_the_call(tmp_path: Path) -> None:
    told = {
        "transfer to doctor": "its number is dialed by trunk 'a', which is not on the PBX of all the campaign's trunks;"
        " name trunks of that PBX in `trunks`"
    }
    assert ways_out(tmp_path, tables=key('"transfer:doctor"')) == told, "the campaign may use trunk c too"
    assert ways_out(tmp_path, 'trunks = ["c"]\n', key('"transfer:doctor"')) == told
    assert ways_out(tmp_path, 'trunks = ["c"]\n', key('"transfer:desk"')) == {}


def test_a_context_that_is_not_allowed(tmp_path: Path) -> None:
    assert ways_out(tmp_path, 'context = "volley-do"\n') == {
        "context": "'volley-do' is not among dialplan.contexts of the engine's settings; known: my-survey, my-other"
    }
    [found] = ways_out(tmp_path, 'context = "my-survey"\n', dialplan={}).values()
    assert found.endswith("known: none")


def test_recordings_need_a_place_on_every_pbx(tmp_path: Path) -> None:
    assert ways_out(tmp_path, tables=STORY) == {
        "nodes": "a node records, and pbx.office of the settings has no recordings_dir; set recordings_dir, or use trunks of another PBX"
    }


def test_all_of_it_at_once(tmp_path: Path) -> None:
    found = ways_out(
        tmp_path,
        'trunks = ["c", "gone"]\n',
        STORY.replace("[nodes", '2 = "transfer:doctor"\n3 = "transfer:night"\n[nodes', 1),
    )
    assert set(found) == {"trunks", "transfer to doctor", "transfer to night", "nodes"}
