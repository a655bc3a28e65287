"""What is spoken to a contact alone, from its row to a call that may be made: on a real database, with a command that is a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.dialing import speaking
from engine.dialing.speaking import Speaking
from engine.sound_settings import TtsSettings

VOICE = """
import os, sys, signal
sys.path.insert(0, {root!r})
from tests.speech.sounds import tone
from engine.speech.sound import write_wav
text = sys.stdin.buffer.read().decode()
with open({folder!r} + "/said", "a") as said:
    said.write(sys.argv[1] + ": " + text + "\\n")
if os.path.exists({folder!r} + "/mute") or "unspeakable" in text:
    sys.exit("cannot say that")
if "murder" in text:
    os.kill(os.getppid(), signal.SIGKILL)
write_wav(tone(len(text) / 20, 16000), sys.argv[2])
"""
HELLO = {"text": {"en": "Hello {NAME}.", "fr": "Bonjour {NAME}."}}
MESSAGE = {"prompts": [HELLO]}


class Far:
    """A PBX's sounds: it reads its directory itself, or is on another machine."""

    remote = False

    def __init__(self) -> None:
        self.files: list[str] = []
        self.faults: list[str] = []

    async def bring_files(self, files: list[str]) -> list[str]:
        self.files += files
        return self.faults


class Stage:
    """Speaking beside a desk."""

    def __init__(self, desk: Any, folder: Path, **tts: Any) -> None:
        script = folder / "voice.py"
        script.write_text(VOICE.format(root=str(Path(__file__).parents[2]), folder=str(folder)))
        pbx = desk.settings.pbx["lab"].model_copy(update={"sounds_dir": folder / "sounds"})
        command = (sys.executable, str(script), "{language}", "{output}")
        self.settings = desk.settings.model_copy(
            update={
                "engine": desk.settings.engine.model_copy(update={"state": folder / "state"}),
                "pbx": {"lab": pbx},
                "tts": TtsSettings.model_validate({"command": command, **tts}),
            }
        )
        (folder / "state").mkdir(exist_ok=True)
        self.desk, self.folder, self.far, self.emptied = desk, folder, Far(), []
        self.speaking = Speaking(
            self.settings, desk.agenda, desk.writer, lambda pbx: self.far, desk.dispatcher.wake, self.emptied.append,
            desk.clock, desk.log,
        )  # fmt: skip

    async def campaign(self, *people: Any, **manifest: Any) -> int:
        found: int = await self.desk.campaign("spring", *people, spoken_to=True, message=MESSAGE, **manifest)
        return found

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.speaking.run())
        try:
            yield
        finally:
            assert not task.done(), task.exception()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def said(self) -> list[str]:
        path = self.folder / "said"
        return sorted(path.read_text().splitlines()) if path.exists() else []

    def files(self) -> list[str]:
        sounds = self.folder / "sounds"
        return sorted(  # os.walk goes on where a folder is deleted meanwhile
            str(Path(folder, file).relative_to(sounds))
            for folder, _, files in os.walk(sounds)
            for file in files
            if "." in file
        )

    def speech(self) -> dict[int, str]:
        return dict(self.desk.rows("SELECT row, speech FROM contacts ORDER BY row"))


@pytest.fixture
def stage(desk: Any, tmp_path: Path) -> Stage:
    return Stage(desk, tmp_path)


def named(person: Any, row: int, name: str, language: str = "") -> Any:
    contact = person(row)
    return type(contact)(**{
        **{field: getattr(contact, field) for field in contact.__slots__},
        "fields": {"NAME": name}, "language": language or None,
    })  # fmt: skip


async def test_nobody_is_dialed_before_its_words_are_there(desk: Any, stage: Stage, person: Any) -> None:
    await stage.campaign(named(person, 1, "Anna"), named(person, 2, "Ben", "fr"), named(person, 3, "Anna"))
    desk.start()
    await asyncio.sleep(0.3)
    assert desk.rows("SELECT count(*) FROM attempts") == [0]
    async with stage.at_work():
        await desk.until(lambda: len(desk.exchange.written) == 3)
    assert stage.said() == ["en: Hello Anna.", "fr: Bonjour Ben."], (
        "the same words once, in each one's language"
    )
    names = {row: json.loads(speech)[0] for row, speech in stage.speech().items()}
    assert names[1] == names[3] != names[2]
    sent = {headers["Channel"]: headers["Variable"] for headers in desk.exchange.written}
    assert set(sent.values()) == {f"VOLLEY_P_01={names[1]}", f"VOLLEY_P_01={names[2]}"}
    for name in names.values():
        assert {file for file in stage.files() if file.startswith(name)} == {f"{name}.alaw", f"{name}.ulaw"}
    for file in stage.files():
        assert stat.S_IMODE((stage.folder / "sounds" / file).stat().st_mode) == 0o644
    assert stat.S_IMODE((stage.folder / "state" / "speech.key").stat().st_mode) == 0o600


async def test_a_text_that_cannot_be_spoken_ends_its_contact_and_no_other(
    desk: Any, stage: Stage, person: Any
) -> None:
    people = ["Anna", "the unspeakable", "x" * 700, "", "a murderous one", "Ben"]
    campaign = await stage.campaign(*(named(person, row, name) for row, name in enumerate(people, start=1)))
    async with stage.at_work():
        await desk.until(lambda: len(desk.events("contact.unspoken")) == 4)
        await desk.until(lambda: "wanted" not in stage.speech().values())
    why = {line["contact"]: line["why"] for line in desk.events("contact.unspoken")}
    assert "cannot say that" in why[2]
    assert why[3].startswith("it lasts 3")
    assert why[3].endswith("s, longer than the 30 s that it may")
    assert why[4] == "its field NAME is empty"
    assert "killed by SIGKILL" in why[5]
    rows = desk.rows(
        "SELECT row, state, disposition, verdict FROM contacts WHERE state = 'done' ORDER BY row"
    )
    assert rows == [(row, "done", "FAILED", "speech_failed") for row in (2, 3, 4, 5)]
    assert [row for row, speech in stage.speech().items() if speech.startswith("[")] == [1, 6]
    assert set(stage.emptied) == {campaign}


async def test_a_command_that_says_nothing_at_all_ends_nobody(
    desk: Any, stage: Stage, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "RETRY", 0.2)
    (stage.folder / "mute").touch()
    await stage.campaign(named(person, 1, "Anna"), named(person, 2, "Ben"))
    async with stage.at_work():
        await desk.until(lambda: len(desk.events("tts.failed")) >= 2)
        assert "cannot say that" in desk.events("tts.failed")[0]["error"]
        assert set(stage.speech().values()) == {"wanted"}
        assert desk.rows("SELECT DISTINCT state FROM contacts") == ["pending"]
        (stage.folder / "mute").unlink()
        await desk.until(lambda: "wanted" not in stage.speech().values())
    assert desk.events("contact.unspoken") == []


async def test_it_stays_a_little_ahead_of_the_dialing(desk: Any, tmp_path: Path, person: Any) -> None:
    stage = Stage(desk, tmp_path, ahead=10)
    await stage.campaign(*(named(person, row, f"Person {row}") for row in range(1, 31)))
    async with stage.at_work():
        await desk.until(lambda: sum(one != "wanted" for one in stage.speech().values()) == 10)
        await asyncio.sleep(1.5)
        assert sum(one != "wanted" for one in stage.speech().values()) == 10
        desk.start()
        await desk.until(lambda: len(desk.exchange.written) == 30)


async def test_a_far_pbx_has_them_before_anybody_is_due(
    desk: Any, stage: Stage, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "RETRY", 0.2)
    stage.far.remote = True
    stage.far.faults = ["a.alaw: no way"]
    await stage.campaign(named(person, 1, "Anna"))
    async with stage.at_work():
        await desk.until(lambda: desk.events("tts.failed"))
        assert desk.events("tts.failed")[0]["error"] == "PBX lab does not get what was spoken: a.alaw: no way"
        assert stage.speech() == {1: "wanted"}
        stage.far.faults = []
        await desk.until(lambda: stage.speech()[1] != "wanted")
    [name] = json.loads(stage.speech()[1])
    assert stage.far.files[:2] == [f"{name}.alaw", f"{name}.ulaw"]
    assert stage.said() == ["en: Hello Anna."], "spoken once, fetched again"


async def test_what_is_heard_no_more_is_deleted(
    desk: Any, stage: Stage, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "SWEEP_EVERY", 0.1)
    monkeypatch.setattr(speaking, "LEAST_AGE", -10.0)
    stranger = stage.folder / "sounds" / "speech-ffffffff-1" / "a.alaw"
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    campaign = await stage.campaign(named(person, 1, "Anna"), named(person, 2, "Ben"))
    async with stage.at_work():
        await desk.until(lambda: "wanted" not in stage.speech().values())
        ours = {row: json.loads(speech)[0] for row, speech in stage.speech().items()}
        await desk.writer.submit(
            lambda connection: connection.execute("UPDATE contacts SET state = 'done' WHERE row = 1") and None
        )
        await desk.until(lambda: not any(file.startswith(ours[1]) for file in stage.files()))
        assert sum(file.startswith(ours[2]) for file in stage.files()) == 2
        del desk.agenda.campaigns[campaign]
        await desk.until(lambda: stage.files() == ["speech-ffffffff-1/a.alaw"])


async def test_sounds_that_are_gone_after_a_start_are_spoken_anew(
    desk: Any, stage: Stage, person: Any
) -> None:
    await stage.campaign(named(person, 1, "Anna"), named(person, 2, "Ben"))
    async with stage.at_work():
        await desk.until(lambda: "wanted" not in stage.speech().values())
    before = stage.speech()
    [name] = json.loads(before[1])
    (stage.folder / "sounds" / f"{name}.alaw").unlink()
    again = Stage(desk, stage.folder)
    async with again.at_work():
        await desk.until(lambda: len(stage.said()) == 3 and stage.speech() == before)
    assert stage.said() == ["en: Hello Anna.", "en: Hello Anna.", "en: Hello Ben."]
    assert os.stat(stage.folder / "sounds" / f"{name}.alaw").st_size > 1000


async def test_no_campaign_with_texts_costs_nothing(desk: Any, stage: Stage, person: Any) -> None:
    await desk.campaign("plain", person(1))
    async with stage.at_work():
        await asyncio.sleep(0.2)
        assert await desk.writer.submit(partial(lambda connection: 1)) == 1
    assert stage.files() == []
    assert stage.said() == []
