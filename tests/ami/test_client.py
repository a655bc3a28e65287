"""The connection to a PBX over a real loopback socket: login, actions, loss of every kind, and coming back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import uvloop

from engine.ami.client import AmiClient, LiveChannel
from engine.ami.connection import PING_EVERY, PING_TIMEOUT, Link
from engine.ami.encode import Originate
from engine.ami.protocol import Protocol
from engine.ami.session import Session
from engine.ami.tls import Tls
from engine.channel import (
    ChannelEvent,
    HungUp,
    InboundOptOut,
    OriginateFailed,
    Queued,
    Report,
    Ringing,
    Up,
    channel_id,
)
from engine.errors import (
    AmiActionFailed,
    AmiError,
    AmiLoginRefused,
    AmiTimeout,
    AmiUnreachable,
    Problem,
    RefusedField,
    SettingsError,
)
from tests.ami.practice import SECRET, PracticePbx, block, listening
from tests.patience import PATIENCE

IDS = [channel_id(0x01A2_0B9A_82C1_0000 + at) for at in range(200)]


def originate(at: int) -> bytes:
    return Originate(
        id=IDS[at], bucket=1, dial="PJSIP/+33199001001@carrier", context="volley-call", caller_number="+33162000001",
        caller_name="", timeout=37.0, account="spring", codecs=("alaw",), sent=1, flow="f", language="en", fields={},
    ).encode()  # fmt: skip


async def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 -- what is waited for happens at the other end of a socket
            await asyncio.sleep(0.005)


class Line:
    """A client at work, and what it told."""

    def __init__(
        self,
        port: int,
        secret: Callable[[], str] = lambda: SECRET,
        connected: Callable[[Link], Awaitable[None]] | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.events: list[ChannelEvent] = []
        self.links: list[Link] = []
        self.losses: list[str] = []
        self.failures: list[tuple[AmiError, float]] = []
        self._then = connected
        self.client = AmiClient(
            "lab", "127.0.0.1", port, "volley", secret, sink=self.events.append, connected=self._connected,
            lost=self.losses.append, failed=lambda error, wait: self.failures.append((error, wait)), backoff_max=0.8,
            tls=tls,
        )  # fmt: skip

    async def _connected(self, link: Link) -> None:
        assert not self.client.up  # nothing is originated before all is settled
        self.links.append(link)
        if self._then is not None:
            await self._then(link)


@contextlib.asynccontextmanager
async def at_work(line: Line) -> AsyncIterator[AmiClient]:
    task = asyncio.create_task(line.client.run())
    try:
        yield line.client
    finally:
        assert not task.done(), task.exception()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# -- coming up ---------------------------------------------------------------------------------------------------------


async def test_login(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        assert line.links == [Link("22.10.1", "2026-11-24 03:29:12")]
        assert pbx.sessions[0].named("Login")[0]["Events"] == "on"
    assert not client.up
    assert line.losses == []
    assert line.failures == []
    assert "s3cret" not in repr(vars(client))


async def test_a_refused_login_is_tried_again_ever_more_slowly(pbx: PracticePbx) -> None:
    line = Line(pbx.port, secret=lambda: "wrong")
    async with at_work(line) as client:
        await until(lambda: len(line.failures) == 2)
        assert not client.up
    assert [type(error) for error, _ in line.failures] == [AmiLoginRefused] * 2
    assert [str(error) for error, _ in line.failures] == ["Authentication failed"] * 2
    assert [wait for _, wait in line.failures] == [0.5, 0.8]
    assert line.links == []


async def test_nobody_listens() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    line = Line(port)
    async with at_work(line):
        await until(lambda: line.failures)
    assert isinstance(line.failures[0][0], AmiUnreachable)


async def test_a_connection_that_is_reset_at_once_is_told_at_once() -> None:
    """Also when the reset comes before the session has heard that it is connected: nobody waits for a login's answer then."""

    def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for late in (False, True) * 20:
        session = Session(
            host="127.0.0.1", port=port, username="volley", secret=SECRET, ping_delay=10**6,
            forgetable_actions=("login",), protocol_factory=lambda: Protocol({}, {}),
        )  # fmt: skip
        if late:  # the session hears of its connection last of all
            heard = session.connection_made
            session.connection_made = lambda done, heard=heard: asyncio.get_running_loop().call_later(
                0.02, heard, done
            )
        connecting = session.connect()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(AmiUnreachable):
                await session.ready
        connecting.cancel()
        session.close()
    server.close()
    await server.wait_closed()


async def test_a_secret_that_cannot_be_read_is_read_again_later(pbx: PracticePbx) -> None:
    secrets = iter([SettingsError([Problem("ami.secret", "cannot read the AMI secret")]), "s3cret"])

    def secret() -> str:
        found = next(secrets)
        if isinstance(found, SettingsError):
            raise found
        return found

    line = Line(pbx.port, secret)
    async with at_work(line) as client:
        await until(lambda: client.up)
    [(error, _)] = line.failures
    assert isinstance(error, AmiLoginRefused)
    assert "ami.secret" in str(error)


async def test_a_listener_that_hangs_up_at_once(pbx: PracticePbx) -> None:
    pbx.greets = False
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: line.failures)
        assert isinstance(line.failures[0][0], AmiUnreachable)
        pbx.greets = True
        await until(lambda: client.up)


async def test_a_connection_that_ends_before_asterisk_has_booted(pbx: PracticePbx) -> None:
    pbx.boots = False
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: pbx.sessions and pbx.sessions[0].actions)
        await asyncio.sleep(0.05)
        assert line.links == []  # logged in, and not booted
        pbx.boots = True
        pbx.sessions[0].hang_up()
        await until(lambda: client.up)
    assert [type(error) for error, _ in line.failures] == [AmiUnreachable]


async def test_what_is_done_at_the_login_may_fail(pbx: PracticePbx) -> None:
    async def first_time(link: Link) -> None:
        if len(line.links) == 1:
            raise AmiTimeout("no flows")

    line = Line(pbx.port, connected=first_time)
    async with at_work(line) as client:
        await until(lambda: client.up)
    assert [str(error) for error, _ in line.failures] == ["no flows"]
    assert len(pbx.sessions) == 2


async def test_the_connection_ends_while_something_is_done_at_the_login(pbx: PracticePbx) -> None:
    stopped = []

    async def first_time(link: Link) -> None:
        if len(line.links) == 1:
            pbx.sessions[0].hang_up()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                stopped.append(link)
                raise

    line = Line(pbx.port, connected=first_time)
    async with at_work(line) as client:
        await until(lambda: client.up)
    assert len(stopped) == 1
    assert [type(error) for error, _ in line.failures] == [AmiUnreachable]


# -- calls -------------------------------------------------------------------------------------------------------------


async def test_events_come_in_the_order_in_which_they_were_sent(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        expected: list[ChannelEvent] = []
        stream = b""
        for at, name in enumerate(IDS):
            attempt = int(name[1:], 16)
            stream += block("Event: Newstate", "ChannelState: 5", f"Uniqueid: {name}")
            stream += block("Event: VarSet", f"Uniqueid: {name}")
            stream += block("Event: Newstate", "ChannelState: 6", f"Uniqueid: {name}")
            stream += block("Event: OriginateResponse", f"ActionID: {name}", "Response: Failure", "Reason: 0")
            stream += block(
                "Event: UserEvent",
                "UserEvent: Volley",
                f"Attempt: {name}",
                f"Seq: {at}",
                "Kind: key",
                "Value: 9@m",
            )
            expected += [Ringing(attempt), Up(attempt), OriginateFailed(attempt, 0)]
            expected += [Report(attempt, at, "key", "9@m", 0.0)]
        session = pbx.sessions[0]
        for cut in range(0, len(stream), 997):
            session.tell(stream[cut : cut + 997])
            if cut % 7 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(line.events) == len(expected))
    began = time.time() - 10
    for event, meant in zip(line.events, expected, strict=True):
        if isinstance(event, Report):
            assert began < event.at <= time.time()
            assert replace(event, at=0.0) == meant
        else:
            assert event == meant


async def test_an_originate_is_acknowledged_through_the_sink(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        for at in range(50):
            client.write(originate(at))
        await until(lambda: len(line.events) == 50)
        assert line.events == [Queued(int(name[1:], 16)) for name in IDS[:50]]
        assert pbx.sessions[0].named("Originate")[7]["ActionID"] == IDS[7]
        assert client.backlog() == 0


async def test_a_hangup_is_stamped_with_the_time_of_its_coming(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        before = time.time()
        pbx.sessions[0].tell(
            block("Event: Hangup", "ChannelState: 0", f"Uniqueid: {IDS[0]}", "Cause: 17", "TechCause: 486")
        )
        await until(lambda: line.events)
    [event] = line.events
    assert isinstance(event, HungUp)
    assert (event.cause, event.sip, event.answered) == (17, 486, False)
    assert before <= event.at <= time.time()


# -- actions -----------------------------------------------------------------------------------------------------------


async def test_actions(pbx: PracticePbx) -> None:
    pbx.channels = [
        {"Channel": "PJSIP/carrier-00000001", "ChannelState": "5", "Uniqueid": IDS[0]},
        {"Channel": "PJSIP/carrier-00000002", "ChannelState": "6", "Uniqueid": IDS[1]},
        {"Channel": "PJSIP/office-00000003", "ChannelState": "6", "Uniqueid": "1795491005.12"},
    ]
    pbx.database = {
        f"/volley/2992485/{IDS[0]}/sent": "1795491005",
        f"/volley/2992485/{IDS[1]}/1": "amd|HUMAN/HUMAN-800-800|1795491007",
        "/volleyflow/f/max": "60",
    }
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        first, second = (int(name[1:], 16) for name in IDS[:2])
        assert await client.live_channels() == [
            LiveChannel(first, "PJSIP/carrier-00000001", ringing=True, up=False),
            LiveChannel(second, "PJSIP/carrier-00000002", ringing=False, up=True),
        ]
        kept = await client.evidence()
        assert kept[first].sent_at == 1795491005.0
        assert [report.value for report in kept[second].reports] == ["HUMAN/HUMAN-800-800"]

        assert await client.hang_up(IDS[0])
        assert not await client.hang_up(IDS[9])
        assert await client.redirect("PJSIP/carrier-00000002", "volley-early", "9")
        assert not await client.redirect("PJSIP/carrier-00000009", "volley-early", "9")
        assert (
            pbx.sessions[0].named("Redirect")[0].items()
            >= {"Context": "volley-early", "Exten": "9", "Priority": "1"}.items()
        )

        await client.put_flow("f2", {"max": "60", "n/message/key/9": "optout"})
        assert pbx.database["/volleyflow/f2/n/message/key/9"] == "optout"
        await client.drop_bucket(2992485)
        await client.drop_bucket(2992485)
        assert await client.evidence() == {}


async def test_people_who_call_back(pbx: PracticePbx) -> None:
    opt_outs: list[InboundOptOut] = []
    line = Line(pbx.port)
    line.client = AmiClient(
        "lab", "127.0.0.1", pbx.port, "volley", lambda: "s3cret", sink=line.events.append, connected=line._connected,
        lost=line.losses.append, failed=lambda error, wait: None, inbound=opt_outs.append,
    )  # fmt: skip
    wanted = {"33162000001/number": "+33162000001", "33162000001/ask": "/s/who&/s/ask"}
    pbx.database = {
        "/volleyinbound/33162000001/number": "+33162000001", "/volleyinbound/33162000001/key": "8",
        "/volleyinbound/33162000009/number": "+33162000009", "/volleyflow/1/max": "60",
        "/volley/inbound/17.1": "optout|+33199001001|33162000001|17", "/volley/inbound/17.2": "odd", "/volley/1/x/sent": "5",
    }  # fmt: skip
    async with at_work(line) as client:
        await until(lambda: client.up)
        await client.put_family("volleyinbound", wanted)
        kept = {key: value for key, value in pbx.database.items() if key.startswith("/volleyinbound/")}
        assert kept == {f"/volleyinbound/{key}": value for key, value in wanted.items()}
        assert pbx.database["/volleyflow/1/max"] == "60"
        written = len(pbx.sessions[0].named("DBPut")) + len(pbx.sessions[0].named("DBDel"))
        assert written == 3  # what was right already is left alone
        await client.put_family("volleyinbound", wanted)
        assert len(pbx.sessions[0].named("DBPut")) + len(pbx.sessions[0].named("DBDel")) == written

        waiting = InboundOptOut("17.1", "+33199001001", "33162000001", 17.0)
        assert await client.inbound_opt_outs() == ([waiting], ["17.2"])
        await client.drop_inbound("17.1")
        await client.drop_inbound("17.1")
        assert await client.inbound_opt_outs() == ([], ["17.2"])

        told = ["UserEvent: VolleyInbound", "Call: 18.1", "Number: 0199001001", "Called: 33162000001"]
        report = ["UserEvent: Volley", f"Attempt: {IDS[0]}", "Seq: 1", "Kind: play", "Value: message"]
        pbx.sessions[0].tell(block("Event: UserEvent", *told), block("Event: UserEvent", *report))
        await until(lambda: line.events)
        assert [(one.call, one.number, one.called) for one in opt_outs] == [
            ("18.1", "0199001001", "33162000001")
        ]
        assert [type(event) for event in line.events] == [Report]


async def test_who_does_not_take_calls_back_is_not_disturbed_by_them(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        told = ["UserEvent: VolleyInbound", "Call: 18.1", "Number: 0199001001", "Called: 33162000001"]
        pbx.sessions[0].tell(
            block("Event: UserEvent", *told),
            block("Event: Newstate", "ChannelState: 5", f"Uniqueid: {IDS[0]}"),
        )
        await until(lambda: line.events)
    assert len(line.events) == 1


async def test_many_actions_at_once_get_each_its_own_answer(pbx: PracticePbx) -> None:
    pbx.channels = [{"Channel": f"c{at}", "ChannelState": "5", "Uniqueid": IDS[at]} for at in range(0, 60, 2)]
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        found = await asyncio.gather(
            *(client.hang_up(IDS[at]) for at in range(60)), client.live_channels(), client.evidence()
        )
        assert found[:60] == [at % 2 == 0 for at in range(60)]
        assert len(found[60]) == 30


async def test_a_refused_list_is_an_error(pbx: PracticePbx) -> None:
    pbx.answers["DBGetTree"] = lambda session, action: block(
        "Response: Error", f"ActionID: {action['ActionID']}", "Message: Permission denied"
    )
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        with pytest.raises(AmiActionFailed, match="Permission denied"):
            await client.evidence()


async def test_a_flow_that_asterisk_does_not_take_is_an_error(pbx: PracticePbx) -> None:
    pbx.answers["DBPut"] = lambda session, action: block(
        "Response: Error", f"ActionID: {action['ActionID']}", "Message: Failed to update entry"
    )
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        with pytest.raises(AmiActionFailed, match="Failed to update entry"):
            await client.put_flow("f", {"max": "60"})


async def test_no_action_carries_a_line_break(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        sent = len(pbx.sessions[0].raw)
        for value in ("x\r\nAction: Originate", "x\n", "\0", "x" * 2000, "\udc80"):
            with pytest.raises(RefusedField):
                await client.hang_up(value)
            with pytest.raises(RefusedField):
                await client.put_flow("f", {"max": value})
        assert len(pbx.sessions[0].raw) == sent


async def test_without_a_connection_nothing_is_written() -> None:
    client = Line(1).client
    with pytest.raises(AmiUnreachable):
        client.write(originate(0))
    with pytest.raises(AmiUnreachable):
        await client.hang_up(IDS[0])
    with pytest.raises(AmiUnreachable):
        await client.live_channels()
    assert client.backlog() == 0


async def test_the_backlog_shows_a_pbx_that_does_not_read(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        pbx.listens.clear()
        action = originate(0)
        for _ in range(30):
            for _ in range(500):
                client.write(action)
            await asyncio.sleep(0)
            if client.backlog() > 100_000:
                break
        assert client.backlog() > 100_000
        pbx.listens.set()
        await until(lambda: client.backlog() == 0)


# -- loss --------------------------------------------------------------------------------------------------------------


async def test_a_closed_connection_is_lost_and_comes_back(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        pbx.sessions[0].hang_up()
        await until(lambda: line.losses)
        assert not client.up
        with pytest.raises(AmiUnreachable):
            client.write(originate(0))
        await until(lambda: client.up)
    assert line.losses == ["the connection was closed"]
    assert len(line.links) == 2


async def test_what_was_not_answered_is_not_sent_again(pbx: PracticePbx) -> None:
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
        pbx.silent = True
        for at in range(5):
            client.write(originate(at))
        waiting = [
            asyncio.create_task(work)
            for work in (
                client.hang_up(IDS[0]),
                client.put_flow("f", {"max": "60"}),
                client.live_channels(),
                client.evidence(),
            )
        ]
        await until(
            lambda: len(pbx.sessions[0].named("Originate")) == 5 and pbx.sessions[0].named("DBGetTree")
        )
        pbx.silent = False
        pbx.sessions[0].hang_up()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(result, AmiUnreachable)
        await until(lambda: client.up)
        await client.hang_up(IDS[1])
        await asyncio.sleep(0.1)
        later = pbx.sessions[1].actions
    assert [action["Action"] for action in later] == ["Login", "CoreSettings", "CoreStatus", "Hangup"]
    assert line.events == []


async def test_stopping_resets_the_connection(pbx: PracticePbx) -> None:
    """With a mere FIN Asterisk would still work off what it has received."""
    line = Line(pbx.port)
    async with at_work(line) as client:
        await until(lambda: client.up)
    await until(pbx.sessions[0].ended.is_set)
    assert pbx.sessions[0].reset


async def test_half_open_links_are_noticed_and_busy_ones_are_kept(pbx: PracticePbx) -> None:
    """One PBX says nothing any more, another answers no ping but sends events: only the first is given up."""
    dead, busy = Line(pbx.port), Line(pbx.port)
    async with at_work(dead):
        await until(lambda: dead.client.up)
        async with at_work(busy):
            await until(lambda: busy.client.up)
            await half_open(pbx, dead, busy)


async def half_open(pbx: PracticePbx, dead: Line, busy: Line) -> None:
    first_dead, first_busy = pbx.sessions
    pbx.silent = True
    fell_silent = time.monotonic()
    asked = asyncio.create_task(dead.client.hang_up(IDS[0]))
    while not dead.losses and time.monotonic() - fell_silent < PING_EVERY + PING_TIMEOUT + 2.5:
        first_busy.tell(block("Event: Newstate", "ChannelState: 5", f"Uniqueid: {IDS[0]}"))
        await asyncio.sleep(0.1)
    took = time.monotonic() - fell_silent
    assert dead.losses == ["no answer to a ping, nor anything else, within 4 seconds"]
    assert took <= PING_EVERY + PING_TIMEOUT + 1.5
    assert not dead.client.up
    assert busy.client.up
    assert busy.losses == []
    with pytest.raises(AmiTimeout, match="no answer to Hangup within 5 seconds"):
        await asked
    assert len(first_dead.named("Ping")) >= 1


def test_the_same_on_uvloop() -> None:
    """What the engine really runs on."""

    async def scenario() -> None:
        async with listening() as pbx:
            pbx.greets = False
            line = Line(pbx.port)
            async with at_work(line) as client:
                await until(lambda: line.failures)
                pbx.greets = True
                await until(lambda: client.up)
                for at in range(50):
                    client.write(originate(at))
                await until(lambda: len(line.events) == 50)
                assert not await client.hang_up(IDS[0])
                pbx.sessions[-1].hang_up()
                await until(lambda: line.losses)
                await until(lambda: client.up)
            await until(pbx.sessions[-1].ended.is_set)
            assert pbx.sessions[-1].reset
            assert [action["Action"] for action in pbx.sessions[-1].actions] == [
                "Login",
                "CoreSettings",
                "CoreStatus",
            ]

    uvloop.run(scenario())
