"""How long a suppression list takes to build, how large it is, and what a look costs.

    python -m bench.lists --count 10000000 [--shuffle] [--folder DIR]

Numbers are spread over the North American plan as a registry's are: whole area codes, about every other number of each
exchange. The file is written first (not counted), then read, sorted and built as `volley dnc import` does it, in this
process; then random numbers, half of them on the list, are looked for among five lists.
"""

from __future__ import annotations

import argparse
import random
import resource
import sqlite3
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from engine.intake.lists.builder import Build
from engine.intake.lists.rows import ListLimits
from engine.intake.lists.task import Task
from engine.store import lists
from engine.store.database import migrate
from engine.store.list_file import Description, Part, Source, digest, file_name, write_list
from engine.store.registries import Registries

EXCHANGE = 10_000
LOOKS = 200_000


def numbers(count: int) -> Iterator[int]:
    """`count` national numbers, ascending, without the country code."""
    dice = random.Random(count)
    made = 0
    for area in range(201, 1000):
        for exchange in range(200, 1000):
            for line in sorted(dice.sample(range(EXCHANGE), EXCHANGE // 2)):
                yield (area * 1000 + exchange) * EXCHANGE + line
                made += 1
                if made == count:
                    return


def write(path: Path, count: int, shuffle: bool) -> None:
    """The file as the FTC and the CRTC hand it out; shuffled in blocks of a million, which makes as many runs."""
    with path.open("w", encoding="ascii") as stream:
        block: list[int] = []
        source = numbers(count)
        if shuffle:
            everything = array("Q", source)
            random.Random(1).shuffle(everything)
            source = iter(everything)
        for number in source:
            block.append(number)
            if len(block) == 1_000_000:
                stream.write("".join([f"{one // 10_000_000},{one % 10_000_000:07d}\n" for one in block]))
                block.clear()
        stream.write("".join([f"{one // 10_000_000},{one % 10_000_000:07d}\n" for one in block]))


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        source = folder / "registry.txt"
        write(source, given.count, given.shuffle)
        print(
            f"source      {source.stat().st_size / 1e6:,.0f} MB of text, {'shuffled' if given.shuffle else 'sorted'}"
        )
        task = Task(
            files=(str(source),), region="US", jurisdiction="US", folder=str(folder), name="registry", date="2026-11-01",
        )  # fmt: skip
        begun, cpu = time.perf_counter(), time.process_time()
        done = Build(task, ListLimits(), lambda message: None).run()
        took, burnt = time.perf_counter() - begun, time.process_time() - cpu
        count = done["description"]["count"]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"build       {took:,.1f} s ({burnt:,.1f} s of processor), {count / took / 1e6:,.2f} million numbers a second,"
            f" {memory:,.0f} MB of memory at most"
        )
        print(f"list file   {done['bytes'] / 1e6:,.0f} MB, {done['bytes'] / count:.2f} bytes a number")
        begun = time.perf_counter()
        digest(folder / file_name("registry", 1))
        print(f"digest      {time.perf_counter() - begun:,.1f} s")
        source.unlink()
        look(folder, done)


def look(folder: Path, done: dict[str, object]) -> None:
    """Five lists: the registry, and four small ones."""
    with closing(sqlite3.connect(folder / "volley.db", isolation_level=None)) as books:
        books.execute("PRAGMA journal_mode = WAL")
        migrate(books)
        told = dict(done["description"])  # type: ignore[call-overload]
        told["parts"] = tuple(Part(**one) for one in told["parts"])
        told["sources"] = tuple(Source(**one) for one in told["sources"])
        lists.swap(books, Description(**told), int(str(done["bytes"])), str(done["sha256"]))
        for at in range(4):
            name = f"small-{at}"
            path = folder / file_name(name, 1)
            numbers_there = range(12_000_000_000 + at, 12_001_000_000, 7)
            made = write_list(
                path,
                [list(numbers_there)],
                lambda count, name=name: Description(  # type: ignore[misc]
                    name,
                    "litigators",
                    "",
                    1,
                    "full",
                    0.0,
                    "",
                    "",
                    (Part("", "2026-11-01"),),
                    count,
                    count,
                    0,
                    0,
                    (),
                ),
            )
            lists.swap(books, made, path.stat().st_size, digest(path))
        registries = Registries(folder)
        begun = time.perf_counter()
        registries.refresh(books)
        print(f"open        {(time.perf_counter() - begun) * 1000:,.0f} ms for five lists")
        dice = random.Random(2)
        top = max(registries._open["registry"].description.count * 2, 1_000_000)
        asked = [f"+1{2_010_000_000 + 2_000_000 + dice.randrange(top):010d}" for _ in range(LOOKS)]
        for e164 in asked[:1000]:
            registries.look(e164, ("US",))
        books.execute("BEGIN IMMEDIATE")  # as in a claim, which holds the database while it asks
        begun, cpu = time.perf_counter(), time.process_time()
        hits = 0
        for e164 in asked:
            registries.refresh(books)
            hits += bool(registries.look(e164, ("US",)).hits)
        took, burnt = time.perf_counter() - begun, time.process_time() - cpu
        books.execute("ROLLBACK")
        print(f"look        {took / LOOKS * 1e6:.1f} µs a number ({burnt / LOOKS * 1e6:.1f} µs of processor)")
        print(f"            with its refresh, over five lists; {hits / LOOKS:.0%} hits")
        registries.close()


if __name__ == "__main__":
    main()
