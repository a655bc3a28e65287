"""One receiver is told everything, whatever it does; and what it did not take is sent again."""

from __future__ import annotations

import asyncio
import hmac
import socket
import time

from engine.hooks import courier
from tests.hooks.conftest import Desk
from tests.hooks.receiver import SECRET, Receiver, Reply, Request


async def test_everything_arrives_once_and_leaves_the_outbox(desk: Desk, receiver: Receiver) -> None:
    ids = await desk.wait(300)
    desk.start(url=receiver.url)
    await desk.until(lambda: desk.waiting() == 0)
    assert sorted(receiver.ids) == sorted(ids)
    assert receiver.most <= 4
    assert len({request.connection for request in receiver.requests}) <= 4, "connections are kept"
    assert desk.rows("SELECT delivered, failed, dropped, error FROM hooks") == [(300, 0, 0, "")]
    await desk.until(lambda: len(desk.events("hook.delivered")) == 300)
    [line] = [line for line in desk.events("hook.delivered") if line["id"] == ids[0]]
    assert (line["status"], line["tries"], line["about"]) == (200, 1, "campaign.paused")
    more = await desk.wait(2)
    await desk.until(lambda: desk.waiting() == 0)
    assert sorted(receiver.ids[300:]) == sorted(more)


async def test_what_is_sent_is_signed(desk: Desk, receiver: Receiver) -> None:
    [key] = await desk.wait(1)
    desk.start(url=receiver.url + "?tenant=7")
    await desk.until(lambda: desk.waiting() == 0)
    [request] = receiver.requests
    assert request.path == "/volley?tenant=7"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Volley-Event"] == request.table["event"] == "campaign.paused"
    assert request.headers["Volley-Id"] == key
    stamp, _, signature = request.headers["Volley-Signature"].partition(",v1=")
    at = stamp.removeprefix("t=")
    assert abs(int(at) - time.time()) < 5
    assert signature == hmac.new(SECRET.encode(), at.encode() + b"." + request.body, "sha256").hexdigest()


async def test_what_is_told_is_as_of_the_moment_of_telling(desk: Desk, receiver: Receiver) -> None:
    """What waits in memory is put together when it goes: whoever was forgotten meanwhile is not in it."""
    receiver.behave = lambda request: Reply(503)
    await desk.wait(3)
    desk.start(url=receiver.url, parallel=1)
    await desk.until(lambda: receiver.requests)
    assert receiver.requests[0].table["title"] == ""
    await desk.writer.submit(lambda db: db.execute("UPDATE campaigns SET title = 'later'").rowcount)
    await desk.until(
        lambda: receiver.requests[-1].table["title"] == "later"
    )  # what was on its way before has arrived
    receiver.behave = lambda request: Reply()
    await desk.until(lambda: desk.waiting() == 0)
    assert {request.table["title"] for request in receiver.requests[-3:]} == {"later"}


async def test_what_is_not_there_any_more_is_given_up(desk: Desk, receiver: Receiver) -> None:
    await desk.wait(2)
    await desk.writer.submit(
        lambda db: db.execute("UPDATE hook_outbox SET subject = 99 WHERE id = 1").rowcount
    )
    desk.start(url=receiver.url, parallel=1)
    await desk.until(lambda: desk.waiting() == 0)
    assert len(receiver.requests) == 1
    assert desk.rows("SELECT error FROM hook_failed") == ["what it told of is not there any more"]


async def test_rows_of_a_lane_go_one_after_another(desk: Desk, receiver: Receiver) -> None:
    ids = await desk.wait(60, lane=lambda at: at % 3)
    failing = set(ids[:2])

    def behave(request: Request) -> Reply:
        if request.table["id"] in failing:
            failing.discard(request.table["id"])
            return Reply(status=503)
        return Reply(after=0.005)

    receiver.behave = behave
    desk.start(url=receiver.url, parallel=8)
    await desk.until(lambda: desk.waiting() == 0)
    assert receiver.most <= 3
    for lane in range(3):
        mine = [key for key in dict.fromkeys(reversed(receiver.ids)) if key in ids[lane::3]]
        assert mine[::-1] == ids[lane::3]


async def test_a_receiver_that_answers_500_is_left_alone_and_then_told(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.behave = lambda request: Reply(status=500)
    ids = await desk.wait(50)
    made = desk.start(url=receiver.url)
    await asyncio.sleep(2.0)
    tried = len(receiver.requests)
    assert 4 <= tried <= 12, "four at once, and then one at a time, more and more rarely"
    assert desk.waiting() == 50
    [error] = desk.rows("SELECT error FROM hooks")
    assert error == "answered 500 Internal Server Error"
    receiver.behave = lambda request: Reply()
    await desk.until(lambda: desk.waiting() == 0)
    assert set(receiver.ids) == set(ids)
    assert len(desk.events("hook.recovered")) == 1
    assert all(line["log_level"] == "warning" for line in desk.events("hook.failed"))
    assert "Health failures=0" in repr(made)


async def test_a_receiver_that_refuses_the_connection(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        await desk.wait(20)
        desk.start(url=f"http://127.0.0.1:{taken.getsockname()[1]}/")
        await desk.until(lambda: desk.events("hook.failed"))
        line = desk.events("hook.failed")[0]
        assert "Connection refused" in line["error"]
        assert line["retry_in"] >= 0.5
        assert desk.waiting() == 20


async def test_a_receiver_that_hangs_is_cut_off(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(after=60.0)
    await desk.wait(8)
    desk.start(url=receiver.url, timeout=0.3, parallel=2)
    begun = time.monotonic()
    await desk.until(lambda: desk.events("hook.failed"))
    assert time.monotonic() - begun < 3
    assert desk.events("hook.failed")[0]["error"] in ("no answer in time", "no answer within 0.3 s")
    begun = time.monotonic()
    await desk.stop()
    assert time.monotonic() - begun < courier.STOP_PATIENCE + 0.8, "what hangs does not hold up the end"


async def test_a_receiver_that_answers_byte_by_byte_is_cut_off(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(drip=b"HTTP/1.1 ")
    await desk.wait(1)
    desk.start(url=receiver.url, timeout=0.4)
    begun = time.monotonic()
    await desk.until(lambda: desk.events("hook.failed"))
    assert time.monotonic() - begun < 3
    assert desk.events("hook.failed")[0]["error"] == "no answer within 0.4 s"


async def test_an_answer_counts_even_when_its_body_does_not_end(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(drip=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    await desk.wait(1)
    desk.start(url=receiver.url, timeout=0.4)
    await desk.until(lambda: desk.waiting() == 0)
    assert len(receiver.requests) == 1


async def test_a_slow_receiver_is_told_at_its_pace(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(after=0.1)
    await desk.wait(40)
    desk.start(url=receiver.url, parallel=4)
    await desk.until(lambda: desk.waiting() == 0)
    assert receiver.most == 4
    assert desk.events("hook.failed") == []


async def test_a_hook_keeps_to_its_rate(desk: Desk, receiver: Receiver) -> None:
    await desk.wait(41)
    desk.start(url=receiver.url, rate=20)
    await desk.until(lambda: desk.waiting() == 0)
    times = sorted(request.at for request in receiver.requests)
    assert times[-1] - times[0] > 40 / 20 - 0.3
    assert max(sum(at <= other < at + 1.0 for other in times) for at in times) <= 24


async def test_what_a_receiver_refuses_is_given_up_and_listed(desk: Desk, receiver: Receiver) -> None:
    ids = await desk.wait(3)
    await desk.refuse(times=3)
    receiver.behave = lambda request: Reply(422 if request.table["id"] == ids[1] else 200)
    desk.start(url=receiver.url)
    await desk.until(lambda: desk.rows("SELECT 1 FROM hook_failed"))
    assert receiver.ids.count(ids[1]) == 2
    assert receiver.ids.count(ids[0]) == receiver.ids.count(ids[2]) == 1
    assert desk.rows("SELECT key, tries, error FROM hook_failed") == [
        (bytes.fromhex(ids[1]), 2, "answered 422 Unprocessable Entity")
    ]
    assert [line["log_level"] for line in desk.events("hook.failed")] == ["warning", "error"]
    assert desk.events("hook.failed")[-1]["final"] is True
    assert desk.waiting() == 0


async def test_a_redirect_is_not_followed(desk: Desk, receiver: Receiver) -> None:
    elsewhere = Receiver()
    try:
        receiver.behave = lambda request: Reply(307, {"Location": elsewhere.url})
        await desk.wait(1)
        desk.start(url=receiver.url)
        await desk.until(lambda: desk.events("hook.failed"))
        assert "redirects are not followed" in desk.events("hook.failed")[0]["error"]
        await asyncio.sleep(0.5)
        assert elsewhere.requests == []
    finally:
        elsewhere.close()


async def test_a_receiver_that_is_gone_is_told_nothing_more(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(410)
    await desk.wait(30)
    desk.start(url=receiver.url, parallel=1)
    await desk.until(lambda: desk.rows("SELECT gone_at FROM hooks") != [None])
    await desk.wait(5)
    await asyncio.sleep(1.5)
    assert len(receiver.requests) == 1
    assert desk.waiting() == 35
    [line] = desk.events("hook.failed")
    assert line["log_level"] == "error"
    assert "next start" in line["off"]
    await desk.stop()
    receiver.behave = lambda request: Reply()
    desk.start(url=receiver.url)
    await desk.until(lambda: desk.waiting() == 0)


async def test_retry_after_is_heeded(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: (
        Reply(429, {"Retry-After": "2"}) if len(receiver.requests) == 1 else Reply()
    )
    await desk.wait(10)
    desk.start(url=receiver.url, parallel=1)
    await desk.until(lambda: desk.waiting() == 0)
    first, second = receiver.requests[0], receiver.requests[1]
    assert second.at - first.at >= 1.95
    assert len(receiver.requests) == 11


async def test_a_kept_connection_that_the_far_end_closed_is_no_failure(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.behave = lambda request: Reply(
        headers={"Connection": "close"} if len(receiver.requests) % 2 else {}
    )
    await desk.wait(20)
    desk.start(url=receiver.url, parallel=1)
    await desk.until(lambda: desk.waiting() == 0)
    dropped = set()

    def behave(request: Request) -> Reply:
        if not dropped:
            dropped.add(request.connection)
            return Reply(drop=True)
        return Reply()

    receiver.behave = behave
    await desk.wait(1)
    await desk.until(lambda: desk.waiting() == 0)
    assert desk.events("hook.failed") == []
    assert len(receiver.requests) == 22


async def test_a_large_answer_is_thrown_away(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(body=b"x" * 3_000_000)
    await desk.wait(4)
    desk.start(url=receiver.url, parallel=1)
    await desk.until(lambda: desk.waiting() == 0)
    assert len({request.connection for request in receiver.requests}) == 4
    assert desk.events("hook.failed") == []


async def test_more_than_may_wait_drops_the_oldest(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(503)
    ids = await desk.wait(2500)
    desk.start(url=receiver.url, max_queue=100, parallel=1)
    await desk.until(lambda: desk.waiting() <= 101)
    assert desk.rows("SELECT dropped FROM hooks") == [2500 - desk.waiting()]
    await desk.until(lambda: desk.events("hook.dropped"))
    [line] = desk.events("hook.dropped")
    assert line["log_level"] == "error"
    assert line["dropped"] == 2500 - desk.waiting()
    receiver.requests.clear()
    receiver.behave = lambda request: Reply()
    await desk.until(lambda: desk.waiting() == 0)
    assert set(ids[-100:]) <= set(receiver.ids) <= {ids[0], *ids[-101:]}


async def test_what_has_waited_too_long_is_dropped(desk: Desk, receiver: Receiver) -> None:
    await desk.wait(2100, at=desk.clock.now() - 90.0)
    young = await desk.wait(3)
    desk.start(url=receiver.url, max_age=60.0)
    await desk.until(lambda: desk.waiting() == 0)
    assert sorted(receiver.ids) == sorted(young)
    assert [line["dropped"] for line in desk.events("hook.dropped")] == [2100]


async def test_a_stop_between_loses_nothing_and_what_was_taken_is_not_sent_again(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.behave = lambda request: Reply(after=0.02)
    ids = await desk.wait(400)
    for _ in range(3):
        desk.start(url=receiver.url)
        count = len(receiver.requests)
        await desk.until(lambda count=count: len(receiver.requests) > count + 20)  # type: ignore[misc]
        await desk.stop()
    desk.start(url=receiver.url)
    await desk.until(lambda: desk.waiting() == 0)
    assert sorted(receiver.ids) == sorted(ids)


async def test_tries_are_counted_over_a_stop(desk: Desk, receiver: Receiver) -> None:
    receiver.behave = lambda request: Reply(400)
    await desk.wait(1)
    desk.start(url=receiver.url)
    await desk.until(lambda: desk.rows("SELECT tries, refused FROM hook_outbox") == [(1, 1)])
    await desk.stop()
    await desk.refuse(times=4)
    desk.start(url=receiver.url)
    await desk.until(lambda: desk.rows("SELECT tries FROM hook_failed") == [2])


async def test_a_stop_does_not_wait_for_a_database_that_is_not_written_any_more(
    desk: Desk, receiver: Receiver
) -> None:
    desk.start(url=receiver.url)
    await asyncio.sleep(0.3)
    await desk.wait(3)
    desk.writing.cancel()
    await desk.until(lambda: len(receiver.requests) == 3)
    begun = time.monotonic()
    await desk.stop()
    assert time.monotonic() - begun < courier.STOP_PATIENCE + 1.0
    assert desk.waiting() == 3, "told again after the next start"


async def test_a_dead_receiver_holds_up_no_writer(desk: Desk, receiver: Receiver) -> None:
    """Hundreds of events come in while it hangs: their commits do not wait, and the courier writes next to nothing."""
    receiver.behave = lambda request: Reply(after=60.0)
    desk.start(url=receiver.url, timeout=0.3)
    before, longest = desk.writer.commits, 0.0
    for _ in range(300):
        begun = time.monotonic()
        await desk.wait(1)
        longest = max(longest, time.monotonic() - begun)
        await asyncio.sleep(0.005)
    assert desk.waiting() == 300
    assert longest < 1.0
    assert len(receiver.requests) <= 12
    assert desk.writer.commits - before <= 300 + 12
