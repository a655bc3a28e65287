"""Contacts from a database: SQLite by itself, others by SQLAlchemy. `engine.intake.databases`, `.spool`."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.intake.databases import query_rows
from engine.intake.readers import open_rows
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, DatabaseSource, Limits
from engine.intake.spool import SPOOL_NAME


@pytest.fixture
def job(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute("CREATE TABLE people (phone TEXT, name TEXT, age REAL, photo BLOB)")
        connection.executemany(
            "INSERT INTO people VALUES (?, ?, ?, NULL)",
            [("+33199001234", "Zoë", 30.0), ("+33199001235", None, 31.5)],
        )
    connection.close()
    return tmp_path


def query(job: Path, sql: str, url: str = "sqlite:///crm.db") -> tuple[list[str], list[RawRow]]:
    with ExitStack() as stack:
        headings, rows = query_rows(DatabaseSource(url=url, query=sql), job, stack)
        return headings, list(rows)


def test_sqlite_in_the_job_folder(job: Path) -> None:
    assert query(job, "SELECT phone, name AS first_name, age FROM people ORDER BY phone") == (
        ["phone", "first_name", "age"],
        [RawRow(1, ["+33199001234", "Zoë", "30"]), RawRow(2, ["+33199001235", "", "31.5"])],
    )


def test_sqlite_elsewhere_by_its_absolute_path(job: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("job")
    assert query(other, "SELECT count(*) AS n FROM people", f"sqlite:///{job}/crm.db")[1] == [
        RawRow(1, ["2"])
    ]


def test_a_live_database_in_wal_mode_is_read_with_its_log(
    job: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    writer = sqlite3.connect(job / "crm.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO people VALUES ('+33199001236', 'New', 1, NULL)")
    assert query(
        tmp_path_factory.mktemp("job"), "SELECT count(*) AS n FROM people", f"sqlite:///{job}/crm.db"
    )[1] == [RawRow(1, ["3"])]
    with pytest.raises(InputError, match="unfinished writes"):
        query(job, "SELECT phone FROM people")
    writer.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM people",
        "UPDATE people SET name = 'x' RETURNING phone",
        "ATTACH '/tmp/volley-attached.db' AS other",
        "PRAGMA journal_mode = DELETE",
        "CREATE TABLE x (y)",
        "SELECT load_extension('/tmp/x')",
        "VACUUM INTO '/tmp/volley-vacuumed.db'",
        "SELECT phone FROM people; DROP TABLE people",
        "SELECT nothing FROM people",
        "nonsense",
    ],
)
def test_nothing_but_reading(job: Path, sql: str) -> None:
    before = (job / "crm.db").read_bytes()
    with pytest.raises(InputError, match=r"contacts\.database\.query"):
        query(job, sql)
    assert (job / "crm.db").read_bytes() == before
    assert not Path("/tmp/volley-attached.db").exists()
    assert not Path("/tmp/volley-vacuumed.db").exists()


def test_binary_columns_cost_their_row(job: Path) -> None:
    _, rows = query(
        job, "SELECT phone, CASE WHEN age > 31 THEN x'ff' END AS photo FROM people ORDER BY phone"
    )
    assert rows[0].fault == ""
    assert "binary" in rows[1].fault


def test_a_query_that_fails_in_the_middle_says_where(job: Path) -> None:
    with pytest.raises(InputError, match=r"row \d+: .*overflow"):
        query(job, "SELECT phone, abs(CASE WHEN age > 31 THEN -9223372036854775808 ELSE 1 END) FROM people")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///../crm.db",
        "sqlite:///none.db",
        "sqlite:///crm.db?mode=rwc",
    ],
)
def test_paths_that_are_no_file_of_the_job(job: Path, url: str) -> None:
    (job / "job").mkdir()
    with pytest.raises(InputError):
        query(job / "job", "SELECT 1", url)
    assert not (job / "job" / "none.db").exists()


def test_a_link_out_of_the_job_is_refused(job: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("job")
    (other / "crm.db").symlink_to(job / "crm.db")
    with pytest.raises(InputError, match="symbolic link"):
        query(other, "SELECT phone FROM people")


def test_a_file_that_is_no_database(job: Path) -> None:
    (job / "crm.db").write_text("hello " * 1000)
    with pytest.raises(InputError, match="not a database"):
        query(job, "SELECT phone FROM people")


def test_the_url_may_come_from_the_environment(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = DatabaseSource(url_env="TEST_CRM_URL", query="SELECT count(*) AS n FROM people")
    with ExitStack() as stack, pytest.raises(InputError, match="no TEST_CRM_URL"):
        query_rows(source, job, stack)
    monkeypatch.setenv("TEST_CRM_URL", "sqlite:///crm.db")
    with ExitStack() as stack:
        assert list(query_rows(source, job, stack)[1]) == [RawRow(1, ["2"])]


def test_other_databases_by_sqlalchemy(job: Path) -> None:
    pytest.importorskip("sqlalchemy")
    url = f"sqlite+pysqlite:///{job}/crm.db"
    assert query(job, "SELECT phone, ':not_a_parameter' AS x FROM people ORDER BY phone", url) == (
        ["phone", "x"],
        [RawRow(1, ["+33199001234", ":not_a_parameter"]), RawRow(2, ["+33199001235", ":not_a_parameter"])],
    )
    with pytest.raises(InputError, match="no such table"):
        query(job, "SELECT phone FROM nobody", url)


def test_sqlalchemy_commits_nothing(job: Path) -> None:
    pytest.importorskip("sqlalchemy")
    with pytest.raises(InputError, match="returns no rows"):
        query(job, "DELETE FROM people", f"sqlite+pysqlite:///{job}/crm.db")
    assert query(job, "SELECT count(*) AS n FROM people")[1] == [RawRow(1, ["2"])]


def test_a_missing_driver_is_told_without_the_url(job: Path) -> None:
    pytest.importorskip("sqlalchemy")
    with pytest.raises(InputError, match="driver of this database is not installed"):
        query(job, "SELECT 1", "mysql+mysqldb://crm.example/people")
    for url in ("no url at all", "nosuch://user@host/x"):
        with pytest.raises(InputError) as caught:
            query(job, "SELECT 1", url)
        assert "user@host" not in str(caught.value)


def test_without_sqlalchemy_the_extra_is_named(job: Path) -> None:
    script = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from contextlib import ExitStack; from pathlib import Path\n"
        "from engine.intake.databases import query_rows; from engine.intake.source import DatabaseSource\n"
        "query_rows(DatabaseSource(url='postgresql://crm/people', query='SELECT 1'), Path('.'), ExitStack())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment
    )
    assert "volley-dialer[database]" in ended.stderr


def test_the_answer_is_kept_and_read_again_though_the_database_changes(
    job: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("job")
    source = ContactSource(
        database=DatabaseSource(
            url=f"sqlite:///{job}/crm.db", query="SELECT phone, name FROM people ORDER BY phone"
        )
    )
    with open_rows(source, folder, None, Limits()) as table:
        first = list(table)
    with sqlite3.connect(job / "crm.db") as connection:
        connection.execute("DELETE FROM people")
    connection.close()
    assert (folder / SPOOL_NAME).stat().st_mode & 0o077 == 0, "people's data: for the engine alone"
    with open_rows(source, folder, None, Limits()) as table:
        assert table.headings == ["phone", "name"]
        assert list(table) == first
    assert len(first) == 2


def test_a_query_without_end_runs_into_the_limits(job: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS phone FROM n"
    source = ContactSource(database=DatabaseSource(url="sqlite:///crm.db", query=endless))
    with pytest.raises(InputError, match="over 1000 rows"):
        open_rows(source, job, None, Limits(rows=1000))
    with pytest.raises(InputError, match="over 5000 bytes"):
        open_rows(source, job, None, Limits(file_bytes=5000))
    assert not (job / SPOOL_NAME).exists()


def test_an_answer_that_was_not_wholly_kept_is_asked_for_again(job: Path) -> None:
    source = ContactSource(database=DatabaseSource(url="sqlite:///crm.db", query="SELECT phone FROM people"))
    (job / (SPOOL_NAME + ".tmp")).write_bytes(b'["phone"]\n[1,["+331')
    with open_rows(source, job, None, Limits()) as table:
        assert len(list(table)) == 2
