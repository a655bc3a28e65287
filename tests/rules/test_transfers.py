"""The number that a callee may be connected with passes the gate too: each refusal, and that no call is made for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from engine.rules.binding import LIST_RETRY
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.gate import Reason, decide
from engine.rules.transfers import Transfer, transfer_problem
from tests.rules.past import Blank
from tests.rules.test_gate_law import FRENCH, RULES, TUESDAY

TODAY = date(2026, 11, 24)
SHOWN = "+33162000001"
DOCTOR = Transfer(
    "doctor", "+33145678902", "FR", "fixed", ("Europe/Paris",), "a", CallerIds([CallerId(SHOWN, date(2026, 6, 1))])
)  # fmt: skip


def shown(age: int = 10, **more: object) -> CallerIds:
    return CallerIds([CallerId(SHOWN, TODAY - timedelta(days=age), **more)])  # type: ignore[arg-type]


def problem(
    transfer: Transfer, *, countries: str = "FR GB", never: bool = False, days: int = 400
) -> str | None:
    return transfer_problem(
        transfer, suppressed=never, countries=frozenset(countries.split()), today=TODAY, proof_days=days, now=TUESDAY
    )  # fmt: skip


def test_one_that_may_be_dialed() -> None:
    assert problem(DOCTOR) is None


def test_a_number_of_the_lab_needs_no_country() -> None:
    practice = replace(DOCTOR, e164="+33199001050")
    assert problem(practice, countries="") is None
    assert problem(practice, countries="", never=True) is not None


REFUSED: list[tuple[str, Transfer, dict[str, object], str]] = [
    ("never to be called", DOCTOR, {"never": True}, "transfer doctor: +33145678902 is on the list of those never to be called"),
    ("premium", replace(DOCTOR, kind="premium"), {}, "transfer doctor: +33145678902 is a premium-rate number"),
    ("of no kind that is known", replace(DOCTOR, kind=""), {}, "is not known; it is not dialed"),
    ("satellite", replace(DOCTOR, e164="+881612345678", region="001"), {}, "+881 is satellite (GMSS)"),
    ("of no country", replace(DOCTOR, region=""), {}, "belongs to no country that is known"),
    ("abroad", DOCTOR, {"countries": "GB US"}, "is in FR, which law.countries does not allow"),
    ("no country is allowed", DOCTOR, {"countries": ""}, "is in FR, which law.countries does not allow"),
    ("nothing of ours is shown", replace(DOCTOR, caller_ids=CallerIds([])), {}, "its caller_id may not be shown there"),
    ("the proof is too old", replace(DOCTOR, caller_ids=shown(401)), {}, "or its proof is too old"),
    ("the proof is too old for us", replace(DOCTOR, caller_ids=shown(31)), {"days": 30}, "or its proof is too old"),
    ("the proof is of tomorrow", replace(DOCTOR, caller_ids=shown(-1)), {}, "its caller_id may not be shown there"),
    ("shown on another trunk", replace(DOCTOR, caller_ids=shown(trunks=frozenset("b"))), {}, "not on this trunk"),
    ("shown elsewhere", replace(DOCTOR, caller_ids=shown(areas=("GB",))), {}, "its caller_id may not be shown there"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("transfer", "more", "what"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_why_not(transfer: Transfer, more: dict[str, object], what: str) -> None:
    found = problem(transfer, **more)  # type: ignore[arg-type]
    assert found is not None
    assert what in found
    assert found.startswith("transfer doctor: "), "it names the table of the settings"


@pytest.mark.parametrize(
    ("transfer", "more", "what"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_no_call_is_made_that_may_end_in_it(transfer: Transfer, more: dict[str, object], what: str) -> None:
    """The first call is refused for the second; the operator can put it right, so the contact waits."""
    callee = replace(
        FRENCH, e164="+33199001042", kind="fixed", consent=None
    )  # of the lab: no country of its own to be allowed
    rules = replace(
        RULES,
        transfers=(transfer,),
        countries=frozenset(str(more.get("countries", "FR GB")).split()),
        proof_days=int(str(more.get("days", 400))),
        caller_ids=shown(),
    )
    past = Blank(never=frozenset({transfer.e164} if more.get("never") else ()))
    verdict = decide(rules, callee, past, TUESDAY)
    assert (verdict.allowed, verdict.reason, verdict.at) == (
        False,
        Reason.TRANSFER_REFUSED,
        TUESDAY + LIST_RETRY,
    )
    assert what in verdict.ground.detail
    assert decide(replace(rules, transfers=()), callee, past, TUESDAY).allowed
    another = replace(DOCTOR, name="desk", e164="+33199001051", caller_ids=shown())
    assert decide(replace(rules, transfers=(another, transfer)), callee, past, TUESDAY) == verdict


def test_shown_on_its_trunk_and_on_others_is_not_the_same() -> None:
    """The callee's call goes by trunk b, the transfer by trunk a: each has to do with its own."""
    both = CallerIds([CallerId(SHOWN, date(2026, 6, 1), trunks=frozenset("b"))])
    callee = replace(FRENCH, e164="+33199001042", kind="fixed", consent=None)
    rules = replace(RULES, caller_ids=both, transfers=(replace(DOCTOR, caller_ids=both),))
    assert decide(rules, callee, Blank(), TUESDAY, "b").reason is Reason.TRANSFER_REFUSED
    there = replace(rules, transfers=(replace(DOCTOR, caller_ids=both, trunk="b"),))
    assert decide(there, callee, Blank(), TUESDAY, "b").allowed
    assert decide(there, callee, Blank(), TUESDAY, "a").reason is Reason.NO_CALLER_ID


def test_what_protects_callees_is_not_asked_of_it() -> None:
    """It is somebody of ours who waits for it: at night, and called a hundred times a day."""
    assert problem(replace(DOCTOR, zones=())) is None
    past = Blank({"all": [TUESDAY - 60.0 * at for at in range(100)]})
    assert (
        decide(replace(RULES, transfers=(DOCTOR,)), FRENCH, past, TUESDAY).reason
        is not Reason.TRANSFER_REFUSED
    )
