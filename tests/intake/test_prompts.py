"""A campaign's prompts: found, made, named by content, placed where every PBX of the campaign reads them."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import InputError
from engine.intake.placing import place, spoken
from engine.intake.prompts import Prepared, pbxs_of, prepare
from engine.speech.sound import read_wav
from tests.speech.sounds import prompt

SETTINGS: dict[str, Any] = {
    "pbx": {name: {"secret_env": "X", "sounds_dir": f"/{name}"} for name in ("paris", "lyon")},
    "trunk": {
        "one": {"pbx": "paris", "dial": "PJSIP/{number}@one", "codecs": ["alaw"]},
        "two": {"pbx": "lyon", "dial": "PJSIP/{number}@two", "codecs": ["g722", "ulaw"]},
    },
}


def settings(**more: object) -> Settings:
    return Settings.model_validate({**SETTINGS, **more})


def campaign(*prompts: str, **more: object) -> Campaign:
    table = {
        "id": "c", "owner": "Anna", "purpose": "survey", "caller_id": "+33162000001",
        "message": {"prompts": prompts}, **more,
    }  # fmt: skip
    return Campaign.model_validate(table)


def prepared(folder: Path, wanted: Campaign, set_up: Settings | None = None) -> Prepared:
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return asyncio.run(prepare(wanted, folder, set_up or settings(), scratch))


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "job").mkdir()
    return tmp_path / "job"


def test_made_for_the_codecs_of_every_trunk_and_placed(job: Path, tmp_path: Path) -> None:
    prompt(job / "hello.wav", 1.0, 44100)
    (job / "menu").mkdir()
    prompt(job / "menu" / "keys.wav", 0.5)
    found = prepared(job, campaign("hello.wav", menu={"prompts": ["menu/keys.wav"]}))
    assert found.problems == found.warnings == []
    assert found.lasts(["hello.wav", "menu/keys.wav"]) == pytest.approx(1.5, abs=0.01)
    target = tmp_path / "sounds" / "volley"
    place(found, target)
    names = found.names.values()
    assert sorted(os.listdir(target)) == sorted(
        f"{name}{form}" for name in names for form in (".alaw", ".sln16", ".ulaw", ".wav")
    )
    for path in target.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644, "Asterisk is another user"
    assert read_wav(target / f"{found.names['hello.wav']}.wav", 2).rate == 8000


def test_only_what_the_campaigns_trunks_want(job: Path) -> None:
    prompt(job / "hello.wav")
    wanted = campaign("hello.wav", trunks=["one"])
    assert pbxs_of(wanted, settings()) == ["paris"]
    assert prepared(job, wanted).forms == (".alaw", ".wav")


def test_the_name_follows_what_is_heard(job: Path) -> None:
    prompt(job / "a.wav", 1.0)
    prompt(job / "b.wav", 1.0)
    prompt(job / "c.wav", 1.1)
    found = prepared(job, campaign("a.wav", "b.wav", "c.wav")).names
    assert found["a.wav"] == found["b.wav"] != found["c.wav"]
    louder = prepared(job, campaign("a.wav"), settings(prompts={"level": -18.0})).names
    kept = prepared(job, campaign("a.wav"), settings(prompts={"level": "keep"})).names
    assert len({found["a.wav"], louder["a.wav"], kept["a.wav"]}) == 3


def test_everything_wrong_is_told_at_once(job: Path, tmp_path: Path) -> None:
    prompt(job / "good.wav")
    prompt(job / "faint.wav", level=-70.0)
    (job / "text.wav").write_text("hello")
    prompt(tmp_path / "outside.wav")
    (job / "link.wav").symlink_to(tmp_path / "outside.wav")
    found = prepared(
        job, campaign("good.wav", "faint.wav", "text.wav", "link.wav", "../outside.wav", "gone.wav")
    )
    told = {one.where: one.what for one in found.problems}
    assert set(told) == {"faint.wav", "text.wav", "link.wav", "../outside.wav", "gone.wav"}
    assert told["gone.wav"] == told["link.wav"] == told["../outside.wav"]
    assert found.lasts(["good.wav"]) == pytest.approx(2.0)
    assert found.lasts(["good.wav", "gone.wav"]) is None


def test_what_is_placed_already_stays(job: Path, tmp_path: Path) -> None:
    prompt(job / "hello.wav")
    found = prepared(job, campaign("hello.wav"))
    place(found, tmp_path / "sounds")
    before = {path.name: path.stat().st_ino for path in (tmp_path / "sounds").iterdir()}
    place(prepared(job, campaign("hello.wav")), tmp_path / "sounds")
    assert {path.name: path.stat().st_ino for path in (tmp_path / "sounds").iterdir()} == before


def test_a_directory_that_cannot_be_written_is_told(job: Path, tmp_path: Path) -> None:
    prompt(job / "hello.wav")
    found = prepared(job, campaign("hello.wav"))
    (tmp_path / "sounds").write_text("a file, and no directory")
    with pytest.raises(InputError) as caught:
        place(found, tmp_path / "sounds")
    [problem] = caught.value.problems
    assert problem.where == str(tmp_path / "sounds")
    assert problem.todo == "let the engine's user write to sounds_dir"


def test_the_prompts_that_come_with_volley_by_language(tmp_path: Path) -> None:
    for name in ("fr/goodbye.alaw", "fr/opted-out.wav", "en/goodbye.gsm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert spoken(tmp_path, "fr-CA") == {"optout": "fr/opted-out", "answer": "fr/goodbye"}
    assert spoken(tmp_path, "en") == {"answer": "en/goodbye"}
    assert spoken(tmp_path, "de") == {}
