"""Trunks that are drained, breakers as others see them, and what a claim makes of trunks that have refused somebody."""

from __future__ import annotations

from engine.store import claims, recovery, trunks
from engine.store.claimed import Claim, ClaimResult
from engine.store.ways import Way, Ways


def state(books, name: str) -> tuple[object, ...]:
    [row] = books.connection.execute(
        "SELECT drained_at, drained_by, breaker, breaker_reason FROM trunks WHERE name = ?", (name,)
    ).fetchall()
    return tuple(row)


def test_a_trunk_is_drained_and_resumed_each_once_in_the_audit_log(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    claim = books.claim_one(campaign)

    def steer(drain: bool) -> int:
        return books.unit(
            trunks.steer, name="a", drain=drain, now=books.now, actor="anna", reason="+33162000001 calls"
        )

    assert [steer(True), steer(True)] == [1, 1], "one call of it lives"
    assert books.unit(trunks.drained) == {"a"}
    assert state(books, "a")[:2] == (books.now, "anna")
    books.finish(claim)
    assert [steer(False), steer(False)] == [0, 0]
    assert books.unit(trunks.drained) == frozenset()
    rows = books.connection.execute(
        "SELECT action, actor, subject, details FROM audit WHERE action LIKE 'trunk.%'"
    ).fetchall()
    assert [tuple(row) for row in rows] == [
        ("trunk.drained", "anna", "trunk a", '{"reason":"+331••01 calls"}'),
        ("trunk.resumed", "anna", "trunk a", '{"reason":"+331••01 calls"}'),
    ]


def test_a_start_finds_drained_trunks_drained_and_breakers_closed(books) -> None:
    books.unit(trunks.steer, name="b", drain=True, now=5.0, actor="anna")
    books.unit(trunks.note_breaker, name="a", phase="open", reason="SIP 503", now=6.0)
    assert state(books, "a") == (None, "", "open", "SIP 503")
    books.unit(recovery.register, pbxs=["lab"], trunks={"a": "lab", "b": "lab"})
    assert state(books, "a") == (None, "", "closed", "")
    assert books.unit(trunks.drained) == {"b"}


# -- a trunk that has refused somebody ---------------------------------------------------------------------------------


def claim_by(books, campaign: int, slots: str, **away: bool) -> ClaimResult:
    """A claim with these free channels, where both trunks are open but for those in `away`."""
    ways = Ways({name: Way(name, name not in away, 1.0) for name in "ab"}, len(slots))
    claimant = books.claimant(campaign, trunks=tuple(slots))
    found: ClaimResult = books.unit(
        claims.claim, [claimant.__class__(*_values(claimant), frozenset("ab"))], [books.slots[one] for one in slots],
        books.last, books.now, ways=ways,
    )  # fmt: skip
    books.last = max([books.last, *(claim.attempt for claim in found.claims)])
    return found


def _values(claimant) -> tuple[object, ...]:
    return claimant.campaign_id, claimant.rules, claimant.flow_version, claimant.trunks, claimant.room, {}


def refused(books, campaign: int, trunk: str = "a") -> Claim:
    [claim] = claim_by(books, campaign, trunk).claims
    books.finish(claim, "CONGESTION", next_at=books.now + 1)
    books.now += 1
    return claim


def test_it_goes_by_a_trunk_that_has_not_refused_it(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    refused(books, campaign)
    [claim] = claim_by(books, campaign, "ab").claims
    assert (claim.trunk, claim.refused_by) == ("b", {"a"})


def test_it_waits_a_moment_for_a_trunk_that_is_busy_and_not_for_one_that_is_away(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    first = refused(books, campaign)
    found = claim_by(books, campaign, "a")
    assert (found.claims, found.refusals) == ((), ())
    assert found.exhausted == {campaign: books.now + 1}
    books.now += 1
    found = claim_by(books, campaign, "a", b=True)
    assert found.exhausted == {campaign: first.created_at + 120}, (
        "then the one that refused it is asked again"
    )
    books.now = first.created_at + 120
    [claim] = claim_by(books, campaign, "a", b=True).claims
    assert (claim.trunk, claim.refused_by) == ("a", frozenset())


def test_a_trunk_that_let_it_ring_has_not_refused_it(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    [claim] = claim_by(books, campaign, "a").claims
    books.finish(claim, "CONGESTION", next_at=books.now + 1, rang=True)
    books.now += 1
    [claim] = claim_by(books, campaign, "a").claims
    assert claim.refused_by == frozenset()
