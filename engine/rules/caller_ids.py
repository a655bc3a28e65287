"""Which of our numbers a callee sees: never another, never none, never one that is not proven ours.

Theory. A campaign names the numbers that it may show. Out of these, `choose` takes away what may not be shown now (its
proof is too old, its trunk is another, the rules of the callee's place refuse its range, its areas are elsewhere), and
shows one of those whose area fits the callee best. Among equals the callee's own number decides, by rendezvous
hashing: the same callee sees the same number at every attempt, the numbers are used evenly, and taking one out moves
only those who saw it.

An area is an E.164 prefix (`+33162`), a country (`FR`, ISO 3166-1) or a subdivision (`US-CA`, ISO 3166-2). A number
with areas is for callees there and nowhere else; a number without is for all, and comes after any that fits. What fits
best is the longest prefix; a country counts as two digits and a half, a subdivision as three and a half, so that
`+1` < `US` < `US-CA` < `+1212`.

Nothing of a contact but its number and place comes in here, so no column of a contact file can set what is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from engine.values import hot_value

PROOF_DAYS = 400
"""Days after which a proof is too old, at the most: contracts run by the year, with a month to renew the paper."""
_ANYWHERE = 0
_COUNTRY = 25
_SUBDIVISION = 35
"""Tenths of a digit, see above."""


class Unfit(StrEnum):
    """Why a number is not shown. Stable: stored and explained."""

    NONE_GIVEN = "none_given"
    """The campaign names none that is ours."""
    PROOF_EXPIRED = "proof_expired"
    PROOF_IN_FUTURE = "proof_in_future"
    """Dated after today: nobody has proven that yet."""
    OTHER_TRUNK = "other_trunk"
    RANGE_REFUSED = "range_refused"
    """The rules of the callee's place do not allow a number of this range for this purpose."""
    OTHER_AREA = "other_area"


@dataclass(frozen=True, slots=True)
class CallerId:
    """A number that the settings list as ours."""

    number: str
    """E.164, with its plus."""
    proof: date
    """The day on which it was proven that it is ours."""
    areas: tuple[str, ...] = ()
    """Where it is shown; everywhere when empty."""
    trunks: frozenset[str] = frozenset()
    """Trunks on which it may be shown; all when empty."""


@hot_value(frozen=True, slots=True)
class Callee:
    """What the choice hangs on: the number dialed, and where it is. Empty words: not known."""

    e164: str
    region: str
    """ISO 3166-1, such as `US`."""
    subdivision: str = ""
    """ISO 3166-2, such as `US-CA`; empty too when several are possible."""


@hot_value(frozen=True, slots=True)
class Choice:
    """The number to show, or None with the reason for each that is not shown."""

    number: str | None
    unfit: tuple[tuple[str, Unfit], ...] = ()
    """Number -> why not, in the order given; empty when a number is shown."""

    @property
    def reason(self) -> Unfit | None:
        """The reason that is nearest to a number that could have been shown; None when one is."""
        if self.number is not None:
            return None
        return nearest(why for _, why in self.unfit)


_ORDER = tuple(Unfit)
"""How far a number got: the later a check that it failed, the nearer it was."""


def nearest(reasons: Iterable[Unfit]) -> Unfit:
    """Of several reasons the one that is nearest to a number that could have been shown."""
    return max(reasons, key=_ORDER.index, default=Unfit.NONE_GIVEN)


def nothing_refused(number: str) -> bool:
    """A place whose rules say nothing about ranges."""
    return True


def choose(
    given: Sequence[CallerId],
    callee: Callee,
    today: date,
    *,
    trunk: str | None = None,
    proof_days: int = PROOF_DAYS,
    allows: Callable[[str], bool] = nothing_refused,
) -> Choice:
    """The number to show to `callee`, out of `given`.

    `today`: the date in UTC. `trunk`: the trunk that the call goes by; None asks whether there is a number on any.
    `proof_days`: a proof older than so many days blocks; more than PROOF_DAYS counts as PROOF_DAYS. `allows(number)`:
    do the rules of the callee's place allow a number of that range?
    """
    oldest = min(proof_days, PROOF_DAYS)
    unfit: list[tuple[str, Unfit]] = []
    fit: list[str] = []
    best = -1
    for one in given:
        age = (today - one.proof).days
        if age > oldest:
            unfit.append((one.number, Unfit.PROOF_EXPIRED))
        elif age < 0:
            unfit.append((one.number, Unfit.PROOF_IN_FUTURE))
        elif trunk is not None and one.trunks and trunk not in one.trunks:
            unfit.append((one.number, Unfit.OTHER_TRUNK))
        elif not allows(one.number):
            unfit.append((one.number, Unfit.RANGE_REFUSED))
        elif (how := fitness(one.areas, callee)) < 0:
            unfit.append((one.number, Unfit.OTHER_AREA))
        elif how > best:
            best, fit = how, [one.number]
        elif how == best:
            fit.append(one.number)
    if not fit:
        return Choice(None, tuple(unfit))
    return Choice(_of_equals(fit, callee.e164))


def fitness(areas: tuple[str, ...], callee: Callee) -> int:
    """How well the callee's place fits these areas, in tenths of a digit; 0 for a number without areas, -1 for
    elsewhere."""
    if not areas:
        return _ANYWHERE
    best = -1
    for area in areas:
        if area[0] == "+":
            how = 10 * (len(area) - 1) if callee.e164.startswith(area) else -1
        elif "-" in area:
            how = _SUBDIVISION if area == callee.subdivision else -1
        else:
            how = _COUNTRY if area == callee.region else -1
        best = max(best, how)
    return best


class CallerIds:
    """The numbers that a campaign may show, made ready for many choices: the same answers as `choose`, at a cost that
    does not grow with the number of areas."""

    __slots__ = ("_given", "_ready", "bound_to_trunks")

    def __init__(self, given: Sequence[CallerId]) -> None:
        self._given = tuple(given)
        self.bound_to_trunks = any(one.trunks for one in self._given)
        """Is one of them for some trunks alone?"""
        self._ready: dict[tuple[date, str | None, int], dict[str, list[str]]] = {}

    def __repr__(self) -> str:
        return f"<CallerIds {len(self._given)}>"

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers themselves, in E.164."""
        return tuple(one.number for one in self._given)

    def choose(
        self,
        callee: Callee,
        today: date,
        *,
        trunk: str | None = None,
        proof_days: int = PROOF_DAYS,
        allows: Callable[[str], bool] = nothing_refused,
        promised: str = "",
    ) -> Choice:
        """As `choose`; the number `promised` before all others, while it may be shown."""
        if promised:
            kept = choose(
                [one for one in self._given if one.number == promised],
                callee, today, trunk=trunk, proof_days=proof_days, allows=allows,
            )  # fmt: skip
            if kept.number is not None:
                return kept
        key = (today, trunk, proof_days)
        ready = self._ready.get(key)
        if ready is None:
            if len(self._ready) > 64:  # a day has as many keys as there are trunks
                self._ready.clear()
            ready = self._ready[key] = self._by_area(today, trunk, min(proof_days, PROOF_DAYS))
        for area in ready if ready.keys() == _EVERYWHERE else _areas_of(callee):
            found = ready.get(area)
            if found is not None and (fit := [number for number in found if allows(number)]):
                return Choice(_of_equals(fit, callee.e164))
        return choose(self._given, callee, today, trunk=trunk, proof_days=proof_days, allows=allows)

    def _by_area(self, today: date, trunk: str | None, oldest: int) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._given:
            if 0 <= (today - one.proof).days <= oldest and (
                trunk is None or not one.trunks or trunk in one.trunks
            ):
                for area in dict.fromkeys(one.areas or ("",)):
                    found.setdefault(area, []).append(one.number)
        return found


_EVERYWHERE = {""}
"""The areas of numbers that are for no place in particular."""


def _areas_of(callee: Callee) -> Iterator[str]:
    """Every area that this callee is in, the one that fits best first; at last the empty one, which is everywhere."""
    e164 = callee.e164
    for digits in range(len(e164) - 1, 0, -1):
        if 10 * digits < _SUBDIVISION <= 10 * (digits + 1) and callee.subdivision:
            yield callee.subdivision
        if 10 * digits < _COUNTRY <= 10 * (digits + 1) and callee.region:
            yield callee.region
        yield e164[: digits + 1]
    yield ""


def _of_equals(numbers: Sequence[str], callee: str) -> str:
    """One of several that fit equally well: by rendezvous hashing (Thaler and Ravishankar, 1998) the one with the
    greatest weight for this callee."""
    if len(numbers) == 1:
        return numbers[0]
    of_callee = _seed(callee)
    return max(numbers, key=lambda number: (_weight(of_callee ^ _seed(number)), number))


@lru_cache(maxsize=65536)
def _seed(number: str) -> int:
    return int.from_bytes(hashlib.blake2b(number.encode(), digest_size=8).digest())


def _weight(seed: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): spreads 64 bits evenly."""
    seed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    seed = (seed ^ seed >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return seed ^ seed >> 31
