"""May a number be dialed to connect a callee with it? The second call of a transfer passes the gate as the first one does.

It goes to somebody of ours who waits for it, so what protects callees (consent, hours, registries, caps) is not asked. What
protects everybody is: the list of those never to be called, kinds of numbers, countries, and that a number of ours is shown.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.rules.caller_ids import Callee, CallerIds
from engine.rules.places import PRACTICE, place_of
from engine.rules.tolls import toll_problem


@dataclass(frozen=True, slots=True)
class Transfer:
    """A number that callees of a campaign may be connected with."""

    name: str
    e164: str
    region: str
    kind: str
    zones: tuple[str, ...]
    trunk: str
    caller_ids: CallerIds
    """The number that the settings say is shown to it, if it is among ours."""


def transfer_problem(
    transfer: Transfer,
    *,
    suppressed: bool,
    countries: frozenset[str],
    today: date,
    proof_days: int,
    now: float,
) -> str | None:
    """Why `transfer` must not be dialed at `now`; None when it may. `suppressed`: it is on the list of those never to be called."""
    who = f"transfer {transfer.name}: {transfer.e164}"
    if suppressed:
        return f"{who} is on the list of those never to be called"
    if problem := toll_problem(transfer.e164, transfer.region, transfer.kind):
        return f"transfer {transfer.name}: {problem}"
    place = place_of(transfer.e164, transfer.region, transfer.zones, now)
    if place.region != PRACTICE and transfer.region not in countries:
        return (
            f"{who} is in {transfer.region or 'no country that is known'}, which law.countries does not allow"
        )
    choice = transfer.caller_ids.choose(
        Callee(transfer.e164, transfer.region), today, trunk=transfer.trunk, proof_days=proof_days
    )
    if choice.number is None:
        return f"{who}: its caller_id may not be shown there: not in [[caller_id]], not on this trunk, or its proof is too old"
    return None
