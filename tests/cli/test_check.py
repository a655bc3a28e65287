"""`volley check`: the flow as text and as a drawing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Volley
from tests.speech.sounds import prompt

MANIFEST = """
id = "survey"
owner = "Test, test@example.org"
purpose = "survey"
caller_id = "+33162000001"
window = [{ from = "00:00", to = "00:00" }]
contacts = { file = "people.csv" }
[message]
prompts = ["hello.wav"]
[menu.keys]
1 = "go:account"
[nodes.account]
kind = "digits"
prompts = ["account.wav"]
then = "end"
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "survey"
    folder.mkdir()
    for name in ("hello", "account"):
        prompt(folder / f"{name}.wav")
    (folder / "campaign.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "people.csv").write_text("phone_number\n0199001001\n", encoding="utf-8")
    return folder


def test_the_flow_is_told_when_it_is_asked_for(volley: Volley, job: Path) -> None:
    assert "account (digits)" not in volley("check", str(job)).stdout
    lines = [line.rstrip() for line in volley("check", str(job), "--flow").stdout.splitlines()]
    begin = lines.index("account (digits): account.wav")
    assert lines[begin : begin + 3] == [
        "account (digits): account.wav",
        "  typed -> end",
        "  silence -> end",
    ]


def test_the_drawing_goes_to_a_file(volley: Volley, job: Path, tmp_path: Path) -> None:
    target = tmp_path / "flow.mmd"
    assert "This job would be accepted." in volley("check", str(job), "--diagram", str(target)).stdout
    text = target.read_text(encoding="utf-8")
    assert text.startswith("flowchart TD\n")
    assert 'n_message -->|"key 1"| n_account' in text
    table = json.loads(volley("check", str(job), "--json").stdout)
    assert table["call"]["mermaid"] == text
    assert table["call"]["flow"][0] == "message (menu): hello.wav"


def test_a_job_that_would_be_rejected_is_drawn_all_the_same(
    volley: Volley, job: Path, tmp_path: Path
) -> None:
    (job / "account.wav").unlink()
    target = tmp_path / "flow.mmd"
    found = volley("check", str(job), "--diagram", str(target), code=1)
    assert "account.wav" in found.stdout
    assert "n_account" in target.read_text(encoding="utf-8")


def test_a_flow_that_leads_nowhere_is_told_and_not_drawn(volley: Volley, job: Path, tmp_path: Path) -> None:
    text = MANIFEST.replace('then = "end"', 'then = "gone"')
    (job / "campaign.toml").write_text(text, encoding="utf-8")
    target = tmp_path / "flow.mmd"
    found = volley("check", str(job), "--diagram", str(target), code=1)
    assert "nodes.account: typed leads to 'gone', which is no node" in " ".join(found.stderr.split())
    assert not target.exists()


def test_a_drawing_that_cannot_be_written(volley: Volley, job: Path, tmp_path: Path) -> None:
    found = volley("check", str(job), "--diagram", str(tmp_path / "no" / "flow.mmd"), code=1)
    assert "No such file or directory" in found.stderr


def test_added_contacts_have_no_flow_of_their_own(volley: Volley, job: Path, tmp_path: Path) -> None:
    (job / "campaign.toml").write_text(
        'add_to = "spring"\n[contacts]\nfile = "people.csv"\n', encoding="utf-8"
    )
    target = tmp_path / "flow.mmd"
    found = volley("check", str(job), "--flow", "--diagram", str(target), code=1)
    assert not target.exists()
    assert f"{target} was not written: the job adds contacts to spring" in found.stderr
    assert "This job would be rejected" in found.stdout, "there is no such campaign"
    assert "The flow" not in found.stdout
