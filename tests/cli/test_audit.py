"""`volley audit`: what was done is told, and what was done to it too."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from engine.intake.owner import owner_of
from tests.cli.conftest import EngineProcess, Volley
from tests.cli.test_steering import make_job
from tests.ops.filled import Books, person
from tests.ops.test_audit import tamper


def filled(books: Books) -> None:
    claim = books.claim(books.campaign("shots", [person(2, "+33199001001")]))[0]
    books.opt_out(claim)


def test_the_whole_story_of_a_run(engine: EngineProcess, tmp_path: Path) -> None:
    volley = engine.volley
    volley("submit", str(make_job(tmp_path)), "--wait")
    volley("pause", "shots", "--by", "anna +33199001042", "--reason", "wrong prompt")
    volley("resume", "shots", "--by", "anna")
    volley("contacts", "remove", "shots", "-e", "1", "--by", "bob")
    volley("dnc", "add", "01 99 00 10 02", "--reason", "asked by letter", "--by", "anna")
    volley("dnc", "remove", "+33199001002", "--reason", "consent", "--by", "bob")
    volley("cancel", "shots", "--by", "anna")
    assert engine.end() == 0
    entries = [json.loads(line) for line in volley("audit", "list", "--json").stdout.splitlines()]
    me = owner_of(tmp_path)
    told = [(one["action"], one["actor"]) for one in entries if one["actor"] != "engine"]
    assert told == [
        ("campaign.accepted", me), ("campaign.paused", f"anna +331••42 (as {me})"), ("campaign.resumed", f"anna (as {me})"),
        ("contacts.removed", f"bob (as {me})"), ("suppression.added", f"anna (as {me})"),
        ("suppression.removed", f"bob (as {me})"), ("campaign.cancelled", f"anna (as {me})"),
    ]  # fmt: skip
    assert len(volley("audit", "list", "--actor", "bob").stdout.splitlines()) == 2
    [paused] = [one for one in entries if one["action"] == "campaign.paused"]
    assert paused["details"]["reason"] == "wrong prompt"
    ours = [one["action"] for one in entries if one["actor"] == "engine"]
    assert ours[:2] == ["settings.changed", "engine.started"]
    assert ours[-1] == "engine.stopped"
    [accepted] = [one for one in entries if one["action"] == "campaign.accepted"]
    assert (accepted["details"]["contacts"], accepted["details"]["rejected"]) == (5, 1)
    assert "0199001002" not in str(entries).replace(" ", "")
    assert "+33199001" not in str(entries)
    assert "33162000001" not in str(entries)

    log = volley.config.with_name("volley.log")
    assert engine.process.stdout is not None
    log.write_text(engine.process.stdout.read(), encoding="utf-8")
    text = volley("audit", "verify", "--log", str(log)).stdout
    assert text.startswith(f"the log is whole: {len(entries):,} rows in ")
    assert "2 heads met" in text
    tamper(volley.settings.database, "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
    assert "its end was cut off" in volley("audit", "verify", "--log", str(log), code=1).stdout
    volley("audit", "verify")  # without a head nobody can know


def test_verify_tells_the_first_row_that_is_wrong(volley: Volley, books: Books) -> None:
    filled(books)
    head = volley("audit", "head").stdout.strip()
    assert json.loads(volley("audit", "head", "--json").stdout)["head"] == head
    found = volley("audit", "verify", "--head", head, "--head", head.partition(":")[2]).stdout
    assert found.splitlines()[1] == f"head {head}"
    assert json.loads(volley("audit", "verify", "--json").stdout) == {
        "whole": True, "rows": 1, "head": head, "heads_checked": 0, "broken": None,
    }  # fmt: skip
    tamper(books.settings.database, "UPDATE audit SET actor = 'somebody' WHERE id = 1")
    assert (
        volley("audit", "verify", code=1).stdout.splitlines()[0]
        == "row 1 is wrong: its content is not what its hash was made of: it was changed"
    )
    table = json.loads(volley("audit", "verify", "--json", code=1).stdout)
    assert (table["whole"], table["rows"], table["broken"]["row"]) == (False, 0, 1)


def test_list_and_its_options(volley: Volley, books: Books) -> None:
    books.now = time.time()
    filled(books)
    (text,) = volley("audit", "list", "--since", "1h", "--action", "suppression").stdout.splitlines()
    fields = text.split("\t")
    assert fields[2:5] == ["callee", "suppression.added", "suppression"]
    assert json.loads(fields[5])["source"] == "key"
    for nothing in (
        ["--since", "2999-01-01"],
        ["--until", "2020-01-01T00:00:00+01:00"],
        ["--actor", "anna"],
        ["--subject", "x"],
    ):
        assert volley("audit", "list", *nothing).stdout == ""
    assert (
        len(volley("audit", "list", "--since", "2020-01-01", "--until", "2999-01-01").stdout.splitlines())
        == 1
    )
    lines = volley("audit", "list", "--since", "yesterday", "--until", "never", code=1).stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["--since", "--until"]


def test_what_is_wrong_is_told(volley: Volley, books: Books, tmp_path: Path) -> None:
    filled(books)
    assert "'nonsense' is no head" in volley("audit", "verify", "--head", "nonsense", code=1).stderr
    (tmp_path / "empty.log").write_text("{}\n")
    assert "holds no head" in volley("audit", "verify", "--log", str(tmp_path / "empty.log"), code=1).stderr
    assert "No such file" in volley("audit", "verify", "--log", str(tmp_path / "no.log"), code=1).stderr


def test_nothing_that_stands_in_an_entry_moves_the_cursor(volley: Volley, books: Books) -> None:
    filled(books)
    with closing(sqlite3.connect(books.settings.database, isolation_level=None)) as connection:
        from engine.store import audit

        audit.append(
            connection,
            audit.Action.LIST_IMPORTED,
            1.0,
            actor="\x1b[31m",
            subject="a\tb\nc",
            details={"x": "\x1b"},
        )
    text = volley("audit", "list", "--action", "list").stdout
    assert "\x1b" not in text
    assert text.count("\n") == 1
    assert text.count("\t") == 5
