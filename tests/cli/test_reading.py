"""Commands that read the database: status, export, explain, callbacks, dnc list and check."""

from __future__ import annotations

import csv
import json
import signal
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from engine.retention_settings import LEAST
from engine.store import purge
from tests.cli.conftest import Volley
from tests.cli.terminal import Terminal
from tests.ops.filled import Books, person


def filled(books: Books) -> None:
    books.now = time.time() - 30
    people = [
        person(2, "+33199001001", external_id="a", fields={"NAME": "=cmd|' /C calc'!A0"}),
        person(3, "+33199001002"),
    ]
    campaign = books.campaign("shots", people, title="Flu \x1b[31mshots")
    first, _ = books.claim(campaign)
    books.finish(first, "BUSY", cause=17, sip=486, next_at=books.now + 3600, note="\x1b]0;title\x07")
    books.suppress("+33199001009", reason="asked\tby\nletter")


def test_status(volley: Volley, books: Books) -> None:
    filled(books)
    text = volley("status").stdout
    assert "shots" in text
    assert "0/2" in text
    assert "\x1b" not in text
    table = json.loads(volley("status", "shots", "--full", "--json").stdout)
    (campaign,) = table["campaigns"]
    assert (campaign["contacts"], campaign["live_calls"], campaign["dispositions"]) == (2, 1, {"BUSY": 1})
    assert campaign["contact_dispositions"] == {}
    assert "there is no campaign 'nope'" in volley("status", "nope", code=1).stderr


def test_watching_ends_with_control_c(volley: Volley, books: Books) -> None:
    filled(books)
    with closing(Terminal(volley.config, "status", "--watch", columns=100, rows=30)) as screen:
        screen.until(lambda frame: any("shots" in line for line in frame), "the campaign")
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 0


def test_export_is_safe_in_a_spreadsheet_and_whole_as_json_lines(volley: Volley, books: Books) -> None:
    filled(books)
    first, second = csv.DictReader(volley("export", "shots").stdout.splitlines())
    assert first["field_NAME"] == "'=cmd|' /C calc'!A0"
    assert (first["phone_number"], first["last_cause"], first["last_sip"]) == ("+33199001001", "17", "486")
    assert second["field_NAME"] == ""
    lines = [json.loads(line) for line in volley("export", "shots", "--json").stdout.splitlines()]
    assert lines[0]["field_NAME"] == "=cmd|' /C calc'!A0"
    attempts = list(csv.DictReader(volley("export", "shots", "--what", "attempts").stdout.splitlines()))
    assert [row["disposition"] for row in attempts] == ["BUSY", ""]


def test_export_to_a_file(volley: Volley, books: Books, tmp_path: Path) -> None:
    filled(books)
    target = tmp_path / "out.csv"
    assert volley("export", "shots", "-o", str(target)).stdout == ""
    assert target.read_bytes().startswith(b"\xef\xbb\xbfcampaign,contact,")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    volley("export", "shots", "--format", "jsonl", "-o", str(target))
    assert target.read_bytes().startswith(b"{")
    assert volley("export", "shots", "-o", "-").stdout == volley("export", "shots").stdout
    found = volley("export", "shots", "-o", str(tmp_path / "no" / "out.csv"), code=1)
    assert "cannot be written: No such file or directory" in found.stderr
    volley("export", "nope", "-o", str(tmp_path / "never.csv"), code=1)
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["out.csv"]


def test_a_reader_that_has_seen_enough(volley: Volley, books: Books) -> None:
    """`volley export ... | head -1` ends quietly, with exit code 1."""
    books.campaign("many", [person(at + 2, f"+3319900{at:04d}") for at in range(5000)])
    command = f"{sys.executable} -m engine.cli export many --config {volley.config} | head -1; exit ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr, found.stdout.count("\n")) == (1, "", 1)


def test_explain(volley: Volley, books: Books) -> None:
    filled(books)
    text = volley("explain", "0199001001").stdout
    assert text.startswith("+33199001001 (FR, fixed, Europe/Paris)\n")
    assert "BUSY, after 10.0 s (cause 17; SIP 486)" in text
    assert "Next: another try after BUSY" in text
    assert "The engine does not run" in text
    assert "\x1b" not in text
    assert (
        text.splitlines()[1:]
        == volley("explain", "--external-id", "a", "--campaign", "shots").stdout.splitlines()
    )
    table = json.loads(volley("explain", "--contact", "1", "--json").stdout)
    assert table["contacts"][0]["next"]["called"] is True
    assert "never to be called" in volley("explain", "+33199001009").stdout.lower()


def test_who_was_purged_is_explained_as_such(volley: Volley, books: Books) -> None:
    """Somebody whose time was over, and somebody who was called by the same campaign and forgotten before."""
    filled(books)
    now = books.now + LEAST
    connection = books.connection
    for contact in (1, 2):
        connection.execute(
            "UPDATE attempts SET disposition = 'BUSY', counted = 1 WHERE contact_id = ?", (contact,)
        )
    connection.execute("UPDATE contacts SET state = 'done'")
    connection.execute(
        "UPDATE campaigns SET state = 'completed', closed_at = ?, open_contacts = 0", (books.now,)
    )
    ids = [one.id for one in purge.begin(connection, LEAST, now)]
    purge.blank_some(connection, ids, 0)
    connection.commit()
    assert json.loads(volley("status", "--json").stdout)["retention"] == {
        "contacts": None, "jobs": None, "overdue": 0, "purged": 0, "last_purged_at": None,
    }  # fmt: skip
    purge.finish(connection, ids, LEAST, now)
    purge.drop_some(connection, 0, now)
    connection.commit()
    text = volley("explain", "--contact", "1").stdout
    assert "contact 1, of shots" in text
    assert "Purged on 20" in text
    assert "retention.contacts" in text
    assert "+33199001001" not in text
    assert "BUSY" in text
    table = json.loads(volley("explain", "--contact", "1", "--json").stdout)
    assert table["contacts"][0]["erased"]
    assert table["contacts"][0]["purged_at"] == now
    assert "contacts of old campaigns were purged" in volley("explain", "+33199001001", code=1).stderr
    kept = json.loads(volley("status", "--json").stdout)["retention"]
    assert (kept["purged"], kept["last_purged_at"]) == (1, now)


def test_explaining_the_unknown(volley: Volley, books: Books) -> None:
    filled(books)
    assert "number +33199001077: is in no campaign here" in volley("explain", "+33199001077", code=1).stderr
    assert (
        "external id z: is in no campaign here called 'shots'"
        in volley("explain", "-e", "z", "--campaign", "shots", code=1).stderr
    )
    assert "'12'" in volley("explain", "12", code=1).stderr


def test_callbacks(volley: Volley, books: Books) -> None:
    campaign = books.campaign("shots", [person(2, "+33199001001")])
    books.finish(
        books.claim(campaign)[0], "ANSWERED_HUMAN", talk=3, next_at=books.now + 60, next_callback=True
    )
    assert "1 due, 0 kept" in volley("callbacks").stdout
    table = json.loads(volley("callbacks", "shots", "--state", "due", "--json").stdout)
    assert table["counts"] == {"due": 1}
    assert table["listed"][0]["number"] == "+33199001001"


def test_the_list_of_numbers_never_to_be_called(volley: Volley, books: Books) -> None:
    filled(books)
    (line,) = volley("dnc", "list").stdout.splitlines()
    assert line.split("\t")[0] == "+33199001009"
    assert line.split("\t")[2] == "asked by letter"
    assert json.loads(volley("dnc", "list", "--json").stdout)["reason"] == "asked\tby\nletter"
    assert "never to be called" in volley("dnc", "check", "01 99 00 10 09").stdout
    assert "is not on the list" in volley("dnc", "check", "+33199001001", code=1).stdout
    assert json.loads(volley("dnc", "check", "+33199001001", "--json", code=1).stdout)["suppressed"] is False


def test_report(volley: Volley, books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(books)
    monkeypatch.chdir(tmp_path)
    assert volley("report", "shots").stdout == "shots.html\n"
    page = tmp_path / "shots.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    target = tmp_path / "elsewhere.html"
    assert volley("report", "shots", "-o", str(target)).stdout == f"{target}\n"
    assert "SIP 486 Busy Here" in target.read_text(encoding="utf-8")
    written = volley("report", "shots", "-o", "-").stdout
    assert written.startswith("<!DOCTYPE html>")
    assert written.endswith("</html>")
    assert not (tmp_path / "-").exists()
    figures = json.loads(volley("report", "shots", "--json").stdout)
    assert figures["summary"]["attempts"] == {"BUSY": 1}
    assert figures["endings"] == [
        {"trunk": "carrier", "disposition": "BUSY", "sip": 486, "cause": 17, "attempts": 1}
    ]
    assert "+3319900" not in json.dumps(figures)
    assert "there is no campaign 'nope'" in volley("report", "nope", code=1).stderr
    assert (
        "cannot be written" in volley("report", "shots", "-o", str(tmp_path / "no" / "x.html"), code=1).stderr
    )
