"""A list from its first edition on: what is taken, what is refused, and what it then says of itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InputError, ListUnusable
from tests.intake.lists.conftest import Lists

A, B, C, D = 12025550123, 13035550124, 12125550125, 14045550126


def text(*numbers: int) -> str:
    return "".join(f"{str(one)[1:4]},{str(one)[4:]}\n" for one in numbers)


def parts(done: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {one["prefix"]: one["date"] for one in done["description"]["parts"]}


def test_a_list_from_several_files_in_any_order(made: Lists) -> None:
    done = made.build(made.file("a.txt", text(B, A)), made.file("b.txt", text(C, A)))
    assert made.numbers() == [A, C, B]
    told = done["description"]
    assert (told["count"], told["added"], told["how"], told["date"] if "date" in told else parts(done)) == (
        3, 3, "full", {"": "2026-11-01"},
    )  # fmt: skip
    assert [(one["name"], one["rows"]) for one in told["sources"]] == [("a.txt", 2), ("b.txt", 2)]
    assert made.left() == []


def test_a_new_edition_takes_the_place_of_the_old(made: Lists) -> None:
    made.build(made.file("a.txt", text(A, B, C)))
    done = made.build(made.file("b.txt", text(B, C, D)), version=2)
    assert made.numbers(2) == sorted([B, C, D])
    assert (done["description"]["removed"], done["description"]["added"]) == (3, 3)
    assert made.numbers(1) == sorted([A, B, C]), "the old file is not touched"


def test_areas_have_dates_of_their_own(made: Lists) -> None:
    made.build(made.file("202.txt", text(A)), made.file("303.txt", text(B)), parts=("1202", "1303"))
    done = made.build(made.file("b.txt", text(B + 1)), version=2, parts=("1303",))
    assert made.numbers(2) == [A, B + 1]
    assert parts(done) == {"1202": "2026-11-01", "1303": "2026-11-02"}
    done = made.build(made.file("c.txt", text(C)), version=3, parts=("1212",))
    assert made.numbers(3) == [A, C, B + 1]
    assert parts(done) == {"1202": "2026-11-01", "1212": "2026-11-03", "1303": "2026-11-02"}
    done = made.build(made.file("d.txt", text(A, B, C, D)), version=4)
    assert parts(done) == {"": "2026-11-04"}
    done = made.build(made.file("e.txt", text(A + 1)), version=5, parts=("1202",))
    assert (made.numbers(5), parts(done)) == (
        sorted([A + 1, B, C, D]),
        {"": "2026-11-04", "1202": "2026-11-05"},
    )


def test_numbers_beyond_the_area_are_refused(made: Lists) -> None:
    with pytest.raises(InputError, match=r"1 numbers, such as \+13035550124, do not lie in \+1202"):
        made.build(made.file("a.txt", text(A, B)), parts=("1202",))


def test_changes(made: Lists) -> None:
    made.build(made.file("a.txt", text(A, B)))
    change = (
        "202,5550123,D,2026-11-01\n"  # A goes
        "212,5550125,A,2026-11-01T10:00:00Z\n"  # C comes
        "404,5550126,2026-11-03,A\n404,5550126,20261101000000,D\n"  # D comes: the later one stands
        "3035550124,A\n"  # B is there
        "999,5550127,D,11/01/2026\n"  # is not there
    )
    done = made.build(made.file("c.txt", change), version=2, mode="change", may_shrink=True)
    assert made.numbers(2) == sorted([B, C, D])
    told = done["description"]
    assert (told["how"], told["added"], told["removed"], done["idle"], parts(done)) == (
        "change", 2, 1, 2, {"": "2026-11-02"},
    )  # fmt: skip


def test_changes_in_tags_and_tables(made: Lists) -> None:
    made.build(made.file("a.txt", text(A, B)))
    tags = (
        "<list type='change'><ac val='202'><ph val='5550123' chg='D' date='2026-11-01'/></ac>"
        "<ac val='212'><ph val='5550125' chg='A'/></ac></list>"
    )
    made.build(made.file("c.xml", tags), version=2, mode="change")
    assert made.numbers(2) == [C, B]
    table = "phone,action,timestamp\n2125550125,delete,2026-11-01\n4045550126,Added,2026-11-01\n"
    made.build(made.file("c.csv", table), version=3, mode="change")
    assert made.numbers(3) == [B, D]
    with pytest.raises(InputError, match="no column says whether a number was added"):
        made.build(made.file("n.csv", "phone,x\n2125550125,delete\n"), version=4, mode="change")
    with pytest.raises(InputError, match="says neither that the number was added"):
        made.build(made.file("n.csv", "phone,action\n2125550125,perhaps\n"), version=4, mode="change")
    with pytest.raises(InputError, match="it is a change list"):
        made.build(made.file("c.xml", tags), version=4)
    with pytest.raises(InputError, match="no tag says whether"):
        made.build(
            made.file("f.xml", "<list><ac val='202'><ph val='5550123'/></ac></list>"),
            version=4,
            mode="change",
        )


def test_adding_and_removing_make_nothing_newer(made: Lists) -> None:
    made.build(made.file("a.txt", text(A, B, C)))
    done = made.build(made.file("b.txt", text(D, A)), version=2, mode="add")
    assert (made.numbers(2), parts(done), done["idle"]) == (sorted([A, B, C, D]), {"": "2026-11-01"}, 1)
    done = made.build(made.file("c.txt", text(D)), version=3, mode="remove", may_shrink=True)
    assert (made.numbers(3), parts(done)) == (sorted([A, B, C]), {"": "2026-11-01"})


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"mode": "change"}, "there is no such list to change yet"),
        ({"mode": "remove", "kind": "campaign"}, "there is no such list to change yet"),
        ({"mode": "add"}, "there is no such list to change yet"),
    ],
)
def test_a_change_needs_a_list(made: Lists, given: dict[str, str], what: str) -> None:
    with pytest.raises(InputError, match=what):
        made.build(made.file("a.txt", text(A)), **given)


def test_what_does_not_fit_the_list_is_refused_all_at_once(made: Lists) -> None:
    made.build(made.file("a.txt", text(A)), parts=("1202",), date="2026-11-05")
    with pytest.raises(InputError) as found:
        made.build(
            made.file("b.txt", "404,5550126,A\n"), version=2, mode="change", parts=("1404",), kind="campaign",
            jurisdiction="CA", region="CA",
        )  # fmt: skip
    assert len(found.value.problems) == 3
    with pytest.raises(InputError, match="2026-11-02 is before 2026-11-05"):
        made.build(made.file("b.txt", text(A)), version=2, parts=("1202",))
    with pytest.raises(InputError, match="2026-11-02 is before 2026-11-05"):
        made.build(made.file("b.txt", text(A)), version=2)
    made.build(made.file("b.txt", text(D)), version=2, parts=("1404",))


def test_a_broken_download_is_refused(made: Lists) -> None:
    many = [12025550000 + at for at in range(100)]
    made.build(made.file("a.txt", text(*many)))
    with pytest.raises(InputError, match="100 numbers would become 79"):
        made.build(made.file("b.txt", text(*many[:79])), version=2)
    made.build(made.file("b.txt", text(*many[:79])), version=2, may_shrink=True)
    with pytest.raises(InputError, match="79 numbers would become 3"):
        made.build(made.file("c.txt", text(*many[:3])), version=3, parts=("1202",))
    with pytest.raises(InputError, match="79 numbers would become 29"):
        made.build(made.file("c.txt", text(*many[:50])), version=3, mode="remove")
    with pytest.raises(InputError, match="there would be no number on it"):
        made.build(made.file("d.txt", "# nothing\n"), version=3, may_shrink=True, format="lines")
    assert not (made.folder / "registry.3.list").exists()
    assert made.left() == []


def test_unreadable_rows_stop_an_import_unless_they_may_be_there(made: Lists) -> None:
    path = made.file("a.txt", text(A) + "000,0000000\nx1\n" + text(B))
    with pytest.raises(InputError) as found:
        made.build(path)
    assert [one.where for one in found.value.problems] == ["a.txt, row 2", "a.txt, row 3", "rows"]
    with pytest.raises(InputError, match="2 rows cannot be read, and 1 may"):
        made.build(path, unreadable=1)
    done = made.build(path, unreadable=2)
    assert (made.numbers(), done["description"]["unreadable"]) == ([A, B], 2)


def test_a_damaged_base_is_no_base(made: Lists) -> None:
    made.build(made.file("a.txt", text(A)))
    path = made.folder / "registry.1.list"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ListUnusable, match="was cut"):
        made.build(made.file("b.txt", text(B)), version=2, mode="add")
    assert made.left() == []
    made.build(made.file("b.txt", text(B)), version=2)
    assert made.numbers(2) == [B], "a whole list mends it"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 400))
def test_change_files_bring_a_list_to_the_next_edition(made: Lists, seed: int, size: int) -> None:
    """What a full list of the new month would say, a change list says too, in whatever order its rows come."""
    for path in made.folder.iterdir():
        path.unlink()
    dice = random.Random(seed)
    pool = [12025550000 + at for at in range(2 * size)]
    old, new = set(dice.sample(pool, size)), set(dice.sample(pool, size))
    made.build(made.file("old.txt", text(*dice.sample(sorted(old), len(old)))))
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    rows = []
    for number in dice.sample(pool, len(pool)):
        if number in new or number in old or dice.random() < 0.1:
            states = [dice.random() < 0.5 for _ in range(dice.randrange(3))] + [number in new]
            instants = sorted(dice.sample(range(100_000), len(states)))
            rows += [
                f"{str(number)[1:4]},{str(number)[4:]},{'A' if state else 'D'},{(begin + timedelta(seconds=at)).isoformat()}\n"
                for state, at in zip(states, instants, strict=True)
            ]
    dice.shuffle(rows)
    made.build(made.file("change.txt", "".join(rows)), version=2, mode="change", may_shrink=True)
    found = made.numbers(2)
    assert found == sorted(new)
    assert all(one < other for one, other in pairwise(found))
