"""What becomes of a list when a file about it comes in: all of it replaced, an area of it replaced, or numbers added and
taken off.

Pure arithmetic on ascending blocks of numbers; nothing is held but the blocks at hand. A change of a number is packed
into one key that sorts by number, then by when it happened, then by its place in the files, so that of several
changes of one number the last one stands.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.store.list_file import E164_MAX

SHORTEST, LONGEST = 5, 15
"""Digits of an E.164 number as this engine reads them."""
_WHEN = 1 << 32
_PLACE = 1 << 31


@dataclass(slots=True)
class Tally:
    """How many numbers a change touched."""

    read: int = 0
    """Different numbers in what was handed in."""
    added: int = 0
    removed: int = 0
    idle: int = 0
    """Changes that changed nothing: added what was there, or removed what was not."""


def key(number: int, add: bool, when: int, place: int) -> int:
    """A change as one number below 2**128. `when` is in POSIX seconds (0: not known), `place` counts changes.

    64 bits for the number, 32 for the instant (until 2106), 31 for the place, 1 for the kind.
    """
    return ((number << 32 | min(max(when, 0), _WHEN - 1)) << 31 | place % _PLACE) << 1 | add


def areas(prefixes: Iterable[str]) -> list[tuple[int, int]]:
    """All numbers of 5 to 15 digits that begin with one of these, as ascending ranges (first, last) that do not
    overlap. An empty prefix is everything."""
    found: list[tuple[int, int]] = []
    for prefix in prefixes:
        if not prefix:
            return [(0, E164_MAX)]
        for length in range(max(SHORTEST, len(prefix)), LONGEST + 1):
            step = 10 ** (length - len(prefix))
            found.append((int(prefix) * step, (int(prefix) + 1) * step - 1))
    found.sort()
    merged: list[tuple[int, int]] = []
    for first, last in found:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def inside(block: list[int], ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Those numbers of an ascending block that lie in the ranges."""
    found: list[int] = []
    for first, last in ranges:
        found += block[bisect_left(block, first) : bisect_right(block, last)]
    return found


def outside(block: list[int], ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Those that do not."""
    found: list[int] = []
    at = 0
    for first, last in ranges:
        end = bisect_left(block, first, at)
        found += block[at:end]
        at = max(at, bisect_right(block, last, end))
    return found + block[at:]


def union(left: Iterator[list[int]], right: Iterator[list[int]]) -> Iterator[list[int]]:
    """Two ascending streams as one; what is in both comes once."""
    ours, theirs = next(left, []), next(right, [])
    while ours and theirs:
        bound = min(ours[-1], theirs[-1])
        cut, other = bisect_right(ours, bound), bisect_right(theirs, bound)
        yield list(dict.fromkeys(sorted(ours[:cut] + theirs[:other])))
        ours = ours[cut:] or next(left, [])
        theirs = theirs[other:] or next(right, [])
    if ours:
        yield ours
        yield from left
    if theirs:
        yield theirs
        yield from right


def replace(new: Iterator[list[int]], tally: Tally) -> Iterator[list[int]]:
    """All of a list by what was handed in."""
    for block in new:
        tally.read += len(block)
        yield block


def replace_areas(
    base: Iterator[list[int]], new: Iterator[list[int]], ranges: Sequence[tuple[int, int]], tally: Tally
) -> Iterator[list[int]]:
    """The areas `ranges` of a list by what was handed in, which lies in them; everything else stays."""

    def kept() -> Iterator[list[int]]:
        for block in base:
            rest = outside(block, ranges)
            tally.removed += len(block) - len(rest)
            if rest:
                yield rest

    return union(kept(), replace(new, tally))


def apply(base: Iterator[list[int]], keys: Iterator[list[int]], tally: Tally) -> Iterator[list[int]]:
    """A list with changes made to it; `keys` are those of `key`, ascending."""
    changes = _last_changes(keys)
    todo = next(changes, [])
    for block in base:
        bound = block[-1]
        here: list[tuple[int, bool]] = []
        while todo and todo[0][0] <= bound:
            cut = bisect_right(todo, bound, key=_number)
            here += todo[:cut]
            todo = todo[cut:] or next(changes, [])
        if result := _changed(block, here, tally) if here else block:
            yield result
    while todo:
        if result := _changed([], todo, tally):
            yield result
        todo = next(changes, [])


def _number(change: tuple[int, bool]) -> int:
    return change[0]


def _changed(block: list[int], changes: list[tuple[int, bool]], tally: Tally) -> list[int]:
    there = set(block)
    add = {number for number, wanted in changes if wanted}
    remove = {number for number, wanted in changes if not wanted}
    fresh, gone = add - there, remove & there
    tally.read += len(changes)
    tally.added += len(fresh)
    tally.removed += len(gone)
    tally.idle += len(changes) - len(fresh) - len(gone)
    return sorted((there | fresh) - gone)


def _last_changes(keys: Iterator[list[int]]) -> Iterator[list[tuple[int, bool]]]:
    """The last change of each number, in blocks that are not empty."""
    pending: tuple[int, bool] | None = None
    for block in keys:
        found: list[tuple[int, bool]] = []
        for one in block:
            number, wanted = one >> 64, bool(one & 1)
            if pending is not None and pending[0] != number:
                found.append(pending)
            pending = (number, wanted)
        if found:
            yield found
    if pending is not None:
        yield [pending]
