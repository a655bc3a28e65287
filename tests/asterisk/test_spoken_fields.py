"""Fields that Asterisk's say applications speak: the sounds that it plays in English and in French, and what is heard."""

from __future__ import annotations

import array
import json
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import lab
from engine.speech.sound import Sound, read_wav
from lab import Lab, packages
from tests.asterisk.harness import Engine, number
from tests.asterisk.test_prompts import alike, envelope

pytestmark = pytest.mark.asterisk
ENGLISH, FRENCH = "+12125550110", number(34, 90)
"""A person, and a voicemail that records what it hears."""
MANIFEST = """
amd = { machine = "voicemail" }
voicemail = { prompts = [{ say = "date", field = "DUE" }, { say = "amount", field = "TOTAL" }] }
[menu]
prompts = [
    { say = "date", field = "DUE" }, { say = "time", field = "AT" }, { say = "amount", field = "TOTAL" },
    { say = "digits", field = "ACCOUNT" }, { say = "letters", field = "CODE" }, { say = "number", field = "COUNT" },
]
repeats = 0
timeout = "1s"
"""
COLUMNS = {
    "language": ["en", "en", "fr"],
    "due": ["2026-12-24", "2026-02-31", "2026-12-24"],
    "at": ["14:30", "9:00", "14:30"],
    "total": ["$12.05", "12", "21,05 €"],
    "account": ["40-71", "x", "40-71"],
    "code": ["bz", "b", "bz"],
    "count": ["308", "3", "308"],
}
DATE = {
    "en": ["day-4", "mon-11", "20", "h-4", "2", "thousand", "20", "6"],
    "fr": ["day-4", "20", "4", "mon-11", "2", "thousand", "20", "6"],
}
"""Thursday, the 24th of December 2026."""
WORDS = {
    "day-4": "jeudi", "mon-11": "décembre", "thousand": "mille", "et": "et",
    "1": "un", "2": "deux", "4": "quatre", "5": "cinq", "6": "six", "20": "vingt",
}  # fmt: skip
"""Sound -> what it says, of those that the French callee hears."""


@dataclass(frozen=True)
class Said:
    """What one campaign played, and to whom."""

    engine: Engine
    played: dict[str, list[tuple[str, str]]]
    """Channel -> the language and the name of each sound, in order."""

    def to(self, language: str) -> list[str]:
        """What the one callee heard to whom all was played in `language`."""
        [names] = [
            [name for _, name in sounds]
            for sounds in self.played.values()
            if {spoken for spoken, _ in sounds} == {language}
        ]
        return names


@pytest.fixture(scope="module")
def core_sounds(practice: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """French core sounds at the PBX: its own; where it has none, these few, spoken by espeak-ng."""
    pbx, probe = practice.dir / "pbx", practice.dir / "pbx" / "spool" / f"{uuid.uuid4().hex}.wav"
    lab.console("pbx", f"file convert {pbx}/sounds/fr/digits/20.gsm {probe}")
    if probe.exists():
        probe.unlink()
        yield
        return
    packages.need({"espeak-ng": "espeak-ng", "sox": "sox"}, print)
    link = pbx / "sounds" / "fr"
    target = link.readlink()
    link.unlink()
    (link / "digits").mkdir(parents=True)
    scratch = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    for name, text in WORDS.items():
        subprocess.run(["espeak-ng", "-v", "fr", "-w", str(scratch), text], check=True)
        subprocess.run(
            ["sox", str(scratch), "-r", "8000", "-c", "1", str(link / "digits" / f"{name}.gsm")], check=True
        )
    yield
    shutil.rmtree(link)
    link.symlink_to(target)


@pytest.fixture(scope="module")
def said(practice: Lab, core_sounds: None, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """A campaign in which fields are spoken, over."""
    lab.reset()
    engine = Engine(practice, tmp_path_factory.mktemp("said"))
    log = practice.dir / "pbx" / "log" / "said"
    before = log.stat().st_size if log.exists() else 0
    lab.console("pbx", "logger add channel said verbose(3)")
    lab.record(True)
    try:
        engine.start()
        engine.job("said", [ENGLISH, "+12135550110", FRENCH], MANIFEST, **COLUMNS)
        engine.completed("said")
        time.sleep(1.0)
    finally:
        lab.record(False)
        lab.console("pbx", "logger remove channel said")
        engine.end()
    [flow] = engine.rows("SELECT entries FROM flows")
    ours = {
        value.rpartition("/")[2]: key.removeprefix("say/").replace("_", "-")
        for key, value in json.loads(flow["entries"]).items()
        if key.startswith("say/")
    }
    played: dict[str, list[tuple[str, str]]] = {}
    for line in log.read_bytes()[before:].decode("utf-8", "replace").splitlines():
        if found := re.search(r"<(\S+)> Playing '(\S+)\.\w+' \(language '(\w+)'\)", line):
            name = found[2].rpartition("/")[2]
            played.setdefault(found[1], []).append((found[3], ours.get(name, name)))
    return Said(engine, played)


def test_in_english(said: Said) -> None:
    """Digits, letters, numbers, dates, times and amounts; a row with what cannot be spoken so is rejected."""
    (rejects,) = (said.engine.queue / "accepted").glob("*.rejects.csv")
    text = rejects.read_text(encoding="utf-8-sig")
    for field in ("DUE", "TOTAL", "ACCOUNT"):
        assert f"{field}, spoken as" in text
    assert said.engine.contacts("said")[ENGLISH]["goal"] == "heard"
    assert said.to("en")[1:] == [
        *DATE["en"],
        "2", "30", "p-m",
        "12", "units-usd", "5", "cents-usd",
        "4", "0", "7", "1",
        "b", "z",
        "3", "hundred", "8",
    ]  # fmt: skip


def test_in_french(said: Said, practice: Lab) -> None:
    """A date and an amount, from the PBX's French files: what the voicemail recorded is what they are, and not what the English are."""
    spoken = [*DATE["fr"], "20", "et", "1", "units-eur", "5", "cents-eur"]
    assert said.to("fr") == spoken
    heard = envelope(read_wav(practice.dir / "carrier" / "recordings" / f"{FRENCH.lstrip('+')}-1.wav", 60))
    assert alike(heard, envelope(whole(practice, "fr", spoken))) > 0.95
    english = [*DATE["en"], "20", "1", "units-eur", "5", "cents-eur"]
    assert alike(heard, envelope(whole(practice, "en", english))) < 0.7


def whole(practice: Lab, language: str, names: list[str]) -> Sound:
    """These sounds one after the other, as the PBX reads its own files."""
    pbx = practice.dir / "pbx"
    samples = array.array("h")
    for name in names:
        if (ours := practice.sounds_dir / language / f"{name}.wav").exists():
            samples += read_wav(ours, 60).samples
            continue
        made = pbx / "spool" / f"{uuid.uuid4().hex}.wav"
        lab.console("pbx", f"file convert {pbx}/sounds/{language}/digits/{name}.gsm {made}")
        samples += read_wav(made, 60).samples
        made.unlink()
    return Sound(8000, samples)
