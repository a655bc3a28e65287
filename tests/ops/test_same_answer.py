"""`volley check`, `volley explain` and the claim say the same of everybody: verdict, reason and instant.

In worlds by chance: what `check` says of a job before it is handed in is held against what a claim decides of each of its
people once the engine has taken it in; and what `explain` says of everybody, at several instants and after calls that ended in
all ways, against what the claim decides then. `VOLLEY_WORLDS=50` builds so many, by `VOLLEY_SEED` others.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from engine.ops import history
from engine.ops.books import snapshot
from engine.ops.explain import what_next
from engine.ops.openings import Openings
from engine.ops.preview import preview
from engine.rules.verdict import Reason, Verdict
from engine.store.claimed import Claim, ClaimResult
from tests.ops.worlds import DAY, HOUR, World

WORLDS = int(os.environ.get("VOLLEY_WORLDS", "2"))
SEED = os.environ.get("VOLLEY_SEED", "1")
ROWS = 150
ASKED = 20


def told(found: ClaimResult) -> Verdict | None:
    """What a claim decided of the one contact that was due."""
    if found.claims:
        return Verdict(True, Reason.ALLOWED)
    return found.refusals[0].verdict if found.refusals else None


def counted(verdicts: Iterable[Verdict | None]) -> Openings:
    """What a claim decided of many, as `check` counts it."""
    found = Openings()
    for verdict in verdicts:
        assert verdict is not None
        found.add(verdict)
    return found


class Comparison:
    """One world, asked in both ways; counts what it was told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.checked: Counter[str] = Counter()
        self.explained: Counter[str] = Counter()
        self.jobs: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()

    def waiting(self, condition: str = "true", *values: object) -> list[tuple[int, int]]:
        """Contacts that wait for a call, and their campaigns."""
        return self.world.books.connection.execute(
            f"SELECT id, campaign_id FROM contacts WHERE state = 'pending' AND {condition} ORDER BY id",
            values,
        ).fetchall()

    def check(self, add_to: str = "") -> None:
        """`check` before the job comes, the claim once it is there."""
        world = self.world
        now = world.books.now
        job = world.job(ROWS, add_to)
        foretold = preview(job, world.settings, now)
        where = world.take_in(job)
        self.jobs[where] += 1
        assert (where == "accepted") == foretold.acceptable, (where, foretold.problems)
        if where == "rejected":
            return
        name, accepted, rejected = world.books.connection.execute(
            "SELECT id, accepted, rejected FROM jobs ORDER BY rowid DESC"
        ).fetchone()
        assert (accepted, rejected) == (
            foretold.accepted - foretold.already_there,
            foretold.rejected + foretold.already_there,
        )
        self.rows.update(accepted=accepted, rejected=rejected)
        verdicts = [
            told(world.alone(campaign, one, now, ("scheduled", "paused")))
            for one, campaign in self.waiting("job_id = ?", name)
        ]
        live = counted(verdicts)
        assert (foretold.openings.at_once, foretold.openings.never) == (live.at_once, live.never)
        assert foretold.openings.later == live.later
        self.checked.update(one.reason for one in verdicts if one is not None)

    def explain(self) -> None:
        """`explain` of some of those who wait, and the claim at the same instant: now, or when they are due."""
        world = self.world
        now = world.books.now
        waiting = self.waiting()
        for contact, campaign in world.dice.sample(waiting, min(ASKED, len(waiting))):
            with snapshot(world.settings.database) as connection:
                story = history.read(connection, contact)
            following = what_next(story, world.settings, now)
            at = max(now, story.contact["due_at"])
            if at > now and story.line_in_use:
                continue  # that call will be over by then, and nobody knows how it ends
            verdict = told(world.alone(campaign, contact, at))
            if verdict is None:
                assert (story.campaign.state, following.at) == ("paused", None)
                continue
            expected = (not verdict.never, at if verdict.allowed else verdict.at, verdict.reason)
            assert (following.called, following.at, following.reason) == expected, (verdict, story.contact)
            self.explained[verdict.reason] += 1

    def dial(self) -> list[Claim]:
        """Some calls of every campaign go out."""
        found: list[Claim] = []
        for (campaign,) in self.world.books.connection.execute(
            "SELECT id FROM campaigns WHERE state = 'running'"
        ).fetchall():
            found += self.world.claim(campaign, self.world.books.now, room=20).claims
        return found

    def end(self, live: list[Claim]) -> None:
        """These calls end, in all ways, and time goes on."""
        world = self.world
        world.books.now += 20.0
        for claim in live:
            world.happens(claim)
        world.books.now += world.dice.choice((0.0, 90.0, 90.0, HOUR, 3 * HOUR, DAY, 5 * DAY))


def live_through(world: World) -> Comparison:
    """Five jobs come, one after another and some while calls live; people are called, and called again."""
    both = Comparison(world)
    live: list[Claim] = []
    for turn in range(5):
        both.check(add_to="campaign1" if turn in (2, 4) and both.jobs["accepted"] else "")
        both.explain()
        both.end(live)
        both.explain()
        for _ in range(3):
            both.end(both.dial())
        live = both.dial()
        both.explain()
        if turn == 3:
            world.pause("campaign1")
            both.explain()
    return both


def test_check_explain_and_claim_agree(tmp_path: Path) -> None:
    found: list[Comparison] = []
    for which in range(WORLDS):
        folder = tmp_path / str(which)
        folder.mkdir()
        with closing(World(folder, random.Random(f"worlds {SEED} {which}"))) as world:
            found.append(live_through(world))
    rows, checked, explained = (
        sum((getattr(one, what) for one in found), Counter[str]())
        for what in ("rows", "checked", "explained")
    )
    print(
        f"check: {dict(rows)}, {checked.total():,} {dict(checked)}; explain: {explained.total():,} {dict(explained)}"
    )
    # It would say nothing if there were one answer only.
    assert rows["accepted"] > 70 * WORLDS
    assert len(checked) > 8, sorted(checked)
    assert len(explained) > 8, sorted(explained)
