"""A campaign's prompts: found, made, named by content, placed where every PBX of the campaign reads them."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.campaign import Campaign
from engine.config import Settings
from engine.dialing.sounds import names_in
from engine.errors import InputError
from engine.flow.compiled import compile_flow
from engine.flow.prompts import key_of
from engine.intake.placing import place, remedy, spoken
from engine.intake.prompts import Prepared, pbxs_of, prepare, tidy
from engine.speech.sound import read_wav
from tests.intake.privilege import modes_hold
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


def campaign(*prompts: object, **more: object) -> Campaign:
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
    place(found.files, target)
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
    assert {Path(name).suffix for name in prepared(job, wanted).files} == {".alaw", ".wav"}


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
    place(found.files, tmp_path / "sounds")
    before = {path.name: path.stat().st_ino for path in (tmp_path / "sounds").iterdir()}
    place(prepared(job, campaign("hello.wav")).files, tmp_path / "sounds")
    assert {path.name: path.stat().st_ino for path in (tmp_path / "sounds").iterdir()} == before


def test_a_directory_that_cannot_be_written_is_told(job: Path, tmp_path: Path) -> None:
    prompt(job / "hello.wav")
    found = prepared(job, campaign("hello.wav"))
    (tmp_path / "sounds").write_text("a file, and no directory")
    with pytest.raises(InputError) as caught:
        place(found.files, tmp_path / "sounds")
    [problem] = caught.value.problems
    assert problem.where == str(tmp_path / "sounds")
    assert problem.todo == f"let the engine's user write to it, as to all of {tmp_path / 'sounds'} (chown)"


def test_the_folder_that_cannot_be_written_is_the_one_that_is_told(job: Path, tmp_path: Path) -> None:
    """Whoever made `en/` as root has shut the engine out of it, and of nothing else."""
    prompt(job / "hello.wav")
    (job / "en").mkdir()
    prompt(job / "en" / "hello.wav")
    found = prepared(job, campaign("hello.wav"))
    closed = tmp_path / "sounds" / "en"
    closed.mkdir(parents=True, mode=0o555)
    with modes_hold(), pytest.raises(InputError) as caught:
        place(found.files, tmp_path / "sounds")
    assert [one.where for one in caught.value.problems] == [str(closed)]


def test_variants_lie_where_asterisk_looks_for_them(job: Path, tmp_path: Path) -> None:
    for at, folder in enumerate(("", "fr", "pt-BR", "menus")):
        (job / folder).mkdir(exist_ok=True)
        prompt(job / folder / "hello.wav", 1.0 + at)
    found = prepared(job, campaign("hello.wav"))
    assert found.problems == []
    assert found.variants == {
        "hello.wav": {"": "hello.wav", "fr": "fr/hello.wav", "pt_BR": "pt-BR/hello.wav"}
    }
    name = found.names["hello.wav"]
    place(found.files, tmp_path / "sounds")
    lasts = {
        language: read_wav(tmp_path / "sounds" / language / f"{name}.wav", 9).seconds
        for language in ("", "fr", "pt_BR")
    }
    assert lasts == {"": 1.0, "fr": 2.0, "pt_BR": 3.0}
    assert found.lasts(["hello.wav"]) == pytest.approx(3.0), "the law's limit holds in every language"
    heard = {tongue: found.heard("hello.wav", tongue) for tongue in ("fr", "fr_CA", "pt_BR", "pt", "de")}
    assert heard == {
        "fr": "fr/hello.wav", "fr_CA": "fr/hello.wav", "pt_BR": "pt-BR/hello.wav", "pt": "hello.wav", "de": "hello.wav"
    }  # fmt: skip


def test_the_sum_is_taken_within_one_language(job: Path) -> None:
    for folder, a, b in (("", 1.0, 4.0), ("fr", 3.0, 1.5)):
        (job / folder).mkdir(exist_ok=True)
        prompt(job / folder / "a.wav", a)
        prompt(job / folder / "b.wav", b)
    assert prepared(job, campaign("a.wav", "b.wav")).lasts(["a.wav", "b.wav"]) == pytest.approx(5.0)


def test_everybody_else_hears_the_campaigns_language(job: Path, tmp_path: Path) -> None:
    for folder in ("fr", "en"):
        (job / folder).mkdir()
        prompt(job / folder / "hello.wav", 1.0 if folder == "fr" else 2.0)
    found = prepared(job, campaign("hello.wav", language="fr-CA"))
    assert found.heard("hello.wav", "de") == "fr/hello.wav"
    place(found.files, tmp_path / "sounds")
    assert read_wav(tmp_path / "sounds" / f"{found.names['hello.wav']}.wav", 9).seconds == 1.0
    assert prepared(job, campaign("hello.wav", language="fr")).names == found.names
    assert prepared(job, campaign("hello.wav", language="en")).names != found.names


def test_a_prompt_without_the_campaigns_language_is_refused(job: Path) -> None:
    (job / "fr").mkdir()
    prompt(job / "fr" / "hello.wav")
    [problem] = prepared(job, campaign("hello.wav", language="en")).problems
    assert problem.where == "hello.wav"
    assert problem.what == "nobody would hear it in the campaign's language (en): there is only fr/hello.wav"
    assert problem.todo == "add hello.wav, or en/hello.wav"


def test_a_variant_that_is_wrong_is_told_by_its_name(job: Path) -> None:
    prompt(job / "hello.wav")
    (job / "fr").mkdir()
    prompt(job / "fr" / "hello.wav", level=-70.0)
    assert [one.where for one in prepared(job, campaign("hello.wav")).problems] == ["fr/hello.wav"]


def test_a_language_has_one_folder(job: Path) -> None:
    prompt(job / "hello.wav")
    for folder in ("pt-BR", "pt_BR"):
        (job / folder).mkdir()
    [problem] = prepared(job, campaign("hello.wav")).problems
    assert problem.what == "the folders pt-BR and pt_BR are one language"


# -- texts ---------------------------------------------------------------------------------------------------------------

SPEAKS = {"command": ["sox", "-n", "-r", "16000", "-t", "wav", "{output}", "synth", "{voice}", "sine", "500"]}
"""A command that speaks a tone; its voice is how many seconds it speaks for."""
needs_sox = pytest.mark.skipif(not shutil.which("sox"), reason="sox is the voice of these tests")


@needs_sox
def test_texts_are_spoken_placed_and_named_by_content(job: Path, tmp_path: Path) -> None:
    prompt(job / "hello.wav", 1.0)
    set_up = settings(tts={**SPEAKS, "voices": {"en": "2", "fr": "3"}})
    text = {"text": {"en": "Hello.", "fr": "Bonjour."}}
    found = prepared(job, campaign("hello.wav", text, {"text": "Thank you."}, text), set_up)
    assert found.problems == []
    assert len(found.names) == 3
    assert found.lasts(list(found.names)) == pytest.approx(1 + 3 + 2, abs=0.1), (
        "in French, with the English thanks"
    )
    place(found.files, tmp_path / "sounds")
    [key] = [one for one in found.names if "Bonjour" in one]
    name = found.names[key]
    lasts = {
        folder: round(read_wav(tmp_path / "sounds" / folder / f"{name}.wav", 9).seconds)
        for folder in ("", "en", "fr")
    }
    assert lasts == {"": 2, "en": 2, "fr": 3}
    again = prepared(job, campaign(text), set_up).names
    assert again == {key: name}
    for other in (
        {"voices": {"en": "2", "fr": "1"}},
        {"voices": {"en": "2", "fr": "3"}, "command": [*SPEAKS["command"], "gain", "-1"]},
    ):
        assert prepared(job, campaign(text), settings(tts={**SPEAKS, **other})).names[key] != name


@needs_sox
def test_a_text_that_cannot_be_spoken_is_told_with_its_language(job: Path) -> None:
    text = {"text": {"en": "Hello, this is the health centre at the harbour.", "fr": "Bonjour."}}
    found = prepared(job, campaign(text), settings(tts={**SPEAKS, "voices": {"en": "2", "fr": "nobody"}}))
    [problem] = found.problems
    assert problem.where == "'Hello, this is the health centre at t...' (fr)"
    assert problem.what.startswith("sox failed: ")


@needs_sox
def test_a_text_with_fields_is_tried_out_and_may_last_as_long_as_it_says(job: Path) -> None:
    set_up = settings(tts={**SPEAKS, "voices": {"en": "2", "fr": "3"}})
    text = {"text": {"en": "Hello {FIRST_NAME}.", "fr": "Bonjour {FIRST_NAME}."}, "longest": "12s"}
    wanted = campaign(text, {"text": "It is on {DAY}, {DAY}."})
    assert wanted.needed_fields() == ("FIRST_NAME", "DAY")
    found = prepared(job, wanted, set_up)
    assert found.problems == []
    assert (found.names, found.files) == ({}, {}), "nothing of it is the same for all"
    assert found.message(wanted) == 12.0 + 30.0, "the law's limit is held against the longest that may come"
    [problem] = prepared(job, campaign({**text, "longest": "2.5s"}), set_up).problems
    assert problem.where == "'Hello {FIRST_NAME}.' (fr)"
    assert problem.what == "with the names of its fields it lasts 3 s, longer than the 2.5 s that it may"


def test_texts_with_fields_stand_in_a_flow_by_their_number() -> None:
    name, day = {"text": "Hello {NAME}."}, {"text": "On {DAY}."}
    wanted = campaign("a.wav", name, "b.wav", day, menu={"prompts": [day, {"say": "date", "field": "DUE"}]})
    flow = compile_flow(wanted, {"a.wav": "prompt-a", "b.wav": "prompt-b"}, {}, 60.0)
    assert [flow[f"n/message/prompts/{part}"] for part in range(1, 7)] == [
        "files:{sounds}/prompt-a", "speech:01:{sounds}", "files:{sounds}/prompt-b", "speech:02:{sounds}",
        "speech:02:{sounds}", "date:DUE",
    ]  # fmt: skip
    assert names_in(flow.values()) == {"prompt-a", "prompt-b"}


def test_not_more_texts_with_fields_than_variables() -> None:
    with pytest.raises(ValidationError, match="more than 20 texts with fields"):
        campaign(*({"text": f"{at} {{NAME}}"} for at in range(21)))
    with pytest.raises(ValidationError, match="cannot hold fields"):
        campaign("a.wav", say={"optout": {"text": "Goodbye {NAME}."}})


def test_what_nobody_uses_any_more_is_deleted(tmp_path: Path) -> None:
    for name, age in (("old.wav", 31), ("new.wav", 29)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age * 86400, 1e9 - age * 86400))
    tidy(tmp_path, 1e9)
    assert os.listdir(tmp_path) == ["new.wav"]
    tidy(tmp_path / "not there", 1e9)


def test_a_voice_that_is_not_installed_is_told(job: Path) -> None:
    [problem] = prepared(
        job, campaign({"text": "Hello."}), settings(tts={"command": ["no-such-voice"]})
    ).problems
    assert (problem.what, problem.todo) == (
        "no-such-voice cannot be run: No such file or directory", "install it, or set tts.command in the settings"
    )  # fmt: skip


def test_a_text_must_be_there_in_the_campaigns_language() -> None:
    with pytest.raises(
        ValidationError, match=r"a text must be there in the campaign's language, de: 'Hello\.' is in en, fr"
    ):
        campaign({"text": {"en": "Hello.", "fr": "Bonjour."}}, language="de")
    assert campaign({"text": {"en": "Hello."}}, language="en-GB").texts()[0].is_in("en-GB")


def test_what_is_said_after_a_key_may_be_a_text() -> None:
    wanted = campaign("a.wav", say={"optout": {"text": "You will not be called again."}, "answer": "bye.wav"})
    assert [key_of(one) for one in wanted.say.named().values()] == [wanted.texts()[0].key, "bye.wav"]
    assert wanted.prompts() == ["a.wav", "bye.wav"]


def recorded(folder: Path, files: dict[str, str]) -> Path:
    """Sounds that come with Volley, as somebody recorded them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_prompts_that_come_with_volley_are_spoken_in_each_language(tmp_path: Path) -> None:
    lyon = recorded(tmp_path / "lyon", {"fr/goodbye.alaw": "au revoir"})
    here = {
        "fr/goodbye.alaw": "adieu", "fr/goodbye.ulaw": "adieu", "en/goodbye.gsm": "bye", "fr/opted-out.wav": "rayé",
        "en/call-back.wav": "later",
    }  # fmt: skip
    paris = recorded(tmp_path / "paris", here)
    names, files = spoken([paris, lyon], "fr-CA")
    assert set(names) == {"optout", "answer"}, "nobody hears call-back in the campaign's language"
    goodbye, opted_out = names["answer"], names["optout"]
    assert {name: path.read_text() for name, path in files.items()} == {
        f"fr/{goodbye}.alaw": "adieu", f"fr/{goodbye}.ulaw": "adieu", f"en/{goodbye}.gsm": "bye",
        f"{goodbye}.alaw": "adieu", f"{goodbye}.ulaw": "adieu", f"fr/{opted_out}.wav": "rayé", f"{opted_out}.wav": "rayé",
    }  # fmt: skip
    place(files, lyon)
    assert (lyon / f"{goodbye}.alaw").read_text() == "adieu"
    assert spoken([lyon], "fr")[0]["answer"] != goodbye
    assert spoken([paris], "de") == ({}, {})
    (paris / "fr" / "goodbye.alaw").write_text("à bientôt")
    assert spoken([paris], "fr")[0]["answer"] != goodbye, "what is replaced gets another name"


def test_what_to_do_where_prompts_cannot_be_placed() -> None:
    sounds = Path("/var/lib/asterisk/sounds/volley")
    assert remedy(PermissionError(errno.EACCES, ""), sounds).endswith(
        "as to all of /var/lib/asterisk/sounds/volley (chown)"
    )
    assert "systemctl restart volley" in remedy(OSError(errno.EROFS, ""), sounds)
