"""The README's first campaign, as it is written there: its files together come to what it shows."""

from __future__ import annotations

import json
import re
import wave
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.program import app
from tests.docs.pages import REPOSITORY

TEXT = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def block(start: str) -> str:
    found = re.search(rf"^```{re.escape(start)}\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert found, start
    return found[1]


def test_the_first_campaign_is_checked_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = tmp_path / "first"
    job.mkdir()
    for folder in ("sounds", "state"):
        (tmp_path / folder).mkdir()
    (job / "campaign.toml").write_text(block("toml campaign.toml"), encoding="utf-8")
    rows = re.search(r"^# (phone,.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert rows
    (job / "people.csv").write_text(re.sub(r"^# ", "", rows[1], flags=re.MULTILINE), encoding="utf-8")
    with wave.open(str(job / "hello.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x00\x20\x00\xe0" * 8000)
    settings = block("toml volley.toml").replace("/var/lib/asterisk/sounds/volley", str(tmp_path / "sounds"))
    config = tmp_path / "volley.toml"
    config.write_text(
        f'[engine]\nstate = "{tmp_path / "state"}"\nqueue = "{tmp_path / "queue"}"\n{settings}',
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)  # `cd /srv`, `volley check first`
    done = CliRunner().invoke(
        app, ["check", "first", "--json", "--rejects", "rejected.csv", "--config", str(config)]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    shown = dict(re.findall(r"^(rows|accepted|rejected) +(\d+)$", TEXT, flags=re.MULTILINE))
    assert {key: str(found[key]) for key in shown} == shown
    assert set(shown) == {"rows", "accepted", "rejected"}
    [at] = re.findall(r"^row (\d+) +'0199004' has too few digits", TEXT, flags=re.MULTILINE)
    assert [one["row"] for one in found["first_rejects"]] == [int(at)]
    assert "0199004" in (tmp_path / "rejected.csv").read_text(encoding="utf-8")
