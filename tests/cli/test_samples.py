"""The sample campaigns: each is a job that `volley check` takes as it is, and `volley samples` copies them out."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest

from engine.ops.samples import names
from engine.ops.share import share
from tests.cli.conftest import Volley
from tests.speech.sounds import prompt

SAMPLES = sorted(path.parent for path in share("samples").glob("*/*/campaign.toml"))


def test_each_kind_is_there_in_english_and_in_french() -> None:
    assert names() == [
        "appointment-reminder", "opted-in-offer", "payment-reminder", "product-recall", "school-closure", "survey",
    ]  # fmt: skip
    assert {f"{one.parent.name}/{one.name}" for one in SAMPLES} == {
        f"{name}/{language}" for name in names() for language in ("en", "fr")
    }
    ids = [tomllib.loads((one / "campaign.toml").read_text(encoding="utf-8"))["id"] for one in SAMPLES]
    assert len(set(ids)) == 12
    told = (share("samples") / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in told for name in names())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_sample_is_taken_as_it_is(volley: Volley, tmp_path: Path, sample: Path) -> None:
    """The voice of this test is a recording: what the words last is another voice's matter."""
    prompt(tmp_path / "voice.wav")
    with volley.config.open("a", encoding="utf-8") as settings:
        settings.write(f'[tts]\ncommand = ["cp", "{tmp_path / "voice.wav"}", "{{output}}"]\n')
    found = json.loads(volley("check", str(sample), "--json").stdout)
    assert (found["acceptable"], found["problems"], found["rejected"]) == (True, [], 0)
    assert found["accepted"] >= 2
    assert not found["call"].get("warnings")


def test_they_are_copied_out_and_nothing_is_overwritten(volley: Volley, tmp_path: Path) -> None:
    assert "appointment-reminder" in volley("samples").stdout
    target = tmp_path / "mine"
    text = volley("samples", "--to", str(target)).stdout
    assert f"{target / 'survey' / 'fr'}" in text
    assert (target / "survey" / "fr" / "people.csv").read_bytes() == (
        share("samples") / "survey" / "fr" / "people.csv"
    ).read_bytes()
    assert stat.S_IMODE((target / "survey" / "fr" / "campaign.toml").stat().st_mode) & 0o022 == 0
    mine = target / "survey" / "fr" / "campaign.toml"
    mine.write_text("mine", encoding="utf-8")
    (target / "school-closure" / "en" / "parents.csv").unlink()
    found = json.loads(volley("samples", "--to", str(target), "--json", code=1).stdout)
    assert str(target / "survey" / "fr") in found["kept"]
    assert mine.read_text(encoding="utf-8") == "mine"
    one = volley("samples", "survey", "--to", str(tmp_path / "one")).stdout
    assert "survey" in one
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["survey"]
    assert "there is no sample 'x'" in volley("samples", "x", "--to", str(target), code=1).stderr
