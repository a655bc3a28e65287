"""Which of our numbers a callee sees: one of ours that fits, always the same, or none with the reason."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.caller_ids import PROOF_DAYS, Callee, CallerId, CallerIds, Choice, Unfit, choose, fitness

TODAY = date(2026, 11, 24)
PARIS = Callee("+33162000099", "FR", "FR-IDF")
NEW_YORK = Callee("+12125550199", "US", "US-NY")


def ours(number: str, *areas: str, age: int = 10, trunks: str = "") -> CallerId:
    return CallerId(number, TODAY - timedelta(days=age), areas, frozenset(trunks))


def shown(given: list[CallerId], callee: Callee = PARIS, **more: object) -> str | None:
    return choose(given, callee, TODAY, **more).number  # type: ignore[arg-type]


# -- what may be shown at all ------------------------------------------------------------------------------------------


def test_the_only_number_is_shown() -> None:
    assert choose([ours("+33162000001")], PARIS, TODAY) == Choice("+33162000001")


def test_no_number_is_told() -> None:
    found = choose([], PARIS, TODAY)
    assert (found.number, found.reason, found.unfit) == (None, Unfit.NONE_GIVEN, ())


@pytest.mark.parametrize(
    ("age", "days", "reason"),
    [
        (0, 400, None),
        (400, 400, None),
        (401, 400, Unfit.PROOF_EXPIRED),
        (90, 90, None),
        (91, 90, Unfit.PROOF_EXPIRED),
        (401, 10_000, Unfit.PROOF_EXPIRED),
        (1, 0, Unfit.PROOF_EXPIRED),
        (-1, 400, Unfit.PROOF_IN_FUTURE),
        (-4000, 400, Unfit.PROOF_IN_FUTURE),
    ],
)
def test_a_proof_has_its_time(age: int, days: int, reason: Unfit | None) -> None:
    found = choose([ours("+33162000001", age=age)], PARIS, TODAY, proof_days=days)
    assert found.reason is reason
    assert (found.number is None) == (reason is not None)


def test_a_number_keeps_to_its_trunks() -> None:
    given = [ours("+33162000001", trunks="ab")]
    assert [shown(given, trunk=trunk) for trunk in ("a", "b", "c", None)] == [
        "+33162000001",
        "+33162000001",
        None,
        "+33162000001",
    ]
    assert choose(given, PARIS, TODAY, trunk="c").reason is Unfit.OTHER_TRUNK
    assert shown([ours("+33162000001")], trunk="c") == "+33162000001"


def test_the_rules_of_the_place_refuse_a_range() -> None:
    given = [ours("+33612345678"), ours("+33162000001")]
    assert shown(given, allows=lambda number: number.startswith("+33162")) == "+33162000001"
    found = choose(given, PARIS, TODAY, allows=lambda number: False)
    assert found.unfit == (("+33612345678", Unfit.RANGE_REFUSED), ("+33162000001", Unfit.RANGE_REFUSED))


def test_every_number_has_its_reason_and_the_nearest_one_counts() -> None:
    found = choose(
        [ours("+1", age=500), ours("+2", age=-1), ours("+3", trunks="b"), ours("+4"), ours("+5", "DE")],
        PARIS, TODAY, trunk="a", allows=lambda number: number != "+4",
    )  # fmt: skip
    assert found.unfit == (
        ("+1", Unfit.PROOF_EXPIRED), ("+2", Unfit.PROOF_IN_FUTURE), ("+3", Unfit.OTHER_TRUNK), ("+4", Unfit.RANGE_REFUSED),
        ("+5", Unfit.OTHER_AREA),
    )  # fmt: skip
    assert found.reason is Unfit.OTHER_AREA
    assert choose([ours("+1", age=500), ours("+2", age=-1)], PARIS, TODAY).reason is Unfit.PROOF_IN_FUTURE


# -- local presence ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("areas", "callee", "fits"),
    [
        ((), PARIS, 0),
        (("FR",), PARIS, 25),
        (("FR-IDF",), PARIS, 35),
        (("+33",), PARIS, 20),
        (("+331",), PARIS, 30),
        (("+33162", "FR"), PARIS, 50),
        (("FR", "+33162"), PARIS, 50),
        (("DE", "+49", "US-NY"), PARIS, -1),
        (("+1",), NEW_YORK, 10),
        (("US",), NEW_YORK, 25),
        (("US-NY",), NEW_YORK, 35),
        (("+1212",), NEW_YORK, 40),
        (("US-NY",), Callee("+12125550199", "US"), -1),
        (("US-NY",), Callee("+12125550199", "", ""), -1),
        (("+12125550199",), NEW_YORK, 110),
        (("+121255501990",), NEW_YORK, -1),
    ],
)
def test_fitness(areas: tuple[str, ...], callee: Callee, fits: int) -> None:
    assert fitness(areas, callee) == fits


def test_the_longest_prefix_wins_wherever_it_stands() -> None:
    given = [
        ours("+1"),
        ours("+2", "US"),
        ours("+3", "+1"),
        ours("+4", "+1212"),
        ours("+5", "US-NY"),
        ours("+6", "+1646"),
    ]
    for turned in (given, given[::-1]):
        assert shown(turned, NEW_YORK) == "+4"
        assert shown([one for one in turned if one.number != "+4"], NEW_YORK) == "+5"
        assert shown(turned, Callee("+13055550199", "US", "US-FL")) == "+2"
        assert shown(turned, Callee("+14165550199", "CA", "CA-ON")) == "+3"
        assert shown(turned, PARIS) == "+1"


def test_a_number_with_areas_is_for_those_areas_alone() -> None:
    assert choose([ours("+4930", "DE")], PARIS, TODAY).reason is Unfit.OTHER_AREA


def test_the_better_number_whose_proof_is_too_old_is_not_shown() -> None:
    assert shown([ours("+1", "+33162", age=401), ours("+2", "FR")]) == "+2"


# -- the same number for the same callee -------------------------------------------------------------------------------

NUMBERS = st.integers(10**8, 10**9).map(lambda digits: f"+33{digits}")
AREA = st.sampled_from(["FR", "US", "US-NY", "FR-IDF", "+33", "+331", "+33162", "+1", "+1212"])
OURS = st.builds(
    CallerId,
    NUMBERS,
    st.integers(-3, 420).map(lambda age: TODAY - timedelta(days=age)),
    st.lists(AREA, max_size=2).map(tuple),
    st.frozensets(st.sampled_from("ab"), max_size=2),
)
CALLEE = st.builds(
    Callee,
    st.sampled_from(["+33162", "+33499", "+1212", "+1305"]).flatmap(
        lambda prefix: st.integers(10**4, 10**5).map(lambda digits: f"{prefix}{digits}")
    ),
    st.sampled_from(["FR", "US", ""]),
    st.sampled_from(["", "US-NY", "FR-IDF"]),
)
MANY = st.lists(OURS, max_size=8, unique_by=lambda one: one.number)


@given(
    MANY,
    CALLEE,
    st.sampled_from(["a", "b", None]),
    st.integers(0, 500),
    st.frozensets(st.sampled_from("0123456789"), max_size=6),
)
def test_never_empty_never_invented_never_unproven(
    given: list[CallerId], callee: Callee, trunk: str | None, days: int, refused: frozenset[str]
) -> None:
    found = choose(
        given, callee, TODAY, trunk=trunk, proof_days=days, allows=lambda number: number[-1] not in refused
    )
    if found.number is None:
        assert [number for number, _ in found.unfit] == [one.number for one in given]
        assert found.reason is not None
        return
    [one] = [one for one in given if one.number == found.number]
    assert 0 <= (TODAY - one.proof).days <= min(days, PROOF_DAYS)
    assert trunk is None or not one.trunks or trunk in one.trunks
    assert one.number[-1] not in refused
    best = fitness(one.areas, callee)
    assert best >= 0
    for other in given:  # nothing that could have been shown fits better
        alone = choose(
            [other],
            callee,
            TODAY,
            trunk=trunk,
            proof_days=days,
            allows=lambda number: number[-1] not in refused,
        )
        assert alone.number is None or fitness(other.areas, callee) <= best


@given(MANY, CALLEE, st.randoms(use_true_random=False))
def test_the_order_of_the_settings_does_not_matter(
    given: list[CallerId], callee: Callee, dice: object
) -> None:
    turned = list(given)
    dice.shuffle(turned)  # type: ignore[attr-defined]
    assert shown(given, callee) == shown(turned, callee)


@given(MANY, CALLEE)
def test_taking_a_number_out_moves_only_those_who_saw_it(given: list[CallerId], callee: Callee) -> None:
    before = shown(given, callee)
    for one in given:
        if one.number != before:
            assert shown([other for other in given if other is not one], callee) == before


@given(
    MANY, st.lists(CALLEE, max_size=4), st.sampled_from(["a", "b", None]), st.sampled_from([0, 30, 400, 500])
)
def test_made_ready_it_chooses_the_same(
    given: list[CallerId], callees: list[Callee], trunk: str | None, days: int
) -> None:
    ready = CallerIds(given)
    for callee in callees * 2:
        for day in (TODAY, TODAY + timedelta(days=1)):
            for allows in (
                lambda number: True,
                lambda number: number[-1] not in "0246",
                lambda number: False,
            ):
                more = {"trunk": trunk, "proof_days": days, "allows": allows}
                assert ready.choose(callee, day, **more) == choose(given, callee, day, **more)  # type: ignore[arg-type]


def test_what_is_made_ready_does_not_pile_up() -> None:
    ready = CallerIds([ours("+33162000001")])
    for days in range(500):
        found = ready.choose(PARIS, TODAY + timedelta(days=days), trunk="a")
        assert (found.number is None) == (days > 390)
    assert len(ready._ready) < 70


def test_equal_numbers_are_used_evenly() -> None:
    given = [ours(f"+3316200000{at}") for at in range(5)]
    seen = Counter(shown(given, Callee(f"+3349900{at:04d}", "FR")) for at in range(5000))
    assert len(seen) == 5
    assert all(880 < count < 1120 for count in seen.values()), seen


# -- the number that was shown when a callback was promised ------------------------------------------------------------


def kept(given: list[CallerId], promised: str, callee: Callee = PARIS, **more: object) -> str | None:
    return CallerIds(given).choose(callee, TODAY, promised=promised, **more).number  # type: ignore[arg-type]


def test_a_promise_is_kept_with_the_number_that_was_shown() -> None:
    given = [ours("+33162000001", "FR"), ours("+33162000002", "FR-IDF"), ours("+33162000003")]
    assert kept(given, "") == "+33162000002", "the one that fits best"
    for one in given:
        assert kept(given, one.number) == one.number


@pytest.mark.parametrize(
    ("promised", "more"),
    [
        (ours("+33162000001", age=401), {}),
        (ours("+33162000001", age=31), {"proof_days": 30}),
        (ours("+33162000001", age=-1), {}),
        (ours("+33162000001", trunks="b"), {"trunk": "a"}),
        (ours("+33162000001", "DE"), {}),
        (ours("+33162000001"), {"allows": lambda number: number != "+33162000001"}),
    ],
)
def test_and_with_another_where_that_one_may_not_be_shown(
    promised: CallerId, more: dict[str, object]
) -> None:
    other = ours("+33162000002")
    assert kept([promised, other], promised.number, **more) == other.number
    found = CallerIds([promised]).choose(PARIS, TODAY, promised=promised.number, **more)  # type: ignore[arg-type]
    assert (found.number, found.reason is None) == (None, False), "never one that may not be shown"


def test_a_number_that_is_not_ours_any_more_is_not_shown() -> None:
    given = [ours("+33162000002")]
    assert kept(given, "+33162000001") == "+33162000002"
    assert kept([], "+33162000001") is None


@given(
    MANY,
    CALLEE,
    st.sampled_from(["a", "b", None]),
    st.sampled_from([0, 30, 400]),
    st.frozensets(st.sampled_from("0123456789"), max_size=6),
    st.data(),
)
def test_a_promise_bends_no_rule(
    given: list[CallerId],
    callee: Callee,
    trunk: str | None,
    days: int,
    refused: frozenset[str],
    data: st.DataObject,
) -> None:
    """What is shown for a promise may be shown without one; and the number promised is shown whenever it may be."""
    promised = data.draw(st.sampled_from(["", "+33123", *(one.number for one in given)]))
    more = {"trunk": trunk, "proof_days": days, "allows": lambda number: number[-1] not in refused}
    alone = choose([one for one in given if one.number == promised], callee, TODAY, **more)  # type: ignore[arg-type]
    found = CallerIds(given).choose(callee, TODAY, promised=promised, **more)  # type: ignore[arg-type]
    without = choose(given, callee, TODAY, **more)  # type: ignore[arg-type]
    assert found == (without if alone.number is None else alone)
