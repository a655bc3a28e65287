"""What would happen to a job, told without changing anything; the engine's own intake must come to the
same."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from engine.contacts import Consent
from engine.errors import InputError
from engine.ops.preview import Preview, files_of, open_job, preview
from engine.ops.preview_view import view
from engine.store import erasure, forgotten
from tests.intake.privilege import modes_hold
from tests.ops.filled import CALLER, NOON, Books, person, settings_in
from tests.speech.sounds import prompt

MANIFEST = """
id = "shots"
owner = "Test, test@example.org"
purpose = "informational"
caller_id = "+33162000001"
window = [{ days = ["mon-fri"], from = "09:00", to = "12:30" }]
message = { prompts = ["hello.wav"] }
contacts = { file = "people.csv" }
"""
PEOPLE = """phone_number,id,name,not_before,timezone
0199001001,1,Anna,,
01 99 00 10 02,2,Ben,2026-12-01,
+12125550110,3,Carl,,
0199001001,4,Anna again,,
12,5,Short,,
0199001003,6,Odd,03/04/2026,
0199001004,7,Suppressed,,
33199001005.0,8,Float,,
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "shots"
    folder.mkdir()
    prompt(folder / "hello.wav")
    (folder / "campaign.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return folder


def listing(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*"))


def test_everything_is_told(job: Path, books: Books, tmp_path: Path) -> None:
    books.suppress("+33199001004")
    before = listing(tmp_path)
    found = preview(job, books.settings, NOON + 45 * 60)
    assert listing(tmp_path) == before, "looking changes nothing"
    assert found.acceptable
    assert (found.rows, found.accepted, found.rejected, found.duplicates) == (8, 5, 3, 1)
    assert found.reject_codes == {"duplicate_number": 1, "too_short": 1, "bad_time": 1}
    assert [one.row for one in found.first_rejects] == [5, 6, 7]
    assert found.regions == {"FR": 4, "US": 1}
    assert found.suppressed == 1
    assert sum(found.repaired.values()) == 1
    assert found.openings.never == {"suppressed": 1}
    later = found.openings.later["outside_hours"]
    assert (later.contacts, found.openings.at_once) == (4, 0)
    assert later.earliest == NOON + 3 * 3600, "nine in New York"
    assert later.latest == NOON + 6 * 86400 + 21 * 3600, "nine in Paris on 1 December"
    assert found.openings.first == later.earliest
    assert found.call is not None
    assert [(one.file, one.seconds) for one in found.call.message] == [("hello.wav", 2.0)]
    assert found.call.keys == {"2": "call back in 1h", "9": "never call again"}


def test_inside_the_hours_calls_go_out_at_once(job: Path, tmp_path: Path) -> None:
    found = preview(job, settings_in(tmp_path), NOON)
    assert found.openings.at_once == 3
    assert found.suppressed is None, "there is no database yet"


def test_all_that_is_wrong_is_told_at_once(job: Path, tmp_path: Path) -> None:
    manifest = (job / "campaign.toml").read_text(encoding="utf-8")
    (job / "campaign.toml").write_text(
        manifest.replace("62000001", "62000009").replace("hello.wav", "gone.wav"), encoding="utf-8"
    )
    (job / "people.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    found = preview(job, settings_in(tmp_path), NOON)
    assert not found.acceptable
    told = " ".join(str(one) for one in found.problems)
    assert "not among the numbers proven ours" in told
    assert "gone.wav" in told
    assert "phone number" in told


def test_languages_without_a_variant_are_told(job: Path, tmp_path: Path) -> None:
    manifest = (job / "campaign.toml").read_text(encoding="utf-8")
    manifest = 'language = "en"\n' + manifest.replace('["hello.wav"]', '["hello.wav", "more.wav"]')
    (job / "campaign.toml").write_text(manifest, encoding="utf-8")
    people = [
        ("0199001001", "fr-BE"),
        ("0199001002", "de"),
        ("0199001003", "DE"),
        ("0199001004", "en-GB"),
        ("0199001005", ""),
    ]
    rows = "".join(f"{number},{language}\n" for number, language in people)
    (job / "people.csv").write_text("phone_number,language\n" + rows, encoding="utf-8")
    prompt(job / "more.wav", 1.0)
    for language in ("fr", "de"):
        (job / language).mkdir()
        prompt(job / language / "hello.wav", 3.0)
    found = preview(job, settings_in(tmp_path), NOON)
    assert found.acceptable
    assert found.languages == {"de": 2, "fr-BE": 1, "en-GB": 1, "en": 1}
    assert found.unspoken == {"de": ["more.wav"], "fr-BE": ["more.wav"]}
    assert found.call is not None
    assert [(one.file, one.seconds, one.languages) for one in found.call.message] == [
        ("hello.wav", 2.0, {"de": 3.0, "fr": 3.0}), ("more.wav", 1.0, {})
    ]  # fmt: skip
    assert files_of(open_job(job)) == ["people.csv", "hello.wav", "de/hello.wav", "fr/hello.wav", "more.wav"]
    console = Console(width=120, file=StringIO())
    console.print(view(found))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 de, 1 fr-BE, 1 en-GB, 1 en" in shown
    assert "de: more.wav in the campaign's language" in shown
    assert "hello.wav (2 s, de 3 s, fr 3 s), more.wav (1 s)" in shown


def test_what_might_be_better_is_told_and_rejects_nothing(job: Path, tmp_path: Path) -> None:
    prompt(job / "hello.wav", 2.0, lead=1.0)
    found = preview(job, settings_in(tmp_path), NOON)
    assert found.acceptable
    assert [str(one) for one in found.warnings] == [
        "hello.wav: it begins with 1.0 s of silence, while the callee waits"
    ]


def test_no_row_that_can_be_called(job: Path, tmp_path: Path) -> None:
    (job / "people.csv").write_text("phone_number\n12\n13\n", encoding="utf-8")
    found = preview(job, settings_in(tmp_path), NOON)
    assert not found.acceptable
    assert found.rejected == 2
    assert "none of the 2 rows" in str(found.problems[-1])


def test_a_campaign_that_is_there(job: Path, books: Books) -> None:
    books.campaign("shots", [person(2, "+33199001001")])
    assert "there is a campaign 'shots' already (running)" in str(
        preview(job, books.settings, NOON).problems[0]
    )


def test_contacts_to_be_added(job: Path, books: Books) -> None:
    (job / "campaign.toml").write_text(
        'add_to = "shots"\n[contacts]\nfile = "people.csv"\n', encoding="utf-8"
    )
    assert "there is no such campaign" in str(preview(job, books.settings, NOON).problems[0])
    campaign = books.campaign("shots", [person(2, "+33199001001")], window=[{"from": "00:00", "to": "00:00"}])
    found = preview(job, books.settings, NOON)
    assert found.acceptable
    assert (found.adds, found.already_there, found.openings.at_once) == (True, 1, 3)
    books.connection.execute("UPDATE campaigns SET state = 'cancelled' WHERE id = ?", (campaign,))
    assert "is cancelled" in str(preview(job, books.settings, NOON).problems[0])


def test_people_whom_the_campaign_has_already(job: Path, books: Books) -> None:
    """By whichever of their numbers, and by their external id, as the database will refuse them."""
    books.campaign("shots", [person(2, "+33199001009", external_id="7"), person(3, "+33199001008")])
    (job / "campaign.toml").write_text(
        'add_to = "shots"\n[contacts]\nfile = "people.csv"\ncolumns = { phone_number = ["phone_number", "mobile"] }\n',
        encoding="utf-8",
    )
    (job / "people.csv").write_text(
        "phone_number,mobile,id\n+33199001001,+33199001008,1\n+33199001002,,7\n+33199001003,,8\n",
        encoding="utf-8",
    )
    assert preview(job, books.settings, NOON).already_there == 2


def test_contacts_to_be_added_are_read_as_the_campaign_says(job: Path, books: Books) -> None:
    books.campaign("shots", [person(2, "+33199001009")], region="US")
    (job / "campaign.toml").write_text(
        'add_to = "shots"\n[contacts]\nfile = "people.csv"\n', encoding="utf-8"
    )
    (job / "people.csv").write_text("phone_number\n212 555 0110\n", encoding="utf-8")
    assert preview(job, books.settings, NOON).regions == {"US": 1}


def test_a_paused_campaign_calls_nobody(job: Path, books: Books) -> None:
    campaign = books.campaign("shots", [person(2, "+33199001009")])
    (job / "campaign.toml").write_text(
        'add_to = "shots"\n[contacts]\nfile = "people.csv"\n', encoding="utf-8"
    )
    assert not preview(job, books.settings, NOON).paused
    books.connection.execute("UPDATE campaigns SET state = 'paused' WHERE id = ?", (campaign,))
    found = preview(job, books.settings, NOON)
    assert found.paused
    assert found.openings.at_once, "as if it ran"
    console = Console(width=120)
    with console.capture() as shown:
        console.print(view(found))
    assert "the campaign is paused" in shown.get()


def one_person(job: Path, number: str, **columns: str) -> None:
    row = {"phone_number": number, **columns}
    (job / "people.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")


def test_somebody_who_was_forgotten_stays_suppressed(job: Path, books: Books) -> None:
    forgotten.make_key(books.settings.engine.state)
    erasure.forget(books.connection, "+33199001001", "anna", "asked", NOON)
    one_person(job, "+33199001001")
    found = preview(job, books.settings, NOON)
    assert (found.suppressed, found.openings.never) == (1, {"suppressed": 1})


def test_a_number_in_a_call_waits(job: Path, books: Books) -> None:
    books.claim(books.campaign("other", [person(2, "+33199001001")]))
    one_person(job, "+33199001001")
    assert preview(job, books.settings, NOON).openings.later["line_in_use"].earliest == NOON + 20


MARKETING = {
    "consent": "written", "consent_at": "2026-06-01", "consent_source": "web", "consent_purpose": "marketing",
    "consent_reference": "crm/1",
}  # fmt: skip


@pytest.mark.parametrize("adds", [False, True])
def test_earlier_calls_of_the_owner_count(job: Path, tmp_path: Path, adds: bool) -> None:
    """Florida: three sales calls in a day by the same owner, in whichever campaign; also for a campaign that is not there yet,
    and for one that takes a number twice."""
    with closing(Books(settings_in(tmp_path, law={"countries": ["US"]}))) as books:
        books.now += 6 * 3600  # noon in Miami
        owner = {"owner": "Test, test@example.org", "purpose": "marketing"}
        consent = Consent("marketing", datetime(2026, 6, 1, tzinfo=UTC), "web", "crm/1", "written")
        for which in range(3):
            campaign = books.campaign(f"c{which}", [person(2, "+13055551234", consent=consent)], **owner)
            (claim,) = books.claim(campaign)
            books.finish(claim, "NO_ANSWER", after=20.0)
            books.now += 60
        manifest = (job / "campaign.toml").read_text(encoding="utf-8").replace("informational", "marketing")
        if adds:
            manifest = 'add_to = "c2"\n[contacts]\nfile = "people.csv"\nduplicates = "keep"\n'
        (job / "campaign.toml").write_text(manifest, encoding="utf-8")
        one_person(job, "+13055551234", **MARKETING)
        assert list(preview(job, books.settings, books.now).openings.later) == ["too_often"]


def test_a_caller_id_of_a_trunk_that_the_campaign_does_not_use_shows_nothing(
    job: Path, tmp_path: Path
) -> None:
    trunk = {"pbx": "lab", "dial": "PJSIP/{number}@carrier"}
    ours = {"number": CALLER, "owner": "Test", "proof": "2026-01-01", "trunks": ["b"]}
    settings = settings_in(tmp_path, trunk={"a": trunk, "b": trunk}, caller_id=[ours])
    one_person(job, "+33199001001")
    assert preview(job, settings, NOON).openings.at_once == 1
    manifest = (job / "campaign.toml").read_text(encoding="utf-8")
    (job / "campaign.toml").write_text(f'trunks = ["a"]\n{manifest}', encoding="utf-8")
    assert list(preview(job, settings, NOON).openings.later) == ["no_caller_id"]


def test_contacts_to_be_added_without_any_database(job: Path, tmp_path: Path) -> None:
    (job / "campaign.toml").write_text(
        'add_to = "shots"\n[contacts]\nfile = "people.csv"\n', encoding="utf-8"
    )
    assert "no database yet" in str(preview(job, settings_in(tmp_path / "none"), NOON).problems[0])


def test_rejects_are_written_where_asked(job: Path, tmp_path: Path) -> None:
    target = tmp_path / "rejects.csv"
    preview(job, settings_in(tmp_path), NOON, rejects=target)
    assert len(target.read_text(encoding="utf-8-sig").splitlines()) == 4
    found = preview(job, settings_in(tmp_path), NOON, rejects=tmp_path / "no" / "rejects.csv")
    assert "is not there" in str(found.problems[0])


def test_progress_is_told(job: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    preview(job, settings_in(tmp_path), NOON, progress=seen.append)
    assert seen[-1] == 8


def test_a_database_source_leaves_nothing_in_the_job(job: Path, tmp_path: Path) -> None:
    with sqlite3.connect(job / "crm.db") as database:
        database.execute("CREATE TABLE people (phone_number TEXT)")
        database.execute("INSERT INTO people VALUES ('+33199001001')")
    database.close()
    source = 'contacts = { database = { url = "sqlite:///crm.db", query = "SELECT * FROM people" } }'
    text = (
        (job / "campaign.toml")
        .read_text(encoding="utf-8")
        .replace('contacts = { file = "people.csv" }', source)
    )
    (job / "campaign.toml").write_text(text, encoding="utf-8")
    before = listing(job)
    assert preview(job, settings_in(tmp_path), NOON).accepted == 1
    assert listing(job) == before
    assert files_of(open_job(job)) == ["crm.db", "hello.wav"]


def test_the_job_may_be_its_manifest(job: Path, tmp_path: Path) -> None:
    found: Preview = preview(job / "campaign.toml", settings_in(tmp_path), NOON)
    assert found.accepted == 5
    assert files_of(open_job(job / "campaign.toml")) == ["people.csv", "hello.wav"]


def test_what_is_no_job(job: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_job(tmp_path / "nope")
    job.parent.chmod(0o600)
    try:
        with modes_hold(), pytest.raises(InputError, match="cannot be reached by the user"):
            open_job(job)
    finally:
        job.parent.chmod(0o700)
    os.symlink(job / "people.csv", job / "link.csv")
    with pytest.raises(InputError, match="symbolic link"):
        open_job(job)
