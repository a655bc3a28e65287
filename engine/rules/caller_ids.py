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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class Callee:
    """What the choice hangs on: the number dialed, and where it is. Empty words: not known."""

    e164: str
    region: str
    """ISO 3166-1, such as `US`."""
    subdivision: str = ""
    """ISO 3166-2, such as `US-CA`; empty too when several are possible."""


@dataclass(frozen=True, slots=True)
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
        return max((why for _, why in self.unfit), key=_ORDER.index, default=Unfit.NONE_GIVEN)


_ORDER = tuple(Unfit)
"""How far a number got: the later a check that it failed, the nearer it was."""


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
    return Choice(
        fit[0] if len(fit) == 1 else max(fit, key=lambda number: (_weight(callee.e164, number), number))
    )


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


@lru_cache(maxsize=65536)
def _weight(callee: str, number: str) -> bytes:
    """Rendezvous hashing (Thaler and Ravishankar, 1998): of several numbers the one with the greatest weight."""
    return hashlib.blake2b(f"{callee} {number}".encode(), digest_size=8).digest()
