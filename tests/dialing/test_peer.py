"""After each login: flows first, then every open attempt settled by what the PBX knows, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from engine.channel import BUCKET_SECONDS, bucket_of, channel_id
from engine.dialing.astdb import KEEP_BUCKETS
from engine.dialing.peer import Peer
from engine.dialing.reconcile import CALM_LOOKS
from engine.dialing.running import Running
from engine.pbx_settings import PbxSettings
from engine.store import claims, outcomes, recovery
from engine.store.claimed import Claim, Claimant
from tests.ami.practice import SECRET, PracticePbx, block, listening
from tests.patience import PATIENCE

STARTED = "2026-11-24 03:29:12"
"""When the practice PBX says that it started."""


@pytest.fixture
async def pbx() -> AsyncIterator[PracticePbx]:
    async with listening() as practice:
        yield practice


@pytest.fixture
async def peer(desk, pbx: PracticePbx, tmp_path: Path) -> Peer:
    """In place of the desk's exchange: a connection to the practice PBX, not started yet."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    settings = PbxSettings(port=pbx.port, secret_file=secret, sounds_dir=Path("/sounds"), reconnect_max=0.5)
    found = Peer(
        "lab", settings, desk.settings, desk.agenda, desk.trunks, desk.ledger, desk.follower, desk.writer,
        lambda row: Running.to_settle(row, desk.settings), desk.dispatcher.wake, lambda: None, desk.clock, desk.log,
    )  # fmt: skip
    desk.exchange = found.ami
    return found


@contextlib.asynccontextmanager
async def connected(desk, peer: Peer, seconds: float = PATIENCE) -> AsyncIterator[None]:
    task = asyncio.create_task(peer.ami.run())
    try:
        await desk.until(lambda: peer.ami.up or task.done(), seconds)
        yield
    finally:
        assert not task.done(), task.exception()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def left_open(desk, *contacts, **manifest) -> list[Claim]:
    """Attempts of an engine that is gone: durable, in nobody's ledger."""
    campaign = await desk.campaign("spring", *contacts, **manifest)
    running = desk.agenda.campaigns[campaign]
    found = await desk.writer.submit(
        partial(
            claims.claim,
            claimants=[Claimant(campaign, running.rules, "flow", running.trunks, len(contacts))],
            slots=[desk.trunks.by_name["a"].slot] * len(contacts), last_attempt=0, now=desk.clock.now() - 30.0,
        )
    )  # fmt: skip
    assert len(found.claims) == len(contacts)
    return list(found.claims)


def keep(pbx: PracticePbx, claim: Claim, **entries: str) -> None:
    """What the dialplan wrote of this call."""
    for name, value in entries.items():
        key = name.lstrip("_")
        pbx.database[f"/volley/{bucket_of(claim.attempt)}/{channel_id(claim.attempt)}/{key}"] = value


def live(pbx: PracticePbx, claim: Claim, state: str) -> None:
    pbx.channels.append(
        {"Channel": "PJSIP/a-1", "ChannelState": state, "Uniqueid": channel_id(claim.attempt)}
    )


def dispositions(desk) -> dict[str, str | None]:
    return dict(
        desk.rows(
            "SELECT n.e164, a.disposition FROM attempts a JOIN numbers n ON n.id = a.number_id ORDER BY a.id"
        )
    )


async def test_every_open_attempt_is_settled_before_anything_is_dialed(desk, peer, pbx, person) -> None:
    found = await left_open(desk, *(person(row) for row in range(1, 7)))
    ringing, up, busy, answered, nothing, marked = found
    await desk.writer.submit(partial(recovery.note_started, pbx="lab", started=STARTED))
    for claim in found:
        if claim is not nothing:
            keep(pbx, claim, sent=str(int(claim.created_at)))
    live(pbx, ringing, "5")
    live(pbx, up, "6")
    keep(pbx, busy, end=f"17|Down|SIP 486|{int(claim.created_at) + 2}")
    keep(
        pbx, answered, _1="amd|HUMAN/HUMAN-1-1|5", _2="key|9@message|6", _3="optout|message|6",
        end=f"16|Up|SIP 200|{int(claim.created_at) + 9}",
    )  # fmt: skip
    desk.start()
    async with connected(desk, peer):
        # What left no trace is not decided at the first look, and holds up nobody else.
        assert [line["doubtful"] for line in desk.events("ami.connected")] == [2]
        assert [dispositions(desk)[claim.e164] for claim in (nothing, marked)] == [None, None]
        await desk.until(lambda: len(desk.events("ami.reconciled")) == 2)
        looks = [action for action in pbx.sessions[0].actions if action["Action"] == "CoreShowChannels"]
        assert len(looks) == CALM_LOOKS
        flows = pbx.sessions[0].named("DBPut")
        assert flows[0].items() >= {"Family": "volleyflow", "Key": "flow/max", "Val": "60"}.items()
        assert pbx.sessions[0].actions.index(flows[0]) < pbx.sessions[0].actions.index(looks[0])
        first, later = desk.events("ami.reconciled")
        assert {name: first[name] for name in ("lives", "ended")} == {"lives": 2, "ended": 2}
        assert {name: later[name] for name in ("not_sent", "unknown")} == {"not_sent": 1, "unknown": 1}
        await desk.until(lambda: dispositions(desk)[marked.e164])
        seen = dispositions(desk)
        assert [seen[claim.e164] for claim in (busy, answered, marked)] == [
            "BUSY",
            "ANSWERED_HUMAN",
            "UNKNOWN",
        ]
        assert seen[ringing.e164] is None
        assert desk.rows("SELECT count(*) FROM suppression") == [1]
        assert {live.claim.attempt: live.call.state for live in desk.ledger if live.claim in (ringing, up)} == {
            ringing.attempt: "ringing", up.attempt: "up"
        }  # fmt: skip
        # Only what was proven not to have been sent is dialed now, and as if for the first time.
        await desk.until(lambda: pbx.sessions[0].named("Originate"))
        await asyncio.sleep(0.05)
        [again] = pbx.sessions[0].named("Originate")
        assert nothing.e164 in again["Channel"]
        assert desk.rows("SELECT kind FROM attempts WHERE id = ?", int(again["ActionID"][1:], 16)) == [
            "first"
        ]
        # What lives goes on.
        pbx.sessions[0].tell(
            block("Event: Hangup", "ChannelState: 6", f"Uniqueid: {channel_id(up.attempt)}", "Cause: 16")
        )
        await desk.until(lambda: dispositions(desk)[up.e164] == "ANSWERED_UNSURE")
        assert desk.rows("SELECT started FROM pbxs") == [STARTED]


async def test_after_a_restart_of_asterisk_nothing_is_taken_for_not_sent(desk, peer, pbx, person) -> None:
    """AstDB reaches the disk a second late: a marker that is not there proves nothing."""
    [claim] = await left_open(desk, person(1))
    await desk.writer.submit(partial(recovery.note_started, pbx="lab", started="2026-11-23 00:00:00"))
    async with connected(desk, peer):
        assert dispositions(desk)[claim.e164] == "UNKNOWN"
        assert desk.events("ami.connected")[0]["restarted"]


async def test_a_restart_is_not_forgotten_when_the_settling_fails(desk, peer, pbx, person) -> None:
    [claim] = await left_open(desk, person(1))
    await desk.writer.submit(partial(recovery.note_started, pbx="lab", started="2026-11-23 00:00:00"))
    pbx.answers["DBGetTree"] = lambda session, action: block(
        "Response: Error", f"ActionID: {action['ActionID']}", "Message: Permission denied"
    )
    task = asyncio.create_task(peer.ami.run())
    await desk.until(lambda: desk.events("ami.failed"))
    assert dispositions(desk)[claim.e164] is None
    del pbx.answers["DBGetTree"]
    await desk.until(lambda: peer.ami.up)
    assert dispositions(desk)[claim.e164] == "UNKNOWN"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def rewrite(desk, campaign_id: int, **changes) -> None:
    """The campaign as another version of Volley might have stored it; this one does not take it up."""
    [stored] = desk.rows("SELECT manifest FROM campaigns WHERE id = ?", campaign_id)
    manifest = json.dumps(json.loads(stored) | changes)
    await desk.writer.submit(
        lambda connection: connection.execute(
            "UPDATE campaigns SET manifest = ? WHERE id = ?", (manifest, campaign_id)
        )
    )
    del desk.agenda.campaigns[campaign_id]


async def test_calls_of_a_campaign_with_unknown_words_are_settled_by_the_rest_of_it(
    desk, peer, pbx, person
) -> None:
    found = await left_open(desk, person(1), person(2), person(3), retry={"BUSY": {"delay": "1h"}})
    busy, answered, lives = found
    await desk.writer.submit(partial(recovery.note_started, pbx="lab", started=STARTED))
    for claim in found:
        keep(pbx, claim, sent=str(int(claim.created_at)))
    keep(pbx, busy, end=f"17|Down|SIP 486|{int(claim.created_at) + 2}")
    keep(
        pbx,
        answered,
        _1="key|9@message|6",
        _2="optout|message|6",
        end=f"16|Up|SIP 200|{int(claim.created_at) + 9}",
    )
    live(pbx, lives, "6")
    await rewrite(
        desk, busy.campaign_id, retry={"BUSY": {"delay": "1h", "wisdom": "much"}}, telepathy={"enabled": True}
    )
    async with connected(desk, peer):
        await desk.until(lambda: dispositions(desk)[answered.e164] and dispositions(desk)[busy.e164])
        assert dispositions(desk) == {
            busy.e164: "BUSY", answered.e164: "ANSWERED_HUMAN", lives.e164: None,
        }  # fmt: skip
        assert desk.rows("SELECT attempt_id FROM suppression") == [answered.attempt]
        [(state, due)] = desk.rows("SELECT state, due_at FROM contacts WHERE id = ?", busy.contact_id)
        assert state == "pending"
        assert due > desk.clock.now() + 3000
        desk.hang_up(lives.attempt, cause=16, sip=0, answered=True)
        await desk.until(lambda: dispositions(desk)[lives.e164])
    assert not desk.agenda.campaigns


async def test_a_pbx_is_not_dialed_while_its_calls_cannot_be_settled(desk, peer, pbx, person) -> None:
    [claim] = await left_open(desk, person(1))
    await rewrite(desk, claim.campaign_id, caller_id="a number of the future")
    task = asyncio.create_task(peer.ami.run())
    await desk.until(lambda: desk.events("ami.failed"))
    assert "spring" in desk.events("ami.failed")[0]["error"]
    assert "caller_id" in desk.events("ami.failed")[0]["error"]
    assert not task.done()
    assert dispositions(desk)[claim.e164] is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_happened_while_the_link_was_down_is_read_from_the_outbox(desk, peer, pbx, person) -> None:
    await desk.campaign("spring", person(1))
    async with connected(desk, peer):
        desk.start()
        await desk.until(lambda: pbx.sessions[0].named("Originate"))
        attempt = int(pbx.sessions[0].named("Originate")[0]["ActionID"][1:], 16)
        claim = desk.ledger.get(attempt).claim
        keep(pbx, claim, sent="5", _1="amd|HUMAN/HUMAN-1-1|6", _2="result|confirmed|7", end="16|Up|SIP 200|8")
        pbx.sessions[0].hang_up()
        await desk.until(lambda: desk.events("ami.lost"))
        await desk.until(lambda: peer.ami.up)
        await desk.until(lambda: desk.events("call.ended"))
    [line] = desk.events("call.ended")
    assert (line["disposition"], line["result"]) == ("ANSWERED_HUMAN", "confirmed")
    assert len(pbx.sessions[1].named("Originate")) == 0
    desk.check_idle()


async def test_reports_of_calls_that_are_long_stored_still_count(desk, peer, pbx, person) -> None:
    [claim] = await left_open(desk, person(1))
    outcome = outcomes.Outcome(
        claim.attempt,
        claim.contact_id,
        claim.campaign_id,
        claim.number_id,
        9.0,
        5.0,
        5.0,
        6.0,
        True,
        "ANSWERED_HUMAN",
        True,
    )
    await desk.writer.submit(partial(outcomes.finish, outcome=outcome))
    keep(pbx, claim, sent="5", _1="key|9@message|6", _2="optout|message|6", end="16|Up|SIP 200|8")
    async with connected(desk, peer):
        await desk.until(lambda: desk.rows("SELECT count(*) FROM call_events") == [2])
        assert desk.rows("SELECT attempt_id FROM suppression") == [claim.attempt]
    before = len(desk.events("optout.recorded"))
    async with connected(desk, peer):
        await desk.follower.backlog.settled()
    assert len(desk.events("optout.recorded")) == before == 1


async def test_the_outbox_is_emptied_of_what_is_stored_and_old(desk, peer, pbx, person) -> None:
    [claim] = await left_open(desk, person(1))
    now = int(desk.clock.now()) // BUCKET_SECONDS
    for bucket in (now - 9, now - 8, now):
        pbx.database[f"/volley/{bucket}/{channel_id(bucket)}/sent"] = "5"
    live(pbx, claim, "6")
    keep(pbx, claim, sent="5")
    async with connected(desk, peer):
        await peer.prune()
        await peer.prune()
        kept = {int(key.split("/")[2]) for key in pbx.database if key.startswith("/volley/")}
        assert kept == {bucket_of(claim.attempt), now}  # what is old and holds an open attempt stays

        desk.hang_up(claim.attempt)
        await desk.until(lambda: dispositions(desk)[claim.e164])
        pbx.database = {key: value for key, value in pbx.database.items() if key.split("/")[2] != str(now)}
        late = bucket_of(claim.attempt) < now - KEEP_BUCKETS // BUCKET_SECONDS
        await peer.prune()
        assert any(key.startswith("/volley/") for key in pbx.database) is not late


async def test_flows_of_what_is_over_are_dropped_and_those_of_live_calls_stay(
    desk, peer, pbx, person
) -> None:
    [claim] = await left_open(desk, person(1))
    pbx.database["/volleyflow/old/max"] = "60"
    live(pbx, claim, "6")
    keep(pbx, claim, sent="5")
    async with connected(desk, peer):
        desk.agenda.campaigns.clear()  # the campaign is over, its call lives
        await peer.prune()
        assert {key.split("/")[2] for key in pbx.database if key.startswith("/volleyflow/")} == {"flow"}
        desk.hang_up(claim.attempt)
        await desk.until(lambda: dispositions(desk)[claim.e164])
        await peer.prune()
        assert not [key for key in pbx.database if key.startswith("/volleyflow/")]
        assert not peer.has_flow("flow")


async def test_an_old_copy_of_the_database_dials_nobody(desk, peer, pbx, person) -> None:
    """A backup was restored: the PBX dialed calls that it does not know."""
    [claim] = await left_open(desk, person(1))
    await desk.campaign("summer", person(2))
    pbx.database[f"/volley/{bucket_of(claim.attempt)}/{channel_id(claim.attempt + 9)}/sent"] = "5"
    keep(pbx, claim, sent="5", end="17|Down|SIP 486|6")
    desk.start()
    async with connected(desk, peer):
        await asyncio.sleep(0.1)
        assert pbx.sessions[0].named("Originate") == []
        [line] = desk.events("store.older_than_pbx")
        assert (line["attempts"], sorted(line["paused"])) == (1, ["spring", "summer"])
        assert desk.rows("SELECT state FROM campaigns") == ["paused", "paused"]


async def test_a_pbx_that_left_the_settings_leaves_nobody_in_a_call_for_ever(desk, peer, pbx, person) -> None:
    [claim] = await left_open(desk, person(1))
    await peer.settlement.abandon()
    await desk.follower.backlog.settled()
    assert dispositions(desk)[claim.e164] == "UNKNOWN"
    assert desk.rows("SELECT state FROM contacts") == ["done"]
    desk.check_idle()


async def test_calls_whose_events_never_come_are_settled_by_the_reaper(desk, peer, pbx, person) -> None:
    """One lives on, one ended unheard of, one left a marker and nothing else: every channel is given back in the end."""
    await desk.campaign("spring", *(person(row) for row in range(1, 4)))
    async with connected(desk, peer):
        desk.start()
        await desk.until(lambda: len(pbx.sessions[0].named("Originate")) == 3)
        lives, ended, lost = (
            desk.ledger.get(int(action["ActionID"][1:], 16)) for action in pbx.sessions[0].named("Originate")
        )
        for one in (lives, ended, lost):
            keep(pbx, one.claim, sent=str(int(one.call.sent_at)))
        live(pbx, lives.claim, "6")
        keep(pbx, ended.claim, _1="result|confirmed|7", end=f"16|Up|SIP 200|{int(ended.call.sent_at) + 3}")
        for one in (lives, ended, lost):
            assert one.deadline > desk.clock.mono() + 25 + 12  # ringing and answering fit in before it
            one.deadline = desk.clock.mono() - 1.0
        await peer.settlement.reap([lives, ended, lost])
        await desk.follower.backlog.settled()
        seen = dispositions(desk)
        assert (seen[ended.claim.e164], seen[lost.claim.e164]) == ("ANSWERED_UNSURE", "UNKNOWN")
        assert lives.deadline > desk.clock.mono() + 60.0
        assert list(desk.ledger) == [lives]
        pbx.sessions[0].tell(
            block(
                "Event: Hangup",
                "ChannelState: 6",
                f"Uniqueid: {channel_id(lives.claim.attempt)}",
                "Cause: 16",
            )
        )
        await desk.until(lambda: len(desk.ledger) == 0)
    await desk.follower.backlog.settled()
    desk.check_idle()


async def test_a_hangup_while_we_look_does_not_overtake_what_was_pressed(desk, peer, pbx, person) -> None:
    """The call lives when its channel is listed, and ends while the outbox is being read: its key must not be lost."""
    [claim] = await left_open(desk, person(1))
    await desk.writer.submit(partial(recovery.note_started, pbx="lab", started=STARTED))
    live(pbx, claim, "6")
    keep(pbx, claim, sent="5", _1="play|message|6", _2="key|1@message|7", _3="result|confirmed|7")

    def hang_up_first(session, action):
        if action["Family"] != "volley" or "Key" in action:  # not the outbox
            answers, pbx.answers = pbx.answers, {}
            try:
                return pbx.answer(session, action)
            finally:
                pbx.answers = answers
        del pbx.answers["DBGetTree"]
        return block(
            "Event: Hangup", "ChannelState: 6", f"Uniqueid: {channel_id(claim.attempt)}", "Cause: 16"
        ) + pbx.answer(session, action)

    pbx.answers["DBGetTree"] = hang_up_first
    async with connected(desk, peer):
        await desk.until(lambda: desk.events("call.ended"))
    [line] = desk.events("call.ended")
    assert (line["result"], line["keys"], line["disposition"]) == ("confirmed", "1", "ANSWERED_HUMAN")
    assert desk.rows("SELECT count(*) FROM call_events") == [3]


async def test_the_pbx_is_told_where_calls_are_heard(desk, peer, pbx) -> None:
    peer.detector = "127.0.0.1:9092"
    desk.start()
    async with connected(desk, peer):
        told = {"Family": "volleydetector", "Key": "at", "Val": "127.0.0.1:9092"}
        put = [one for one in pbx.sessions[0].named("DBPut") if one["Family"] == "volleydetector"]
        assert [one.items() >= told.items() for one in put] == [True]
        peer.detector = "127.0.0.1:9093"
        await peer.tell_detector()
        put = [one for one in pbx.sessions[0].named("DBPut") if one["Family"] == "volleydetector"]
        assert [one["Val"] for one in put] == ["127.0.0.1:9092", "127.0.0.1:9093"]
