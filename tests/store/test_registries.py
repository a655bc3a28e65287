"""List files, which of them count, and looks at them: real files, swapped and damaged under those who look."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InputError, ListUnusable
from engine.store import lists
from engine.store.list_file import (
    Description,
    Kind,
    Part,
    digest,
    file_name,
    open_list,
    read_blocks,
    verify,
    write_list,
)
from engine.store.registries import Registries


class Shelf:
    """List files in a folder, and the rows that make them count."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self.connection = connection

    def write(
        self, name: str, numbers: list[int], version: int = 1, kind: Kind = "registry", jurisdiction: str = "US",
        parts: tuple[Part, ...] = (Part("", "2026-11-01"),), blocks: int = 1000,
    ) -> tuple[Description, Path]:  # fmt: skip
        path = self.folder / file_name(name, version)
        pieces = [numbers[at : at + blocks] for at in range(0, len(numbers), blocks)]
        made = write_list(
            path, pieces,
            lambda count: Description(
                name, kind, jurisdiction, version, "full", 1.0, "anna", "monthly", parts, count, count, 0, 0, ()
            ),
        )  # fmt: skip
        return made, path

    def put(self, name: str, numbers: list[int], version: int = 1, **given: object) -> Path:
        """Write a version and make it count."""
        made, path = self.write(name, numbers, version, **given)  # type: ignore[arg-type]
        self.connection.execute("BEGIN IMMEDIATE")
        lists.swap(self.connection, made, path.stat().st_size, digest(path))
        self.connection.execute("COMMIT")
        return path


@pytest.fixture
def shelf(tmp_path: Path, books) -> Shelf:  # type: ignore[no-untyped-def]
    folder = tmp_path / "lists"
    folder.mkdir()
    return Shelf(folder, books.connection)


@pytest.fixture
def registries(shelf: Shelf) -> Iterator[Registries]:
    with closing(Registries(shelf.folder)) as found:
        yield found


# --- files --------------------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(numbers=st.sets(st.integers(10_000, 10**15 - 1), max_size=300), size=st.integers(1, 50))
def test_what_is_written_is_read(shelf: Shelf, numbers: set[int], size: int) -> None:
    (shelf.folder / "a.1.list").unlink(missing_ok=True)
    made, path = shelf.write("a", sorted(numbers), blocks=size)
    connection, told = open_list(path)
    with closing(connection):
        assert told == made
        assert list(chain(*read_blocks(connection))) == sorted(numbers)
        low, high = 10**6, 10**12
        assert list(chain(*read_blocks(connection, low, high))) == [
            one for one in sorted(numbers) if low <= one <= high
        ]


@pytest.mark.parametrize("blocks", [[[3, 4], [4, 5]], [[3], [2]], [[10**15]]])
def test_numbers_out_of_order_are_refused(shelf: Shelf, blocks: list[list[int]]) -> None:
    with pytest.raises(ListUnusable, match="not in ascending order"):
        write_list(shelf.folder / "a.1.list", blocks, lambda count: pytest.fail("was described"))


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    match how:
        case "gone":
            path.unlink()
            return
        case "empty":
            data = bytearray()
        case "cut":
            del data[-5000:]
        case "header":
            data[0:16] = bytes(16)
        case "foreign":
            data[68:72] = b"abcd"
        case "page":
            data[8192 * 2 : 8192 * 3] = bytes(8192)
        case "bit":
            data[8192 * 2 + 4000] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["gone", "empty", "cut", "header", "foreign"])
def test_a_damaged_file_is_never_an_empty_list(shelf: Shelf, registries: Registries, how: str) -> None:
    damage(shelf.put("us-dnc", list(range(12_000_000_000, 12_000_050_000))), how)
    registries.refresh(shelf.connection)
    found = registries.look("+12000000001", ("US",))
    assert (found.hits, found.ages) == ((), ())
    assert [one.list for one in found.unusable] == ["us-dnc"]
    with pytest.raises(ListUnusable):
        registries.contains("+12000000001", ("US",))
    assert registries.look("+33199001001", ("FR",)).unusable == (), "it has no say elsewhere"


def test_a_file_that_was_not_finished_has_no_description(shelf: Shelf) -> None:
    path = shelf.folder / "a.1.list"
    with pytest.raises(RuntimeError):
        write_list(path, iter([[1], [2]]), _interrupted)
    with pytest.raises(ListUnusable):
        open_list(path)


def _interrupted(count: int) -> Description:
    raise RuntimeError


@pytest.mark.parametrize("how", ["bit", "page", "cut", "gone"])
def test_every_changed_byte_is_found_by_reading_the_whole(shelf: Shelf, how: str) -> None:
    path = shelf.put("us-dnc", list(range(12_000_000_000, 12_000_050_000)))
    size, sha256 = path.stat().st_size, digest(path)
    verify(path, size, sha256)
    damage(path, how)
    with pytest.raises(ListUnusable):
        verify(path, size, sha256)


def test_damage_that_shows_while_it_is_asked_blocks_from_then_on(
    shelf: Shelf,
) -> None:
    numbers = list(range(12_000_000_000, 12_001_200_000))  # too many to be held in memory
    path = shelf.put("us-dnc", numbers)
    shelf.put("litigators", [12_000_000_007], kind="litigators", jurisdiction="")
    with path.open("r+b") as stream:  # the pages in the middle are nothing any more; both edges are whole
        stream.seek(8192 * 40)
        stream.write(bytes(8192 * 60))
    with closing(Registries(shelf.folder)) as registries:
        registries.refresh(shelf.connection)
        seen = [registries.look(f"+{number}", ("US",)) for number in numbers[:100_000:50]]
        broken = [one for one in seen if one.unusable]
        assert broken, "some of the damaged pages were asked"
        assert seen[-1].unusable, "and nothing is believed after that"
        assert all(one.hits for one in seen if not one.unusable)


def test_a_file_of_another_version_under_this_name_is_refused(shelf: Shelf, registries: Registries) -> None:
    first = shelf.put("us-dnc", [12_000_000_001])
    second = shelf.put("us-dnc", [12_000_000_002], 2)
    first.replace(second)
    registries.refresh(shelf.connection)
    assert "is not the file that was made for this version" in registries.unusable()[0].why


# --- rows ---------------------------------------------------------------------------------------------------------------


def test_a_version_counts_only_after_the_one_before(shelf: Shelf) -> None:
    shelf.put("a", [1])
    made, path = shelf.write("a", [2], 3)
    with pytest.raises(InputError, match="version 1 counts now, and this is 3"):
        lists.swap(shelf.connection, made, path.stat().st_size, "")
    lists.drop(shelf.connection, "a", "anna", "over", 5.0)
    assert lists.current(shelf.connection) == []
    with pytest.raises(InputError, match="there is no list 'a'"):
        lists.drop(shelf.connection, "a", "anna", "over", 6.0)
    path.unlink()
    shelf.put("a", [2], 3)
    assert [row.version for row in lists.current(shelf.connection)] == [3]
    rows = shelf.connection.execute(
        "SELECT version, how, actor, removed FROM list_versions ORDER BY version"
    ).fetchall()
    assert rows == [(1, "full", "anna", 0), (2, "dropped", "anna", 1), (3, "full", "anna", 0)]


def test_every_change_is_another_revision(shelf: Shelf) -> None:
    seen = {lists.revision(shelf.connection)}

    def changed() -> bool:
        found = lists.revision(shelf.connection)
        fresh = found not in seen
        seen.add(found)
        return fresh

    shelf.put("a", [1])
    assert changed()
    shelf.put("b", [1])
    assert changed()
    assert lists.mark_damaged(shelf.connection, "a", 1, "cut")
    assert changed()
    assert not lists.mark_damaged(shelf.connection, "a", 1, "cut")
    assert not changed()
    lists.drop(shelf.connection, "b", "", "", 1.0)
    assert changed()


def test_a_list_that_was_marked_blocks_until_it_is_made_anew(shelf: Shelf, registries: Registries) -> None:
    shelf.put("a", [12_000_000_001])
    lists.mark_damaged(shelf.connection, "a", 1, "its SHA-256 is another")
    registries.refresh(shelf.connection)
    assert registries.look("+12000000001").unusable[0].why == "its SHA-256 is another"
    shelf.put("a", [12_000_000_001], 2)
    registries.refresh(shelf.connection)
    assert [hit.version for hit in registries.contains("+12000000001")] == [2]


# --- looks --------------------------------------------------------------------------------------------------------------


def test_who_has_a_say(shelf: Shelf, registries: Registries) -> None:
    number = 12_025_550_123
    shelf.put("us-dnc", [number])
    shelf.put("us-tx", [number], jurisdiction="US-TX")
    shelf.put("gb-tps", [number], jurisdiction="GB")
    shelf.put("litigators", [number], kind="litigators", jurisdiction="")
    shelf.put("spring", [number], kind="campaign", jurisdiction="")
    registries.refresh(shelf.connection)

    def names(*asked: object) -> list[str]:
        return [hit.list for hit in registries.contains(f"+{number}", *asked)]  # type: ignore[arg-type]

    assert names(("US",)) == ["litigators", "us-dnc"]
    assert names(("US", "US-TX"), ("spring",)) == ["litigators", "spring", "us-dnc", "us-tx"]
    assert names(("FR",)) == ["litigators"]
    assert names(("FR",), ("gb-tps",)) == ["gb-tps", "litigators"]
    assert names(None, None) == ["gb-tps", "litigators", "spring", "us-dnc", "us-tx"]
    assert names() == ["gb-tps", "litigators", "us-dnc", "us-tx"]
    found = registries.look("+12025550199", ("US",), ("autumn",))
    assert (found.hits, [one.why for one in found.unusable]) == ((), ["there is no list 'autumn'"])


def test_a_registry_covers_what_it_was_imported_for(shelf: Shelf, registries: Registries) -> None:
    parts = (Part("1202", "2026-10-01"), Part("1303", "2026-11-01"), Part("1303555", "2026-11-20"))
    shelf.put("us-dnc", [12_025_550_123, 13_035_550_124], parts=parts)
    registries.refresh(shelf.connection)
    dates = {
        e164: [age.date for age in registries.look(e164, ("US",)).ages]
        for e164 in ("+12025550100", "+13035550124", "+13034440000", "+14045550126")
    }
    assert dates == {
        "+12025550100": ["2026-10-01"],
        "+13035550124": ["2026-11-20"],
        "+13034440000": ["2026-11-01"],
        "+14045550126": [],
    }
    (hit,) = registries.contains("+13035550124", ("US",))
    assert hit.date == "2026-11-20"


@pytest.mark.parametrize("held", [True, False])
def test_looks_agree_with_a_set(shelf: Shelf, registries: Registries, held: bool) -> None:
    dice = random.Random(7)
    span = 3_000_000 if held else 6_000_000
    numbers = sorted(
        dice.sample(range(12_000_000_000, 12_000_000_000 + span), 500_000 if held else 1_100_000)
    )
    shelf.put("us-dnc", numbers, blocks=100_000)
    registries.refresh(shelf.connection)
    there = set(numbers)
    for _ in range(20_000):
        number = 12_000_000_000 + dice.randrange(-10, span + 10)
        assert bool(registries.contains(f"+{number}", ("US",))) == (number in there)


def test_a_swap_is_seen_by_the_next_refresh_and_not_before(shelf: Shelf, registries: Registries) -> None:
    old = shelf.put("a", [12_000_000_001])
    assert registries.refresh(shelf.connection)
    assert not registries.refresh(shelf.connection)
    shelf.put("a", [12_000_000_002], 2)
    old.unlink()
    assert registries.contains("+12000000001")
    assert registries.refresh(shelf.connection)
    assert not registries.contains("+12000000001")
    assert registries.contains("+12000000002")
    lists.drop(shelf.connection, "a", "", "", 1.0)
    assert registries.refresh(shelf.connection)
    assert registries.look("+12000000002") == registries.look("+12000000001")


@pytest.mark.parametrize("large", [False, True])
def test_looks_while_versions_are_swapped_see_one_version_whole(
    shelf: Shelf, new_books: Callable[..., object], large: bool
) -> None:
    """One thread swaps versions and unlinks the old files; two others look. Version n has the numbers n mod 7 of each ten."""
    filler = list(range(15_000_000_000, 15_001_100_000)) if large else []
    database = shelf.connection.execute(
        "SELECT file FROM pragma_database_list WHERE name = 'main'"
    ).fetchone()[0]

    def numbers(version: int) -> list[int]:
        return [12_000_000_000 + 10 * at + version % 7 for at in range(200)] + filler

    shelf.put("a", numbers(1))
    versions = 4 if large else 20
    failures: list[str] = []
    done = threading.Event()

    def look() -> None:
        with (
            closing(sqlite3.connect(database, isolation_level=None)) as own,
            closing(Registries(shelf.folder)) as registries,
        ):
            dice = random.Random(3)
            while not done.is_set():
                own.execute("BEGIN")  # as in a claim: the rows and the looks see one moment
                registries.refresh(own)
                if (
                    registries.unusable()
                ):  # the file went between the row and the open: only a reader beside the engine sees that
                    own.execute("ROLLBACK")
                    registries.close()
                    continue
                seen = {
                    (at, digit)
                    for at in dice.sample(range(200), 5)
                    for digit in range(7)
                    if registries.contains(f"+{12_000_000_000 + 10 * at + digit}", ("US",))
                }
                own.execute("ROLLBACK")
                if len(seen) != 5 or len({digit for _, digit in seen}) != 1:
                    failures.append(str(seen))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for version in range(2, versions):
        shelf.put("a", numbers(version), version)
        (shelf.folder / file_name("a", version - 1)).unlink()
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
