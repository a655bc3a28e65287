"""Lists and what is done to them, against sets: whatever the blocks are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.intake.lists import changes
from engine.intake.lists.changes import Tally

NUMBERS = (
    st.integers(10_000, 10_060)
    | st.integers(120_255_500_00, 120_255_500_40)
    | st.integers(10**14, 10**15 - 1)
)
LISTS = st.frozensets(NUMBERS, max_size=60)


def blocks(numbers: object, size: int) -> Iterator[list[int]]:
    ordered = sorted(numbers)  # type: ignore[call-overload]
    return iter([ordered[at : at + size] for at in range(0, len(ordered), size)])


def whole(found: Iterator[list[int]]) -> list[int]:
    kept = list(found)
    assert all(kept), "no block is empty"
    flat = list(chain(*kept))
    assert flat == sorted(set(flat))
    return flat


@given(LISTS, LISTS, st.integers(1, 9), st.integers(1, 9))
def test_union(left: frozenset[int], right: frozenset[int], one: int, other: int) -> None:
    assert whole(changes.union(blocks(left, one), blocks(right, other))) == sorted(left | right)


@given(
    LISTS,
    st.lists(st.tuples(NUMBERS, st.booleans(), st.integers(0, 5)), max_size=60),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_the_last_change_of_a_number_stands(
    base: frozenset[int], made: list[tuple[int, bool, int]], one: int, other: int
) -> None:
    wanted = set(base)
    last: dict[int, tuple[int, int, bool]] = {}
    for place, (number, add, when) in enumerate(made):
        last[number] = max(last.get(number, (-1, -1, False)), (when, place, add))
    for number, (_, _, add) in last.items():
        (wanted.add if add else wanted.discard)(number)
    keys = {changes.key(number, add, when, place) for place, (number, add, when) in enumerate(made)}
    tally = Tally()
    assert whole(changes.apply(blocks(base, one), blocks(keys, other), tally)) == sorted(wanted)
    assert tally.added == len(wanted - base)
    assert tally.removed == len(base - wanted)
    assert tally.read == tally.added + tally.removed + tally.idle == len(last)


AREAS = st.lists(st.sampled_from(["1", "12", "1202", "12025550001", "100", "10001", "5"]), max_size=4)


@given(LISTS, AREAS, st.integers(1, 9))
def test_areas_are_what_begins_with_them(numbers: frozenset[int], prefixes: list[str], size: int) -> None:
    ranges = changes.areas(prefixes)
    assert all(first <= last for first, last in ranges)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))
    for block in blocks(numbers, size):
        begins = [number for number in block if str(number).startswith(tuple(prefixes))]
        assert changes.inside(block, ranges) == begins
        assert changes.outside(block, ranges) == [number for number in block if number not in set(begins)]


def test_no_prefix_is_everything() -> None:
    assert changes.areas(["1202", ""]) == [(0, 10**15 - 1)]
    assert changes.areas([]) == []


@given(LISTS, LISTS, AREAS, st.integers(1, 9), st.integers(1, 9))
def test_an_area_is_replaced_and_the_rest_stays(
    base: frozenset[int], new: frozenset[int], prefixes: list[str], one: int, other: int
) -> None:
    ranges = changes.areas(prefixes)
    fresh = {number for number in new if str(number).startswith(tuple(prefixes))}
    kept = {number for number in base if not str(number).startswith(tuple(prefixes))}
    tally = Tally()
    found = whole(changes.replace_areas(blocks(base, one), blocks(fresh, other), ranges, tally))
    assert found == sorted(fresh | kept)
    assert (tally.read, tally.removed) == (len(fresh), len(base) - len(kept))


@given(st.integers(1, 10**15 - 1), st.booleans(), st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1))
def test_a_key_holds_its_parts(number: int, add: bool, when: int, place: int) -> None:
    key = changes.key(number, add, when, place)
    assert (key >> 64, bool(key & 1), key < 1 << 128) == (number, add, True)
    assert changes.key(number, not add, when, place + 1) > key or place == 2**31 - 1
