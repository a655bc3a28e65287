"""What the gate costs a call: by itself, and within a claim with all its queries.

    python -m bench.gate [--contacts 20000] [--rounds 5] [--listed 1000000]

`decide` is asked about contacts of several kinds with a past that is empty and lives in memory. Then the same American
advertisements are claimed from a real database, 50 a transaction: without lists, with two lists of a million numbers
(litigators, and one that the campaign names), and with the gate's share of it. All in one run and in turn, so that the
ratios hold on whatever machine; the commit is not counted. Figures are the median of the
rounds, in µs of processor time, which other work on the machine touches least.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from engine.contacts import Consent, Contact, consent_text
from engine.rules.book import standard_book
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.gate import UNLISTED, CampaignRules, Candidate, Listing, Used, decide
from engine.rules.hours import Hours
from engine.rules.numbers import Number
from engine.store import jobs, lists, loading, recovery
from engine.store.claimed import Claimant
from engine.store.claims import NO_LISTS, claim
from engine.store.database import migrate
from engine.store.jobs import NewCampaign
from engine.store.list_file import Description, Kind, Part, digest, file_name, write_list
from engine.store.listing import FOLDER, ListBook, Lists
from engine.store.ways import Slot

NOON = datetime(2026, 11, 24, 17, tzinfo=UTC).timestamp()
"""Noon in New York, six in Paris: a Tuesday, and open everywhere."""
AT_ONCE = 50
"""Contacts claimed in one transaction: more than a claim of a few hundred calls a second takes at a time."""
RULES = CampaignRules(
    running=True, start=0.0, end=None, hours=Hours([]), max_attempts=3, min_gap=60.0, max_callbacks=2,
    caller_ids=CallerIds([CallerId(f"+1{area}2000000", date(2026, 6, 1), (f"+1{area}",)) for area in range(201, 260)]
                         + [CallerId("+33162000001", date(2026, 6, 1))]),
    proof_days=400, purpose="marketing", topics=frozenset(), book=standard_book(), countries=frozenset({"US", "FR"}),
    ring=25.0, message=20.0,
)  # fmt: skip


def consent(which: int) -> Consent:
    """Everybody has one of their own, as in life: what was read of one row is of no use for the next."""
    return Consent("marketing", datetime(2026, 6, 1, tzinfo=UTC), "web form", f"crm/{which}", "written")


def american(which: int) -> Number:
    return Number(f"+1212{2_000_000 + which:07d}", "US", "fixed_or_mobile", ("America/New_York",))


def french(which: int) -> Number:
    return Number(f"+336{12_000_000 + which:08d}", "FR", "mobile", ("Europe/Paris",))


def practice(which: int) -> Number:
    return Number(f"+3319900{which % 10_000:04d}", "FR", "fixed", ("Europe/Paris",))


def candidates(number: Callable[[int], Number], count: int) -> list[Candidate]:
    """Contacts that nothing speaks against."""
    found = []
    for which in range(count):
        one = number(which)
        found.append(
            Candidate(
                e164=one.e164, region=one.region, kind=one.kind, zones=one.zones, suppressed=False, line_in_use=False,
                attempts=0, callback=False, callbacks=0, last_attempt_at=None, consent=consent_text(consent(which)),
            )
        )  # fmt: skip
    return found


class Blank:
    """A past in which nobody was called and no list is asked for: what the gate itself costs, without any query."""

    def attempts(self, scope: str, most: int, since: float) -> Sequence[float]:
        return ()

    def last(self, after: str) -> float | None:
        return None

    def lists(self, names: Sequence[str]) -> Listing:
        return UNLISTED

    def abandoned(self) -> tuple[int, int]:
        return 0, 0

    def suppressed(self, e164: str) -> bool:
        return False

    def today(self) -> Used:
        return Used()


def asked(rules: CampaignRules, contacts: Sequence[Candidate]) -> float:
    """µs of processor time for one answer of the gate, which must be yes."""
    past = Blank()
    begun = time.process_time()
    allowed = sum(decide(rules, one, past, NOON, ("a",)).allowed for one in contacts)
    took = time.process_time() - begun
    if allowed != len(contacts):
        raise SystemExit(f"the gate refused {len(contacts) - allowed} contacts: nothing was measured")
    return took / len(contacts) * 1e6


def books(path: Path, count: int) -> sqlite3.Connection:
    """A database with `count` Americans, all of them due."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    recovery.register(connection, ["lab"], {"a": "lab"})
    new = NewCampaign("c", "", "anna", "marketing", 50, NOON - 1, None, {"id": "c"}, "flow", {"max": "60"})
    found = jobs.begin_job(connection, job_id="j", fingerprint="j", source="j", campaign=new, now=NOON - 1)
    loading.add_contacts(
        connection, job_id="j", campaign_id=found, through_row=count, due_at=NOON - 1, reject_known_numbers=False,
        contacts=[
            Contact(row, None, (american(row),), None, None, consent(row), None, None, None, None, {}) for row in range(count)
        ],
    )  # fmt: skip
    jobs.close_job(connection, job_id="j", parsed=count, refused=0, now=NOON - 1)
    connection.execute("COMMIT")
    return connection


def shelf(state: Path, connection: sqlite3.Connection, count: int) -> ListBook:
    """Two lists of `count` numbers that none of the contacts is on."""
    (state / FOLDER).mkdir()
    kinds: tuple[tuple[str, Kind], ...] = (("litigators", "litigators"), ("own", "campaign"))
    for name, kind in kinds:
        path = state / FOLDER / file_name(name, 1)

        def describe(held: int, name: str = name, kind: Kind = kind) -> Description:
            parts = (Part("", "2026-11-20"),)
            return Description(name, kind, "", 1, "full", NOON, "anna", "", parts, held, held, 0, 0, ())

        block = list(range(12_130_000_000, 12_130_000_000 + 7 * count, 7))
        made = write_list(path, [block], describe)
        connection.execute("BEGIN IMMEDIATE")
        lists.swap(connection, made, path.stat().st_size, digest(path))
        connection.execute("COMMIT")
    return ListBook(state)


def claimed(connection: sqlite3.Connection, rules: CampaignRules, held: Lists, count: int) -> float:
    """µs of processor time for one call claimed. Everything is rolled back, so that each round finds the same."""
    slots = [Slot(1, 1, "a", lambda e164: e164)] * AT_ONCE
    claimant = Claimant(1, rules, "flow", frozenset("a"), AT_ONCE)
    connection.execute("BEGIN IMMEDIATE")
    claims = last = 0
    begun = time.process_time()
    while claims < count:
        found = claim(connection, [claimant], slots, last, NOON, held)
        if len(found.claims) != AT_ONCE:
            raise SystemExit(f"only {claims} contacts could be claimed: {found.refusals[:1]}")
        claims += AT_ONCE
        last = found.claims[-1].attempt
    took = time.process_time() - begun
    connection.execute("ROLLBACK")
    return took / claims * 1e6


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--listed", type=int, default=1_000_000)
    given = parser.parse_args()
    naming = replace(RULES, lists=("own",))
    with (
        tempfile.TemporaryDirectory() as made,
        closing(books(Path(made) / "volley.db", given.contacts)) as connection,
    ):
        held = shelf(Path(made), connection, given.listed)
        us = candidates(american, given.contacts)
        fr = candidates(french, given.contacts)
        zz = candidates(practice, given.contacts)
        count = given.contacts // AT_ONCE * AT_ONCE
        legs: dict[str, Callable[[], float]] = {
            "decide, US marketing": lambda: asked(RULES, us),
            "decide, FR marketing": lambda: asked(RULES, fr),
            "decide, practice": lambda: asked(replace(RULES, purpose="informational"), zz),
            "claim, no lists": lambda: claimed(connection, RULES, NO_LISTS, count),
            "claim, two lists": lambda: claimed(connection, naming, held, count),
        }
        figures: dict[str, list[float]] = {name: [] for name in legs}
        for _ in range(given.rounds):
            for name, leg in legs.items():
                figures[name].append(leg())
        held.close()
    whole = statistics.median(figures["claim, no lists"])
    for name, found in figures.items():
        middle = statistics.median(found)
        print(
            f"{name:<22}{middle:7.1f} µs a call   {min(found):.1f} to {max(found):.1f}   {middle / whole:5.2f} of a claim"
        )


if __name__ == "__main__":
    main()
