"""The parsing process and the side that asks it, for real. `engine.intake.parser`, `.parse_client`."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from engine.contacts import Contact
from engine.errors import InputError, VolleyError
from engine.intake.parse_client import ParseRequest, parse_job
from engine.intake.source import ContactSource, Limits
from engine.intake.wire import Batch, Done
from tests.patience import PATIENCE


def request_for(
    folder: Path,
    *,
    skip_rows: int = 0,
    limits: Limits | None = None,
    sent: list[str] | None = None,
    **source: Any,
) -> ParseRequest:
    table = source if {"file", "rows", "database"} & source.keys() else {"file": "people.csv", **source}
    contacts = ContactSource.model_validate(table)
    return ParseRequest(
        folder, contacts, folder / "rejects.csv", "FR", "fr", sent, skip_rows, limits or Limits()
    )


async def parse(request: ParseRequest) -> tuple[list[Contact], list[Batch], Done]:
    batches: list[Batch] = []
    async with aclosing(parse_job(request)) as parts:
        async for part in parts:
            if isinstance(part, Done):
                return [contact for batch in batches for contact in batch.contacts], batches, part
            batches.append(part)
    raise AssertionError("no last word")


def people(folder: Path, count: int, bad_every: int = 0, city: str = "Paris") -> None:
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, delimiter=";")
        rows.writerow(["phone", "first name", "city"])
        for number in range(count):
            bad = bad_every and number % bad_every == bad_every - 1
            rows.writerow(["nothing" if bad else f"+336123{number:05d}", f"Name {number}", city])


def children() -> set[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in listed}


@pytest.fixture(autouse=True)
def no_process_is_left() -> Any:
    before = children()
    yield
    assert children() <= before, "a parsing process, or its zombie, was left behind"


async def test_a_list_from_file_to_contacts(tmp_path: Path) -> None:
    people(tmp_path, 1_203, bad_every=100)
    contacts, batches, done = await parse(request_for(tmp_path))
    assert done == Done(rows=1_203, accepted=1_191, rejected=12, duplicates=0)
    assert len(contacts) == 1_191
    assert [len(batch.contacts) for batch in batches] == [500, 500, 191]
    assert [contact.row for contact in contacts] == sorted(contact.row for contact in contacts)
    assert batches[-1].through_row == 1_204
    assert sum(batch.rejected for batch in batches) == 12
    first = contacts[0]
    assert (first.row, first.numbers[0].e164, first.language, first.fields) == (
        2, "+33612300000", "fr", {"FIRST_NAME": "Name 0", "CITY": "Paris"}
    )  # fmt: skip
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
        rejects = list(csv.DictReader(stream, delimiter=","))
    assert len(rejects) == 12
    assert rejects[0]["rejected_row"] == "101"
    assert rejects[0]["first name"] == "Name 99"


@pytest.mark.parametrize("policy", ["reject", "keep", "merge"])
async def test_reading_on_after_any_row_is_exact(tmp_path: Path, policy: str) -> None:
    with (tmp_path / "people.csv").open("w") as stream:
        stream.write("phone;id;city\n")
        for number in range(1_500):
            phone = "nothing" if number % 97 == 0 else f"+336123{number % 1_100:05d}"
            stream.write(f"{phone};{number % 1_300 if number % 3 else ''};City {number}\n")
    whole, batches, done = await parse(request_for(tmp_path, duplicates=policy))
    rejects = (tmp_path / "rejects.csv").read_bytes()
    assert 0 < done.duplicates < done.rows
    for skip in (0, 1, batches[0].through_row, batches[1].through_row, 777, batches[-1].through_row):
        rest, later, again = await parse(request_for(tmp_path, skip_rows=skip, duplicates=policy))
        assert rest == [contact for contact in whole if contact.row > skip]
        assert again == done
        assert (tmp_path / "rejects.csv").read_bytes() == rejects
        assert all(batch.through_row > skip for batch in later)


async def test_merging_over_the_whole_file(tmp_path: Path) -> None:
    rows = [
        "phone;id;city",
        "0612345678;a;",
        *(f"+336123{number:05d};;x" for number in range(700)),
        "0612345679;a;Paris",
        "0612345678;;Lyon",
    ]
    (tmp_path / "people.csv").write_text("\n".join(rows))
    contacts, _, done = await parse(request_for(tmp_path, duplicates="merge"))
    assert done == Done(rows=703, accepted=701, rejected=0, duplicates=2)
    assert [number.e164 for number in contacts[0].numbers] == ["+33612345678", "+33612345679"]
    assert contacts[0].fields == {"CITY": "Paris"}
    assert not (tmp_path / "rejects.csv").exists()


async def test_inline_rows_and_a_database(tmp_path: Path) -> None:
    contacts, _, _ = await parse(
        request_for(tmp_path, rows=[{"phone": ["0199001234", "0199001235"], "n": 1.0}])
    )
    assert [number.e164 for number in contacts[0].numbers] == ["+33199001234", "+33199001235"]
    assert contacts[0].fields == {"N": "1"}
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute("CREATE TABLE people (phone TEXT, city TEXT)")
        connection.executemany(
            "INSERT INTO people VALUES (?, 'Paris')", [(f"+336123{number:05d}",) for number in range(900)]
        )
    connection.close()
    database = {"url": "sqlite:///crm.db", "query": "SELECT phone, city FROM people"}
    contacts, _, done = await parse(request_for(tmp_path, database=database))
    assert done.accepted == len(contacts) == 900


async def test_only_what_is_sent_must_fit_into_a_call(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(f'phone;city;note\n0199001234;Paris;"{"x" * 2000}\nline two"\n')
    _, _, done = await parse(request_for(tmp_path))
    assert done.rejected == 1
    contacts, _, done = await parse(request_for(tmp_path, sent=["CITY"]))
    assert done.accepted == 1
    assert contacts[0].fields["NOTE"].endswith("\nline two")


async def test_problems_of_the_source_are_told_all_at_once(tmp_path: Path) -> None:
    people(tmp_path, 3)
    with pytest.raises(InputError) as caught:
        await parse(request_for(tmp_path, columns={"timezone": "tz", "language": "Sprache"}))
    assert [problem.where for problem in caught.value.problems] == [
        "contacts.columns.timezone",
        "contacts.columns.language",
    ]
    with pytest.raises(InputError, match=r"there is no file 'none\.csv'"):
        await parse(request_for(tmp_path, file="none.csv"))


async def test_a_problem_far_into_the_source_comes_after_its_first_batches(tmp_path: Path) -> None:
    people(tmp_path, 2_000)
    request = request_for(tmp_path, limits=Limits(rows=1_200))
    async with aclosing(parse_job(request)) as parts:
        assert isinstance(await anext(parts), Batch)
        assert isinstance(await anext(parts), Batch)
        with pytest.raises(InputError, match="over 1200 rows"):
            await anext(parts)


async def test_leaving_early_ends_the_process(tmp_path: Path) -> None:
    people(tmp_path, 50_000)
    async with aclosing(parse_job(request_for(tmp_path))) as parts:
        assert isinstance(await anext(parts), Batch)
        assert len(children()) == 1


async def test_cancelling_ends_the_process(tmp_path: Path) -> None:
    people(tmp_path, 50_000)
    started = asyncio.Event()

    async def take() -> None:
        async with aclosing(parse_job(request_for(tmp_path))) as parts:
            async for _ in parts:
                started.set()
                await asyncio.sleep(3600)

    task = asyncio.create_task(take())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_while_waiting_for_rows_ends_the_process(tmp_path: Path) -> None:
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS phone FROM n"
    )
    sqlite3.connect(tmp_path / "crm.db").close()
    (tmp_path / "crm.db").touch()
    task = asyncio.create_task(
        parse(request_for(tmp_path, database={"url": "sqlite:///crm.db", "query": endless}))
    )
    await asyncio.sleep(1.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_rows_that_never_come(tmp_path: Path) -> None:
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS phone FROM n"
    )
    (tmp_path / "crm.db").touch()
    database = {"url": "sqlite:///crm.db", "query": endless}
    with pytest.raises(InputError, match=r"no rows came for 1\.5 seconds"):
        await parse(request_for(tmp_path, limits=Limits(silence_seconds=1.5), database=database))
    with pytest.raises(InputError, match="more than 1 seconds of processor time"):
        await parse(request_for(tmp_path, limits=Limits(cpu_seconds=1), database=database))


async def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    people(tmp_path, 50_000)

    async def take() -> None:
        async with aclosing(parse_job(request_for(tmp_path))) as parts:
            async for _ in parts:
                for (
                    pid
                ) in children():  # none any more, while batches that it had written are still to be read
                    os.kill(pid, signal.SIGKILL)

    with pytest.raises(VolleyError, match="was killed by SIGKILL before it was done"):
        await take()


async def test_a_process_that_breaks_is_told_with_its_last_words(tmp_path: Path) -> None:
    people(tmp_path, 3)
    (tmp_path / "rejects.csv").mkdir()
    with pytest.raises(
        VolleyError,
        match=r"ended with status 1 before it was done; its last words:\n(.*\n)*IsADirectoryError",
    ):
        await parse(request_for(tmp_path))


async def test_a_sheet_that_needs_all_memory_is_the_sheets_fault(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "phone"
    book.active["XFD1048576"] = "x"
    book.save(tmp_path / "people.xlsx")
    with pytest.raises(InputError, match="needs more memory than allowed"):
        await parse(request_for(tmp_path, file="people.xlsx", limits=Limits(memory_bytes=2 << 30)))


async def test_memory_that_python_cannot_get_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text("[" + ",".join(['{"phone": "' + "x" * 1000 + '"}'] * 40_000) + "]")
    with pytest.raises(InputError, match="needs more"):
        await parse(request_for(tmp_path, file="people.json", limits=Limits(memory_bytes=300 << 20)))


async def test_it_waits_while_nobody_reads(tmp_path: Path) -> None:
    people(tmp_path, 60_000, city="x" * 300)
    async with aclosing(parse_job(request_for(tmp_path))) as parts:
        first = await anext(parts)
        assert isinstance(first, Batch)
        (pid,) = children()
        used = -1.0
        for _ in range(50):
            await asyncio.sleep(0.2)
            before, used = used, _processor_seconds(pid)
            if used == before:
                break
        assert used == before, "it goes on working though nobody reads"
        assert os.getpriority(os.PRIO_PROCESS, pid) >= 10


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


_ASK_AND_STALL = """
import asyncio, sys
from pathlib import Path
from engine.intake.parse_client import ParseRequest, parse_job
from engine.intake.source import ContactSource

async def main():
    folder = Path(sys.argv[1])
    request = ParseRequest(folder, ContactSource(file="people.csv"), folder / "rejects.csv", "FR")
    async for _ in parse_job(request):
        print(Path(f"/proc/self/task/{__import__('os').getpid()}/children").read_text().strip(), flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    people(tmp_path, 200_000)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", _ASK_AND_STALL, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
    deadline = time.monotonic() + PATIENCE
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_manifest_with_many_inline_rows_gets_through(tmp_path: Path) -> None:
    rows = [{"phone": f"+336123{number:05d}", "city": "x" * 50} for number in range(20_000)]
    contacts, _, done = await parse(request_for(tmp_path, rows=rows))
    assert len(contacts) == done.accepted == 20_000


async def test_several_at_once(tmp_path: Path) -> None:
    async def one(number: int) -> AsyncIterator[int]:
        folder = tmp_path / str(number)
        folder.mkdir()
        people(folder, 100 * number)
        yield len((await parse(request_for(folder)))[0])

    found = await asyncio.gather(*(anext(one(number)) for number in (1, 2, 3)))
    assert found == [100, 200, 300]
