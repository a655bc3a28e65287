"""Lists and forgetting from the command line: beside a real engine process, whose PBX is not there."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.cli.conftest import EngineProcess, Volley
from tests.cli.test_steering import make_job


def importing(volley: Volley, *files: Path, code: int = 0, **given: str) -> str:
    options = {
        "--list": "us-dnc", "--kind": "registry", "--jurisdiction": "US", "--date": "2026-11-01",
        "--reason": "monthly", "--by": "anna", **{f"--{name.replace('_', '-')}": value for name, value in given.items()},
    }  # fmt: skip
    flat = [part for pair in options.items() for part in pair if part != ""]
    found = volley("dnc", "import", *map(str, files), *flat, code=code)
    return found.stdout if code == 0 else found.stderr


def test_a_registry_from_its_import_to_its_end(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    source = tmp_path / "2026 11 (full).txt"
    source.write_text("202,5550123\n303,5550124\n", encoding="utf-8")
    assert volley("dnc", "lists").stdout.startswith("there are no lists")
    assert "2 rows, 2 numbers, 0 rows unreadable" in importing(volley, source, check="")
    assert volley("dnc", "lists", "--json").stdout.strip() == "[]", "--check changes nothing"
    assert importing(volley, source) == (
        "us-dnc is version 1 of 2026-11-01: 2 numbers (2 added, 0 removed)\n"
    )
    assert "was made of these files already" in importing(volley, source)
    text = volley("dnc", "check", "+12025550123").stdout
    assert text == "+12025550123 is on us-dnc (registry, US, data of 2026-11-01, version 1)\n"
    change = tmp_path / "change.csv"
    change.write_text("202,5550123,D,2026-11-05\n212,5550125,A,2026-11-05\n", encoding="utf-8")
    assert "version 2 of 2026-11-05: 2 numbers (1 added, 1 removed)" in importing(
        volley, change, change="", date="2026-11-05"
    )
    volley("dnc", "check", "+12025550123", code=1)
    (row,) = json.loads(volley("dnc", "lists", "--verify", "--json").stdout)
    assert (row["name"], row["count"], row["version"], row["unusable"], row["actor"]) == (
        "us-dnc",
        2,
        2,
        "",
        "anna",
    )
    assert "us-dnc" in volley("dnc", "lists").stdout
    out = tmp_path / "out.csv"
    volley("dnc", "export", "--list", "us-dnc", "-o", str(out))
    assert out.read_text(encoding="utf-8").split() == ["phone_number", "+12125550125", "+13035550124"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "there is no list 'nope'" in volley("dnc", "export", "--list", "nope", code=1).stderr

    path = volley.settings.engine.state / "lists" / "us-dnc.2.list"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "cannot be asked, and may have it" in volley("dnc", "check", "+12025550199").stdout
    assert "was cut" in volley("dnc", "lists", code=1).stderr
    path.write_bytes(whole)

    dropped = volley("dnc", "drop", "--list", "us-dnc", "--reason", "subscription ended").stdout
    assert dropped == "us-dnc is dropped, 2 numbers\n"
    volley("dnc", "check", "+13035550124", code=1)
    assert engine.end() == 0


def test_what_is_wrong_is_told_at_once_and_by_the_engine(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    source = tmp_path / "list.txt"
    source.write_text("202,5550123\n12\n", encoding="utf-8")
    text = importing(volley, source, code=1, kind="register", jurisdiction="XX", date="soon")
    assert [line.split(":")[0] for line in text.splitlines()] == ["kind", "date"]
    found = volley(
        "dnc", "import", str(source), "--list", "us-dnc", "--kind", "registry", "--date", "2026-11-01", "--reason", "x", code=1,
    )  # fmt: skip
    assert "give its jurisdiction" in found.stderr
    assert "no readable file" in importing(volley, tmp_path / "nope.txt", code=1)
    assert "row 2" in importing(volley, source, code=1)
    found = volley(
        "dnc", "import", str(source), "--list", "us-dnc", "--kind", "registry", "--jurisdiction", "US", "--date", "2026-11-01",
        "--reason", "x", "--change", "--add", code=2,
    )  # fmt: skip
    assert "at most one of" in found.stderr
    assert volley("dnc", "lists", "--json").stdout.strip() == "[]"


def test_withdrawals_by_file(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    source = tmp_path / "optouts.csv"
    source.write_text("telephone;name\n01 99 00 10 01;Ann\n+33199001002;Bob\n", encoding="utf-8")
    text = volley("dnc", "add", "--file", str(source), "--reason", "letters", "--by", "anna").stdout
    assert text == "2 numbers are on the list, 2 of them new\n"
    assert "letters (file by anna" in volley("dnc", "check", "0199001001").stdout
    source.write_text("telephone;name\n01 99 00 10 03;Ann\n77;Bob\n", encoding="utf-8")
    found = volley("dnc", "add", "--file", str(source), "--reason", "letters", code=1)
    assert "1 rows cannot be read and are NOT on it" in found.stdout
    assert "row 3: '77'" in found.stderr
    assert "says nothing" in volley("dnc", "add", "--file", str(source), "--reason", " ", code=1).stderr
    volley("dnc", "add", "+33199001001", "--file", str(source), "--reason", "x", code=2)
    volley("dnc", "add", "--reason", "x", code=2)
    lines = volley("dnc", "export").stdout.splitlines()
    assert lines[0] == "phone_number,since,reason,source,by"
    assert [line.split(",")[0] for line in lines[1:]] == ["+33199001001", "+33199001002", "+33199001003"]
    again = tmp_path / "again.csv"
    again.write_text("\n".join(lines), encoding="utf-8")
    text = volley("dnc", "add", "--file", str(again), "--reason", "again").stdout
    assert text == "3 numbers are on the list, 0 of them new\n"
    (row, *_) = [json.loads(line) for line in volley("dnc", "export", "--json").stdout.splitlines()]
    assert row["reason"] == "letters"


def test_forgetting_somebody(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    volley("submit", str(make_job(tmp_path)), "--wait")
    text = volley("forget", "01 99 00 10 02", "--reason", "letter of 24 November", "--by", "anna").stdout
    assert "1 people are forgotten: 1 contacts and 0 calls tell nothing of them any more" in text
    assert "Still in files of: shots" in text
    assert "is in no campaign here" in volley("explain", "+33199001002", code=1).stderr
    assert "somebody who was forgotten" in volley("dnc", "check", "+33199001002").stdout
    assert json.loads(volley("dnc", "check", "+33199001002", "--json").stdout)["forgotten"] is True
    assert "+33199001002" not in volley("export", "shots").stdout
    assert volley("dnc", "export").stdout.splitlines() == ["phone_number,since,reason,source,by"]
    assert "numbers, 1" in volley("forget", "12", "--reason", "x", code=1).stderr
    job = make_job(tmp_path, "again")
    volley("submit", str(job), "--wait")
    assert "forgotten" in volley("explain", "+33199001002").stdout
    assert "never to be called" in volley("explain", "+33199001002").stdout.lower()
    log = engine.end()
    assert log == 0
