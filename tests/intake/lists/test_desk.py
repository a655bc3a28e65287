"""Requests about lists and people through the control door: real files, a real database with its writer, the real list
process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine.config import Settings
from engine.dialing.running import Running
from engine.halts import Halts
from engine.intake.asking import send
from engine.intake.control import Control
from engine.intake.lists.handover import hand_over
from engine.intake.steering_requests import CallRequest
from engine.ops.listed import check, everything, numbers
from engine.store import campaigns, claims, forgotten, outcomes, ways
from engine.store.database import open_writer
from engine.store.outcomes import Outcome
from engine.store.writer import Writer
from tests import log_lines
from tests.intake.processes import running
from tests.ops.filled import Books, person, settings_in
from tests.patience import PATIENCE

T = TypeVar("T")
A, B, C = "+12025550123", "+13035550124", "+12125550125"


class Clock:
    def now(self) -> float:
        return time.time()


async def no_call(request: CallRequest, asker: str) -> dict[str, Any]:
    raise AssertionError("nobody asked for one")


@dataclass
class Lines:
    """What was logged: (event, fields)."""

    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:
        self._take("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._take("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._take("error", event, fields)

    def _take(self, level: str, event: str, fields: dict[str, Any]) -> None:
        self.seen.append((event, fields))
        log_lines.wrong.extend(log_lines.line_faults({"event": event, "level": level, **fields}, part=True))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.seen if name == event]


@dataclass
class Door:
    """An engine's control door, and what is behind it."""

    settings: Settings
    writer: Writer
    log: Lines
    suppressed: list[int]
    folder: Path
    count: int = 0

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return hand_over(self.settings.engine.queue, path, name)

    def send(self, **request: Any) -> Path:
        self.count += 1
        return send(
            self.settings.engine.queue,
            {"by": "anna", "reason": "monthly", **request},
            f"r{time.time_ns()}-{self.count}",
        )

    async def ask(self, **request: Any) -> dict[str, Any]:
        return await self.reply(self.send(**request))

    async def reply(self, where: Path) -> dict[str, Any]:
        await until(where.exists)
        found: dict[str, Any] = json.loads(await asyncio.to_thread(where.read_text, "utf-8"))
        return found

    def importing(self, *files: str, **given: Any) -> dict[str, Any]:
        return {
            "action": "import_list", "list": "us-dnc", "kind": "registry", "jurisdiction": "US", "date": "2026-11-01",
            "files": list(files), **given,
        }  # fmt: skip

    def check(self, e164: str) -> list[str]:
        return [hit.list for hit in check(self.settings.database, self.settings.engine.state, e164).hits]

    def lists_folder(self) -> list[str]:
        return sorted(path.name for path in (self.settings.engine.state / "lists").iterdir())


@contextlib.asynccontextmanager
async def opened(settings: Settings, folder: Path, log: Lines) -> AsyncIterator[Door]:
    connection = await open_writer(settings.database)
    writer = Writer(connection, 0.0)
    writing = asyncio.create_task(writer.run())
    suppressed: list[int] = []
    control = Control(
        settings, writer, Clock(), log, changed=lambda: None, suppressed=suppressed.extend, unsuppressed=lambda ids: None,
        steered=lambda campaign, state: None, trunk_steered=lambda trunk, drained: None, halts=Halts(), cut_off=lambda: 0, call=no_call,
    )  # fmt: skip
    running = asyncio.create_task(control.run())
    try:
        yield Door(settings, writer, log, suppressed, folder)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        writer.close()
        await writing
        await connection.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_in(tmp_path)
    found.engine.state.mkdir(parents=True)
    return found


@pytest.fixture
async def door(settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(settings, tmp_path, Lines()) as found:
        yield found


async def filled(settings: Settings, fill: Callable[[Books], T]) -> T:
    """What `fill` makes of the database, before the engine opens it."""

    def work() -> T:
        books = Books(settings)
        try:
            return fill(books)
        finally:
            books.close()

    return await asyncio.to_thread(work)


async def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def builders() -> list[int]:
    """Process ids of the list processes that this very process has running."""
    return running("engine.intake.lists.builder")


# --- lists --------------------------------------------------------------------------------------------------------------


async def test_a_list_from_its_file_to_its_end(door: Door) -> None:
    reply = await door.ask(**door.importing(door.file("us.txt", "202,5550123\n303,5550124\n")))
    assert reply == {
        "ok": True, "list": "us-dnc", "version": 1, "date": "2026-11-01", "count": 2, "added": 2, "removed": 0, "idle": 0,
        "rows": 2, "unreadable": 0, "faults": [],
    }  # fmt: skip
    assert (door.check(A), door.check(C)) == (["us-dnc"], [])
    assert door.lists_folder() == ["us-dnc.1.list"]
    assert list((door.settings.engine.queue / "control" / "files").iterdir()) == [], (
        "what was handed over is gone"
    )
    reply = await door.ask(
        **door.importing(
            door.file("c.txt", "202,5550123,D\n212,5550125,A\n"), mode="change", date="2026-11-02"
        )
    )
    assert (reply["version"], reply["added"], reply["removed"]) == (2, 1, 1)
    assert (door.check(A), door.check(C)) == ([], ["us-dnc"])
    assert list(numbers(door.settings.database, door.settings.engine.state, "us-dnc")) == [C, B]
    assert door.lists_folder() == ["us-dnc.2.list"]
    (fields,) = door.log.of("list.imported")[1:]
    assert (fields["how"], fields["count"], fields["by"], fields["reason"]) == (
        "change",
        2,
        "anna",
        "monthly",
    )
    assert await door.ask(action="drop_list", list="us-dnc") == {"ok": True, "list": "us-dnc", "count": 2}
    assert (door.check(C), door.lists_folder()) == ([], [])
    reply = await door.ask(action="drop_list", list="us-dnc")
    assert reply["problems"][0]["what"] == "there is no list 'us-dnc'"
    reply = await door.ask(**door.importing(door.file("again.txt", "202,5550123\n")))
    assert (reply["ok"], reply["version"]) == (True, 4)
    rows = await door.writer.submit(
        lambda connection: connection.execute(
            "SELECT action, actor, subject FROM audit ORDER BY id"
        ).fetchall()
    )
    assert [(action, subject) for action, _, subject in rows] == [
        ("list.imported", "list us-dnc"), ("list.imported", "list us-dnc"), ("list.dropped", "list us-dnc"),
        ("list.imported", "list us-dnc"),
    ]  # fmt: skip
    assert all("anna" in actor for _, actor, _ in rows)


async def test_the_same_files_again_make_no_new_version(door: Door) -> None:
    first = await door.ask(**door.importing(door.file("us.txt", "202,5550123\n")))
    again = await door.ask(**door.importing(door.file("us.txt", "202,5550123\n")))
    assert (first["version"], again["version"], again["again"]) == (1, 1, True)
    newer = await door.ask(**door.importing(door.file("us.txt", "202,5550123\n"), date="2026-11-02"))
    assert newer["version"] == 2, "a registry that did not change is newer all the same"


async def test_what_is_wrong_changes_nothing_and_leaves_the_file(door: Door) -> None:
    await door.ask(**door.importing(door.file("us.txt", "202,5550123\n")))
    reply = await door.ask(**door.importing(door.file("bad.txt", "202,5550123\nnobody 1\n")))
    assert [one["where"] for one in reply["problems"]] == ["bad.txt, row 2", "rows"]
    assert door.check(A) == ["us-dnc"]
    assert [path.name for path in (door.settings.engine.queue / "control" / "files").iterdir()] == ["bad.txt"]
    reply = await door.ask(**door.importing("missing.txt", "../volley.db", date="2999-01-01"))
    assert reply["problems"][0]["where"].endswith("import_list.files.1")
    reply = await door.ask(**door.importing("missing.txt"))
    assert "there is no file 'missing.txt'" in reply["problems"][0]["what"]
    reply = await door.ask(**door.importing(door.file("f.txt", "202,5550123\n"), date="2999-01-01"))
    assert "in the future" in reply["problems"][0]["what"]
    reply = await door.ask(**door.importing("f.txt", kind="litigators", jurisdiction="CA", by=" "))
    assert [one["where"].partition(": ")[2] for one in reply["problems"]] == ["import_list.by"]
    reply = await door.ask(**door.importing("f.txt", kind="litigators"))
    assert [one["where"] for one in reply["problems"]] == ["us-dnc: kind"]
    assert door.lists_folder() == ["us-dnc.1.list"]


async def test_a_pause_does_not_wait_behind_a_list(door: Door) -> None:
    text = "".join(
        f"{202 + at // 800_000},{2_000_000 + at % 800_000 * 9:07d}\n" for at in range(600_000, 0, -1)
    )
    large = door.send(**door.importing(door.file("large.txt", text)))
    quick = await door.ask(action="suppress", numbers=[A], region="US")
    assert quick["ok"]
    assert not large.exists(), "the list is still being built"
    reply = await door.reply(large)
    assert reply["count"] == 600_000


async def test_an_engine_that_ends_meanwhile_does_it_the_next_time(
    settings: Settings, tmp_path: Path
) -> None:
    log = Lines()
    async with opened(settings, tmp_path, log) as door:
        text = "".join(f"202,{2_000_000 + at:07d}\n" for at in range(400_000))
        where = door.send(**door.importing(door.file("us.txt", text)))
        await until(lambda: builders() != [])
        for builder in builders():
            os.kill(builder, signal.SIGSTOP)  # a fast machine would be done before the engine ends
        assert not where.exists()
    assert not where.exists()
    await until(lambda: builders() == [])  # a machine that is busy takes its time to end what was killed
    assert log.of("control.rejected") == []
    leftovers = settings.engine.state / "lists" / "us-dnc.7.list"
    leftovers.write_bytes(b"half a list")
    async with opened(settings, tmp_path, log) as door:
        assert (await door.reply(where))["count"] == 400_000
        assert door.lists_folder() == ["us-dnc.1.list"]


async def test_a_list_that_was_damaged_is_found_at_the_start_and_blocks(
    settings: Settings, tmp_path: Path
) -> None:
    log = Lines()
    async with opened(settings, tmp_path, log) as door:
        await door.ask(**door.importing(door.file("us.txt", "202,5550123\n")))
    path = settings.engine.state / "lists" / "us-dnc.1.list"
    whole = path.read_bytes()
    path.write_bytes(whole[:9000] + bytes([whole[9000] ^ 1]) + whole[9001:])
    async with opened(settings, tmp_path, log) as door:
        await until(lambda: log.of("list.damaged"))
        found = check(settings.database, settings.engine.state, C)
        assert "SHA-256" in found.unusable[0].why
        reply = await door.ask(**door.importing(door.file("a.txt", "303,5550124\n"), mode="add"))
        assert "its present file is damaged" in reply["problems"][0]["what"]
        reply = await door.ask(**door.importing(door.file("b.txt", "303,5550124\n"), date="2026-11-02"))
        assert (reply["ok"], reply["version"]) == (True, 2)
        assert (door.check(A), door.check(B)) == ([], ["us-dnc"])
    (row,) = everything(settings.database, settings.engine.state, datetime.now(UTC).date(), whole=True)
    assert (row.unusable, row.version, row.versions, row.count) == ("", 2, 2, 1)


async def test_a_list_whose_file_went_is_mended_by_a_whole_one(door: Door) -> None:
    await door.ask(**door.importing(door.file("us.txt", "202,5550123\n")))
    (door.settings.engine.state / "lists" / "us-dnc.1.list").unlink()
    assert not (await door.ask(**door.importing(door.file("a.txt", "303,5550124\n"), mode="add")))["ok"]
    reply = await door.ask(**door.importing(door.file("b.txt", "303,5550124\n"), date="2026-11-02"))
    assert (reply["ok"], reply["version"], door.check(B)) == (True, 2, ["us-dnc"])


# --- people -------------------------------------------------------------------------------------------------------------


async def test_withdrawals_by_file(door: Door) -> None:
    text = "phone;name\n01 99 00 10 01;Ann\n12;Bob\n+33 1 99 00 10 02;Cy\n0199001001;Ann again\n"
    reply = await door.ask(action="suppress_file", files=[door.file("out.csv", text)], reason="letters")
    assert {key: reply[key] for key in ("ok", "numbers", "added", "rows", "unreadable")} == {
        "ok": True, "numbers": 3, "added": 2, "rows": 4, "unreadable": 1,
    }  # fmt: skip
    assert reply["faults"][0].startswith("out.csv, row 3: '12'")
    entry = check(door.settings.database, door.settings.engine.state, "+33199001002").entry
    assert entry is not None
    assert (entry.reason, entry.source, entry.actor) == ("letters", "file", "anna")
    assert all("faults" not in fields for fields in door.log.of("control.done")), "rows quote numbers"


async def test_withdrawals_hang_up_who_is_being_called(settings: Settings, tmp_path: Path) -> None:
    def fill(books: Books) -> claims.Claim:
        campaign = books.campaign("spring", [person(2, "+33199001001"), person(3, "+33199001002")])
        return books.claim(campaign)[0]

    claim = await filled(settings, fill)
    async with opened(settings, tmp_path, Lines()) as door:
        await door.ask(action="suppress_file", files=[door.file("out.txt", "+33199001001\n+33199001009\n")])
        assert door.suppressed == [claim.number_id]


async def test_forgetting_somebody(settings: Settings, tmp_path: Path) -> None:
    zoe = person(2, "+33199001001", external_id="a", fields={"NAME": "Zoe"})
    await filled(settings, lambda books: books.campaign("spring", [zoe], job="job-7"))
    async with opened(settings, tmp_path, Lines()) as door:
        where = door.send(action="forget", numbers=["01 99 00 10 01"], reason="letter")
        reply = await door.reply(where)
        assert reply == {"ok": True, "people": 1, "contacts": 1, "attempts": 0, "jobs": ["spring.toml"]}
        found = check(settings.database, settings.engine.state, "+33199001001")
        assert (found.forgotten, found.listed) == (True, True)
        kept = where.with_name(where.name.replace(".reply", "")).read_text(encoding="utf-8")
        assert "33199001001" not in kept
        assert "01 99" not in kept
        assert json.loads(kept)["numbers"] == ["1 forgotten"]
        assert "+33199001001" not in str(door.log.seen)
        trail = await door.writer.submit(
            lambda connection: connection.execute("SELECT action, details FROM audit ORDER BY id").fetchall()
        )
        assert [one[0] for one in trail][-1] == "number.forgotten"
        assert "33199001001" not in str(trail)
        reply = await door.ask(action="forget", numbers=["01 99 00 10 01", "12"], reason="letter")
        assert [one["where"] for one in reply["problems"]] == ["numbers, 2"]
        reply = await door.ask(action="unsuppress", numbers=["+33199001001"], reason="consent")
        assert not check(settings.database, settings.engine.state, "+33199001001").listed


async def test_who_is_in_a_call_is_forgotten_when_it_ends(settings: Settings, tmp_path: Path) -> None:
    def fill(books: Books) -> claims.Claim:
        return books.claim(books.campaign("spring", [person(2, "+33199001001", fields={"NAME": "Zoe"})]))[0]

    claim = await filled(settings, fill)
    async with opened(settings, tmp_path, Lines()) as door:
        where = door.send(action="forget", numbers=["+33199001001"], reason="letter")
        await until(lambda: door.suppressed)
        assert (await door.ask(action="suppress", numbers=["+33199001007"]))["ok"], "nothing waits behind it"
        await asyncio.sleep(0.6)
        assert not where.exists()
        ended = Outcome(
            attempt=claim.attempt, contact_id=claim.contact_id, campaign_id=claim.campaign_id, number_id=claim.number_id,
            dialed_at=claim.created_at, ended_at=time.time(), sent_at=None, answered_at=None, rang=False,
            disposition="CANCELLED", counted=False,
        )  # fmt: skip
        await door.writer.submit(lambda connection: outcomes.finish(connection, ended))
        assert (await door.reply(where))["attempts"] == 1
        rows = await door.writer.submit(
            lambda connection: connection.execute(
                "SELECT fields, e164 FROM contacts JOIN numbers n ON n.id = number_id"
            ).fetchall()
        )
        assert rows == [("{}", "erased:1")]


async def test_a_lost_key_stops_intake_of_new_numbers(door: Door) -> None:
    await door.ask(action="forget", numbers=["+33199001001"])
    (door.settings.engine.state / forgotten.KEY_FILE).unlink()
    reply = await door.ask(action="forget", numbers=["+33199001002"])
    assert "put it back from its backup" in reply["problems"][0]["what"]


# --- a race -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
async def test_no_claim_follows_the_commit_of_a_withdrawal(
    settings: Settings, tmp_path: Path, seed: int
) -> None:
    """Claims run while files of withdrawals come in: whoever was claimed had not been suppressed yet."""
    everyone = [f"+3319900{at:04d}" for at in range(400)]

    def fill(books: Books) -> tuple[int, Any, list[ways.Slot]]:
        campaign = books.campaign("spring", [person(at + 2, one) for at, one in enumerate(everyone)])
        return campaign, Running(campaigns.campaign(books.connection, campaign), settings), books.slots

    campaign, running, slots = await filled(settings, fill)
    async with opened(settings, tmp_path, Lines()) as door:
        gone = everyone[seed::3]
        where = door.send(action="suppress_file", files=[door.file("out.txt", "\n".join(gone) + "\n")])
        last, claimed = 0, []

        def claim(connection: Any) -> tuple[claims.ClaimResult, list[Any]]:
            """A claim, and who of those claimed had been suppressed when it was made."""
            claimant = claims.Claimant(campaign, running.rules, running.flow_version, running.trunks, 3)
            found = claims.claim(connection, [claimant], slots * 3, last, time.time())
            wrong = [
                connection.execute(
                    "SELECT 1 FROM suppression WHERE number_id = ?", (one.number_id,)
                ).fetchone()
                for one in found.claims
            ]
            return found, [one for one in wrong if one is not None]

        while not where.exists() and len(claimed) < len(everyone):
            found, wrong = await door.writer.submit(claim)
            assert wrong == []
            last = max([last, *(one.attempt for one in found.claims)])
            claimed += [(one.e164, one.created_at) for one in found.claims]
            await asyncio.sleep(0.001)
        await door.reply(where)
        query = "SELECT e164, since FROM suppression JOIN numbers n ON n.id = number_id"
        since = dict(await door.writer.submit(lambda connection: connection.execute(query).fetchall()))
    assert set(since) == set(gone)
    assert all(at <= since[e164] for e164, at in claimed if e164 in since)
