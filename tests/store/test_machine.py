"""The store under any history: campaigns come and go, calls end anyhow, people opt out; the books always add up."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.channel import Report
from engine.store import campaigns, claims, jobs, loading, outcomes, recovery, suppression

NUMBERS = st.integers(1, 8)
LISTS_OF_NUMBERS = st.lists(NUMBERS, min_size=1, max_size=3, unique=True)
ENDS = [
    "ANSWERED_HUMAN", "ANSWERED_MACHINE", "ANSWERED_UNSURE", "BUSY", "NO_ANSWER", "REJECTED", "INVALID_NUMBER", "CONGESTION",
    "FAILED", "CANCELLED", "UNKNOWN", "NOT_SENT",
]  # fmt: skip
WAITS = st.sampled_from([0.0, 1.0, 30.0, 61.0, 600.0])


class AnyHistory(RuleBasedStateMachine):
    """What a test must give: `books`, `person` and `phone` (see conftest)."""

    make_books: Any
    person: Any
    phone: Any

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.books = type(self).make_books(self.folder / "volley.db")
        self.names = itertools.count(1)
        self.loaded: dict[int, int] = {}
        self.loading: dict[str, int] = {}
        self.open: dict[int, claims.Claim] = {}
        self.ended: list[claims.Claim] = []
        self.suppressed: set[str] = set()

    def teardown(self) -> None:
        self.books.connection.close()
        shutil.rmtree(self.folder)

    # -- what the steps have in common ---------------------------------------------------------------------------------

    def step(self) -> None:
        self.books.now += 1.0

    def state(self, campaign: int) -> str:
        found: str = self.books.one("SELECT state FROM campaigns WHERE id = ?", campaign)
        return found

    def some_campaign(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.loaded)))

    def some_open(self, data: st.DataObject) -> claims.Claim:
        return self.open[data.draw(st.sampled_from(sorted(self.open)))]

    def batch(self, job: str, campaign: int, people: list[list[int]], due_at: float, reject: bool) -> None:
        contacts = [
            type(self).person(
                row,
                *(type(self).phone(one) for one in numbers),
                external_id=f"id-{numbers[0]}-{len(numbers)}",
            )
            for row, numbers in enumerate(people, 1)
        ]
        refused = self.books.add(job, campaign, *contacts, due_at=due_at, reject=reject)
        self.loaded[campaign] += len(contacts) - len(refused)

    # -- intake --------------------------------------------------------------------------------------------------------

    @initialize(people=st.lists(LISTS_OF_NUMBERS, min_size=4, max_size=8))
    def begin_with_a_campaign_at_work(self, people: list[list[int]]) -> None:
        self.begin_a_campaign(people, later=False, reject=False, max_attempts=3, max_callbacks=2)
        self.close("job-c1")

    @precondition(lambda self: len(self.loaded) < 4)
    @rule(
        people=st.lists(LISTS_OF_NUMBERS, max_size=6), later=st.booleans(), reject=st.booleans(),
        max_attempts=st.integers(1, 3), max_callbacks=st.integers(0, 2),
    )  # fmt: skip
    def begin_a_campaign(
        self, people: list[list[int]], later: bool, reject: bool, max_attempts: int, max_callbacks: int
    ) -> None:
        self.step()
        name = f"c{next(self.names)}"
        campaign = self.books.campaign(
            name, taken_in=False, max_attempts=max_attempts, max_callbacks=max_callbacks
        )
        self.loaded[campaign] = 0
        self.loading[f"job-{name}"] = campaign
        self.batch(f"job-{name}", campaign, people, self.books.now + (100.0 if later else 0.0), reject)

    @precondition(lambda self: self.loaded)
    @rule(data=st.data(), people=st.lists(LISTS_OF_NUMBERS, min_size=1, max_size=4), held=st.booleans())
    def begin_an_addition(self, data: st.DataObject, people: list[list[int]], held: bool) -> None:
        campaign = self.some_campaign(data)
        if self.state(campaign) in ("cancelled", "loading"):
            return
        self.step()
        job = f"add{next(self.names)}"
        self.books.unit(
            jobs.begin_job,
            job_id=job,
            fingerprint=job,
            source=job,
            campaign=campaign,
            now=self.books.now,
        )
        self.loading[job] = campaign
        self.batch(job, campaign, people, loading.HELD if held else self.books.now, reject=False)

    @precondition(lambda self: self.loading)
    @rule(data=st.data())
    def close_a_job(self, data: st.DataObject) -> None:
        self.step()
        self.close(data.draw(st.sampled_from(sorted(self.loading))))

    def close(self, job: str) -> None:
        campaign = self.loading.pop(job)
        self.books.unit(jobs.close_job, job_id=job, parsed=9, refused=0, now=self.books.now)
        while self.books.unit(loading.release_held, campaign, self.books.now, 2):
            self.books.check()

    @precondition(lambda self: self.loading)
    @rule(data=st.data())
    def take_a_job_back(self, data: st.DataObject) -> None:
        self.step()
        job = data.draw(st.sampled_from(sorted(self.loading)))
        campaign = self.loading.pop(job)
        while dropped := self.books.unit(jobs.drop_job, job, 2):
            self.loaded[campaign] -= dropped
            self.books.check()
        if self.books.rows("SELECT id FROM campaigns WHERE id = ?", campaign) == []:
            assert self.loaded.pop(campaign) == 0
            del self.books.rules[campaign]

    # -- dialing -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.loaded)
    @rule(data=st.data(), slots=st.text("ab", min_size=1, max_size=6), room=st.integers(1, 5), wait=WAITS)
    def claim_calls(self, data: st.DataObject, slots: str, room: int, wait: float) -> None:
        self.claim(data, slots, room, wait)

    @precondition(lambda self: self.loaded)
    @rule(
        data=st.data(),
        ends=st.lists(st.tuples(st.sampled_from(ENDS), WAITS, st.booleans()), min_size=2, max_size=12),
    )
    def work_for_some_hours(self, data: st.DataObject, ends: list[tuple[str, float, bool]]) -> None:
        while ends:
            before = set(self.open)
            self.claim(data, "ab" * 3, 5, 600.0)
            for attempt in sorted(set(self.open) - before):
                disposition, follows, asked = ends.pop() if ends else ("UNKNOWN", 0.0, False)
                if disposition != "UNKNOWN":
                    self.end(data, self.open[attempt], disposition, follows, asked)
            if set(self.open) == before:
                return

    def claim(self, data: st.DataObject, slots: str, room: int, wait: float) -> None:
        """Also for a campaign that was paused or cancelled a moment ago: the dispatcher's view may be a moment old."""
        self.step()
        self.books.now += wait
        dialed = [one for one in sorted(self.loaded) if self.state(one) not in ("loading", "completed")]
        order = data.draw(st.permutations(dialed))
        found = self.books.claim(*order, slots=slots, room=room)
        assert len(found.claims) <= len(slots)
        for claim in found.claims:
            assert claim.attempt not in self.open
            assert claim.e164 not in self.suppressed
            assert claim.e164 not in {other.e164 for other in self.open.values()}
            self.open[claim.attempt] = claim
        for refusal in found.refusals:
            assert refusal.verdict.never or refusal.verdict.at > self.books.now

    @precondition(lambda self: self.open)
    @rule(
        data=st.data(),
        disposition=st.sampled_from(ENDS),
        follows=st.one_of(st.none(), WAITS),
        asked=st.booleans(),
    )
    def end_a_call(self, data: st.DataObject, disposition: str, follows: float | None, asked: bool) -> None:
        self.end(data, self.some_open(data), disposition, follows, asked)

    def end(
        self, data: st.DataObject, claim: claims.Claim, disposition: str, follows: float | None, asked: bool
    ) -> None:
        self.step()
        if disposition == "NOT_SENT":
            follows = 0.0
        next_at = None if follows is None else self.books.now + follows
        stored = self.books.finish(
            claim, disposition, next_at=next_at, next_position=data.draw(st.integers(0, claim.numbers - 1)),
            next_callback=asked and next_at is not None and disposition.startswith("ANSWERED"),
        )  # fmt: skip
        assert stored.fresh
        del self.open[claim.attempt]
        self.ended.append(claim)

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), disposition=st.sampled_from(ENDS))
    def end_a_call_again(self, data: st.DataObject, disposition: str) -> None:
        self.step()
        claim = data.draw(st.sampled_from(self.ended))
        before = self.books.rows("SELECT * FROM contacts ORDER BY id")
        assert not self.books.finish(claim, disposition, next_at=self.books.now).fresh
        assert self.books.rows("SELECT * FROM contacts ORDER BY id") == before

    @rule()
    def look_after_a_restart(self) -> None:
        found = self.books.unit(recovery.open_attempts, "lab")
        assert {claim.attempt for claim in found} == set(self.open)
        for claim in found:  # as it was claimed; what the contact's counters say may have been told since
            # Which trunks had refused it is not kept: the next claim asks for that anew.
            told_since = {
                "attempts": 0,
                "tries": {},
                "callbacks": 0,
                "invalid": frozenset(),
                "refused_by": frozenset(),
            }
            assert replace(claim, **told_since) == replace(self.open[claim.attempt], **told_since)
        assert self.books.unit(recovery.still_open, "lab").keys() == set(self.open)

    # -- never again ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.open or self.ended)
    @rule(data=st.data(), seq=st.integers(1, 3))
    def opt_out(self, data: st.DataObject, seq: int) -> None:
        self.step()
        claim = data.draw(st.sampled_from([*self.open.values(), *self.ended]))
        report = Report(claim.attempt, seq, "optout", "message", self.books.now)
        known = self.books.rows(
            "SELECT 1 FROM call_events WHERE attempt_id = ? AND seq = ?", claim.attempt, seq
        )
        ids = self.books.unit(outcomes.late_report, report=report, now=self.books.now)
        numbers = {self.books.one("SELECT e164 FROM numbers WHERE id = ?", one) for one in ids}
        assert (claim.e164 in numbers) == (known == [])
        self.suppressed |= numbers

    @rule(which=NUMBERS, on=st.booleans())
    def change_the_list(self, which: int, on: bool) -> None:
        self.step()
        number = type(self).phone(which)
        if on:
            self.books.suppress(number)
            self.suppressed.add(number.e164)
        else:
            self.books.unit(suppression.unsuppress, [number.e164])
            self.suppressed.discard(number.e164)

    # -- control -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.loaded)
    @rule(data=st.data(), wanted=st.sampled_from(["paused", "running", "scheduled", "cancelled"]))
    def change_a_campaign(self, data: st.DataObject, wanted: str) -> None:
        self.step()
        campaign = self.some_campaign(data)
        before = self.state(campaign)
        after = self.books.unit(campaigns.set_state, campaign, wanted, self.books.now)
        assert after == (wanted if before in campaigns.OPEN_STATES else before)
        if after != "loading":
            running = replace(self.books.rules[campaign], running=after == "running")
            self.books.rules[campaign] = running
        if after == "cancelled" and data.draw(st.booleans()):
            while self.books.unit(campaigns.close_pending, campaign, "CANCELLED", "campaign_cancelled", 2):
                self.books.check()

    @precondition(lambda self: self.loaded)
    @rule(data=st.data(), whom=st.lists(LISTS_OF_NUMBERS, min_size=1, max_size=3))
    def remove_people(self, data: st.DataObject, whom: list[list[int]]) -> None:
        campaign = self.some_campaign(data)
        if self.state(campaign) == "loading":
            return
        self.step()
        ids = [f"id-{numbers[0]}-{len(numbers)}" for numbers in whom]
        self.books.unit(campaigns.remove_contacts, campaign, ids)
        for external_id in ids:
            assert self.books.rows(
                "SELECT state FROM contacts WHERE campaign_id = ? AND external_id = ?", campaign, external_id
            ) in ([], ["done"])  # fmt: skip

    @precondition(lambda self: self.loaded)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        self.step()
        campaign = self.some_campaign(data)
        before = self.state(campaign)
        left = self.books.one(
            "SELECT count(*) FROM contacts WHERE campaign_id = ? AND state != 'done'", campaign
        )
        completed = self.books.unit(campaigns.complete, campaign, self.books.now)
        assert completed == (
            before in campaigns.OPEN_STATES and left == 0 and campaign not in self.loading.values()
        )

    # -- what always holds ---------------------------------------------------------------------------------------------

    @invariant()
    def the_books_add_up(self) -> None:
        self.books.check()
        counted = dict(
            self.books.connection.execute("SELECT campaign_id, count(*) FROM contacts GROUP BY 1").fetchall()
        )
        assert counted == {campaign: loaded for campaign, loaded in self.loaded.items() if loaded}
        open_ones = self.books.rows("SELECT id FROM attempts WHERE disposition IS NULL")
        assert set(open_ones) == set(self.open)


def test_any_history(new_books, person, phone) -> None:
    class Machine(AnyHistory):
        pass

    Machine.make_books = new_books
    Machine.person = staticmethod(person)
    Machine.phone = staticmethod(phone)
    run_state_machine_as_test(Machine, settings=settings(max_examples=100, stateful_step_count=40))
