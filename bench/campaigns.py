"""What thousands of open campaigns cost a call: the agenda and the claim, with few campaigns and with many.

    python -m bench.campaigns [--few 10] [--many 5000] [--calls 400] [--at-once 1] [--rounds 5]

Two real databases with as many contacts each, all of them due, and the dialer's own agenda over each. A round makes calls in
both, in turn: who has something due, by which trunks, whose turn is it, the claim of a contact (of `--at-once` contacts), each
put down as served. A claim of several costs more where campaigns are small: each is asked for its own. Then what it costs to
take up that something of the open campaigns has changed. Everything in one run, so that the ratios hold on whatever machine;
commits are not counted. Figures are the median of the rounds, in µs of processor time.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from engine.config import Settings
from engine.contacts import Contact
from engine.dialing.agenda import Agenda
from engine.dialing.agents import Agents
from engine.dialing.dispatcher import HORIZON
from engine.dialing.running import NEVER
from engine.rules.numbers import Number
from engine.store import campaigns, jobs, loading, recovery
from engine.store.claims import claim
from engine.store.database import migrate
from engine.store.jobs import NewCampaign
from engine.store.ways import Slot

CONTACTS = 10_000
"""As many as there are practice numbers, which may be called at any time."""
SETTINGS = Settings.model_validate(
    {
        "limits": {"max_channels": 100_000, "cps": 1000},
        "pbx": {"lab": {"secret_env": "X", "sounds_dir": "/sounds"}},
        "trunk": {"a": {"pbx": "lab", "dial": "PJSIP/{number}@a", "max_channels": 100_000, "cps": 1000}},
        "caller_id": [{"number": "+33162000001", "owner": "Anna", "proof": "2026-01-01"}],
    }
)
MANIFEST = {
    "owner": "Anna",
    "purpose": "informational",
    "caller_id": ["+33162000001"],
    "window": [{"from": "00:00", "to": "00:00"}],
    "message": {"prompts": ["hello.wav"]},
}


class World:
    """An engine's books and agenda with so many campaigns."""

    def __init__(self, path: Path, count: int) -> None:
        self.count = count
        self.now = time.time()
        self.mono = 1000.0
        self.last = 0
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        migrate(self.connection)
        self.connection.execute("BEGIN IMMEDIATE")
        ids = recovery.register(self.connection, ["lab"], {"a": "lab"})
        self.slot = Slot(*ids["a"], "a", lambda e164: e164)
        for which in range(count):
            self._campaign(which, CONTACTS // count)
        self.connection.execute("COMMIT")
        self.agenda = Agenda(SETTINGS, Agents({}))
        begun = time.process_time()
        self.agenda.refresh(campaigns.open_campaigns(self.connection))
        self.opened = time.process_time() - begun

    def _campaign(self, which: int, contacts: int) -> None:
        name, due = f"c{which}", self.now - 60.0
        new = NewCampaign(
            name, "", "anna", "informational", 50, due, None, {**MANIFEST, "id": name}, "flow", {"max": "60"}
        )
        found = jobs.begin_job(
            self.connection, job_id=name, fingerprint=name, source=name, campaign=new, now=due
        )
        numbers = [
            Number(f"+3319900{which * contacts + at:04d}", "FR", "fixed", ("Europe/Paris",))
            for at in range(contacts)
        ]
        loading.add_contacts(
            self.connection, job_id=name, campaign_id=found, through_row=contacts, due_at=due, reject_known_numbers=False,
            contacts=[Contact(row, None, (one,), None, None, None, None, None, None, None, {}) for row, one in enumerate(numbers)],
        )  # fmt: skip
        jobs.close_job(self.connection, job_id=name, parsed=contacts, refused=0, now=due)

    def calls(self, count: int, at_once: int) -> tuple[float, float]:
        """µs of processor time a call: of the agenda, and of the claim."""
        agenda = claims = 0.0
        made = 0
        self.connection.execute("BEGIN IMMEDIATE")
        while made < count:
            self.now += 0.01
            self.mono += 0.01
            begun = time.process_time()
            if self.agenda.wait(self.now, self.mono, HORIZON) > 0:
                raise SystemExit("nothing is due: nothing was measured")
            trunks = self.agenda.trunks(self.now, self.mono, HORIZON)
            chosen = self.agenda.claimants(self.now, self.mono, HORIZON, trunks, 2 * at_once + 2)
            for running, _ in chosen:
                running.next_due = NEVER
            agenda += time.process_time() - begun
            begun = time.process_time()
            slots = [self.slot] * at_once
            found = claim(self.connection, [one for _, one in chosen], slots, self.last, self.now)
            claims += time.process_time() - begun
            begun = time.process_time()
            for running, _ in chosen:
                at = found.exhausted.get(running.id, self.now)
                if at is not None:
                    running.due(at)
            for one in found.claims:
                self.agenda.serve(self.agenda.campaigns[one.campaign_id], self.mono)
            agenda += time.process_time() - begun
            if len(found.claims) != at_once:
                raise SystemExit(f"only {len(found.claims)} of {at_once} contacts could be claimed")
            self.last = found.claims[-1].attempt
            made += at_once
        self.connection.execute("ROLLBACK")
        return agenda / made * 1e6, claims / made * 1e6

    def change(self) -> float:
        """µs of processor time to take up that one campaign of all was paused."""
        begun = time.process_time()
        known = frozenset(self.agenda.campaigns)
        found = campaigns.changes(self.connection, known, self.now + 3600.0)
        self.agenda.update(found.states, found.new, found.grown)
        return (time.process_time() - begun) * 1e6


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=5000)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        worlds = [World(Path(made) / f"{count}.db", count) for count in (given.few, given.many)]
        figures: dict[str, list[list[float]]] = {
            name: [[], []] for name in ("agenda", "claim", "both", "taking up a change")
        }
        for _ in range(given.rounds):
            for at, world in enumerate(worlds):
                agenda, claims = world.calls(given.calls, given.at_once)
                for name, value in (
                    ("agenda", agenda), ("claim", claims), ("both", agenda + claims),
                    ("taking up a change", world.change()),
                ):  # fmt: skip
                    figures[name][at].append(value)
        for world in worlds:
            with closing(world.connection):
                print(f"{world.count:,} campaigns opened in {world.opened:.2f} s of processor time")
    print(f"{'µs of processor time':<22}{given.few:>10,}{given.many:>10,}   ratio")
    for name, (few, many) in figures.items():
        low, high = statistics.median(few), statistics.median(many)
        print(f"{name:<22}{low:10.1f}{high:10.1f}{high / low:8.2f}")


if __name__ == "__main__":
    main()
