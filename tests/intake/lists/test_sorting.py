"""The sort on disk, against sorted() and set()."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from engine.intake.lists.sorting import Sorter

NARROW = st.integers(1, 10**15 - 1) | st.integers(1, 40)
WIDE = st.integers(0, 2**128 - 1) | st.integers(2**64 - 20, 2**64 + 20)


def sort(batches: list[list[int]], *, wide: bool = False, chunk: int = 7) -> tuple[list[list[int]], int]:
    with TemporaryDirectory() as folder, Sorter(Path(folder), wide=wide, chunk=chunk) as sorter:
        for batch in batches:
            sorter.add(batch)
        blocks = list(sorter.blocks())
        assert sorter.taken == sum(map(len, batches))
        return blocks, sorter.runs


@given(st.lists(st.lists(NARROW, max_size=30), max_size=12), st.integers(1, 20))
def test_everything_comes_back_once_and_in_order(batches: list[list[int]], chunk: int) -> None:
    blocks, _ = sort(batches, chunk=chunk)
    assert list(chain(*blocks)) == sorted(set(chain(*batches)))
    assert all(blocks)


@given(st.lists(st.lists(WIDE, max_size=30), max_size=12))
def test_wide_keys_too(batches: list[list[int]]) -> None:
    blocks, _ = sort(batches, wide=True)
    assert list(chain(*blocks)) == sorted(set(chain(*batches)))


def test_sorted_input_is_one_run_also_with_repetitions_at_the_seams() -> None:
    batches = [[1, 2, 3], [3, 3, 4], [4, 4], [4], [5, 9]]
    blocks, runs = sort(batches, chunk=1)
    assert (list(chain(*blocks)), runs) == ([1, 2, 3, 4, 5, 9], 1)


def test_many_runs_of_more_than_a_block_each() -> None:
    batches = [list(range(at, 300_000, 7)) for at in (6, 5, 4, 3, 2, 1, 0)]
    blocks, runs = sort(batches, chunk=1)
    assert runs == 7
    assert list(chain(*blocks)) == list(range(300_000))
    assert len(blocks) > 1


def test_nothing_lies_in_the_folder(tmp_path: Path) -> None:
    """The file has no name: whatever happens to the process, it is gone with it."""
    with Sorter(tmp_path, chunk=1) as sorter:
        sorter.add([3, 1])
        sorter.add([2])
        assert list(tmp_path.iterdir()) == []
        assert list(chain(*sorter.blocks())) == [1, 2, 3]
