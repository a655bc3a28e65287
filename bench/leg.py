"""One leg of a benchmark and what several of them say together. Pure: figures in, figures out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.callee import Arrivals


@dataclass(frozen=True, slots=True)
class Leg:
    """A caller's run through a fresh PBX. Rates are the callee's: INVITEs a second from the first to the
    last."""

    caller: str
    """`volley`, `bare` (the same Originate and dialplan, by a script that keeps nothing), `plainest`, `call files`, `sipp`."""
    pair: int
    calls: int
    """As the caller counts them."""
    arrived: int
    """As the callee counts them."""
    rate: float
    busiest_second: int
    seconds: float
    """As the caller says: from its first Originate to its last call's end."""
    processor: float
    """Milliseconds of processor time a call that the caller used."""
    pbx: float | None
    """The same of Asterisk; None where its process cannot be seen."""
    callee: float
    problems: tuple[str, ...] = ()


def problems(wanted: Sequence[str], arrivals: Arrivals) -> tuple[str, ...]:
    """What makes a leg worthless: numbers that were not called, called twice, or never asked for."""
    counted = Counter(arrivals.numbers)
    missing = [number for number in wanted if not counted[number]]
    twice = [number for number, times in counted.items() if times > 1]
    strange = sorted(set(counted) - set(wanted))
    found = [("not called", missing), ("called more than once", twice), ("called and not wanted", strange)]
    return tuple(
        f"{len(numbers)} numbers {what}, the first {numbers[0]}" for what, numbers in found if numbers
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """The legs of one caller together: medians, and the range of rates."""

    caller: str
    legs: int
    rate: float
    lowest: float
    highest: float
    processor: float
    pbx: float | None
    callee: float
    ratio: float | None
    """Median over the pairs of this caller's rate to the bare script's in the same pair; None when they share
    no pair."""


def summary(legs: Iterable[Leg], caller: str, against: str = "bare") -> Summary:
    """What the legs of `caller` say together. Raises ValueError when there is none."""
    every = list(legs)
    own = [leg for leg in every if leg.caller == caller]
    if not own:
        raise ValueError(f"no leg of {caller}")
    reference = {leg.pair: leg.rate for leg in every if leg.caller == against}
    ratios = [leg.rate / reference[leg.pair] for leg in own if reference.get(leg.pair)]
    seen = [leg.pbx for leg in own if leg.pbx is not None]
    rates = [leg.rate for leg in own]
    return Summary(
        caller=caller,
        legs=len(own),
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        processor=median(leg.processor for leg in own),
        pbx=median(seen) if seen else None,
        callee=median(leg.callee for leg in own),
        ratio=median(ratios) if ratios else None,
    )


def order(callers: Sequence[str], pair: int) -> list[str]:
    """Who calls first in which pair: each takes its turn, so that a drift of the machine favours nobody."""
    turn = pair % len(callers)
    return [*callers[turn:], *callers[:turn]]
