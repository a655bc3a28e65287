"""The bare script over a real socket: what it counts as a call's end, and how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench import originate
from bench.bare_ami import actions, call
from engine.channel import attempt_of

LOGIN = b"Action: Login\r\nUsername: u\r\nSecret: s\r\n\r\n"
ACCEPTED = b"Asterisk Call Manager/9.0.0\r\nResponse: Success\r\nMessage: Authentication accepted\r\n\r\n"


def field(action: bytes, name: str) -> str:
    return next(
        line.partition(": ")[2] for line in action.decode().split("\r\n") if line.startswith(f"{name}: ")
    )


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A listener on loopback, by its port; `serve` has a connection until it returns or the caller goes."""
    over = asyncio.Event()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            await writer.wait_closed()
            over.set()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await over.wait()


@asynccontextmanager
async def manager(answers: dict[str, bytes]) -> AsyncIterator[int]:
    """An AMI that ends each call as `answers` says for the last digit of its number."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ACCEPTED)
        while True:
            action = await reader.readuntil(b"\r\n\r\n")
            answer = answers[field(action, "Channel").partition("@")[0][-1]]
            for piece in answer.replace(b"ID", field(action, "ActionID").encode()).split(b"|"):
                writer.write(piece)  # a message may come in several pieces
                await writer.drain()
                await asyncio.sleep(0)

    async with listening(serve) as port:
        yield port


ANSWERED = (
    b"Response: Success\r\nActionID: ID\r\nMessage: Originate successfully queued\r\n\r\n"
    b"Event: OriginateResponse\r\nActionID: ID\r\nResp|onse: Success\r\nUniqueid: ID\r\n\r\n"
    b"Event: Hangup\r\nUniqueid: ID\r\nCause: 16\r\n\r|\n"
)
BUSY = (
    b"Event: Hangup\r\nUniqueid: ID\r\nCause: 17\r\n\r\n"
    b"Event: OriginateResponse\r\nActionID: ID\r\nResponse: Failure\r\nUniqueid: ID\r\n\r\n"
)
NO_CHANNEL = b"Event: OriginateResponse\r\nActionID: ID\r\nResponse: Failure\r\nUniqueid: <null>\r\n\r\n"
REFUSED = b"Response: Error\r\nActionID: ID\r\nMessage: Channel not specified\r\n\r\n"
SOMEBODY_ELSE = b"Event: Hangup\r\nUniqueid: 1700000000.1\r\nCause: 16\r\n\r\n"


async def test_counts_each_way_in_which_a_call_ends() -> None:
    answers = {"0": ANSWERED, "1": SOMEBODY_ELSE + BUSY, "2": NO_CHANNEL, "3": REFUSED}
    numbers = originate.numbers(4) * 5
    async with manager(answers) as port:
        tally = await call("127.0.0.1", port, LOGIN, actions(originate.plainest(), numbers, 1), 3)
    assert (tally.calls, tally.answered, tally.failed, tally.refused) == (10, 5, 10, 5)
    assert tally.seconds > 0


async def test_a_refused_login_is_told() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"Asterisk Call Manager/9.0.0\r\nResponse: Error\r\nMessage: Authentication failed\r\n\r\n"
        )

    async with listening(refuse) as port:
        with pytest.raises(ConnectionError, match="refused the login"):
            await call("127.0.0.1", port, LOGIN, iter([]), 1)


async def test_a_lost_connection_is_told() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ACCEPTED)
        await reader.readuntil(b"\r\n\r\n")

    async with listening(leave) as port:
        with pytest.raises(ConnectionError, match="closed the connection"):
            await call("127.0.0.1", port, LOGIN, actions(originate.plainest(), originate.numbers(2), 1), 2)


async def test_nobody_to_call_ends_at_once() -> None:
    async with manager({}) as port:
        assert (await call("127.0.0.1", port, LOGIN, iter([]), 5)).calls == 0


def test_the_template_is_volleys_own_with_every_mark_filled_in() -> None:
    numbers = originate.numbers(300)
    made = list(actions(originate.same_as_volley("0123456789abcdef"), numbers, 1_790_000_000))
    ids = [field(action, "ActionID") for action in made]
    assert len(set(ids)) == len(ids)
    assert all(attempt_of(one) is not None for one in ids)
    for action, one, number in zip(made, ids, numbers, strict=True):
        text = action.decode()
        assert field(action, "ChannelId") == one
        assert field(action, "Channel") == f"PJSIP/{number}@bench"
        assert f"/{one}/sent)=" in text
        assert f"VOLLEY_ATTEMPT={one}" in text
        assert "+10000000000" not in text


@pytest.mark.parametrize("count", [0, 10_001])
def test_no_number_beyond_the_range_for_fiction(count: int) -> None:
    with pytest.raises(ValueError, match="reserved for fiction"):
        originate.numbers(count)
