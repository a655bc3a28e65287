"""Tells one receiver what waits for it, beside everything else.

Three tasks: one brings rows from the outbox into memory, one hands them to workers as the receiver's health allows, and
one stores what came of it. A row leaves the outbox after the receiver took it, so a killed engine sends again what it
cannot prove: at least once, under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from engine.errors import StoreError, StoreFault
from engine.hook_settings import HookSettings
from engine.hooks import answers
from engine.hooks.answers import Answer, Health, Meaning
from engine.hooks.command import Command
from engine.hooks.lanes import Lanes
from engine.hooks.outbox import Clock, Outbox
from engine.hooks.post import Post
from engine.hooks.worker import Parcel, Worker
from engine.ops import log as events
from engine.ops.log import Log
from engine.store.hooks import Result, Row

WINDOW = 1000
"""Rows in memory at most."""
LOOK_EVERY = 0.25
"""Seconds between looks at the outbox: how long an event waits, at most, before it may be sent."""
TIDY_EVERY = 5.0
"""Seconds between looks at how much waits."""
STORE_EVERY = 0.5
"""Seconds between two looks at what came of tries: what a killed engine tells again."""
UNSTORED = 2000
"""Results that are not stored yet, at most: while the database cannot be written nothing more is sent."""
GRACE = 0.5
"""Seconds beyond its time-out that a sender gets to notice it by itself, and as many after it was cut off."""
STOP_PATIENCE = 1.0
"""Seconds that events under way get at the engine's end."""
STORE_RETRY = 1.0
BURST = 0.1
"""Seconds of the hook's rate that may be caught up at once: it is kept in steps of half of that, which costs less than evenness."""


class Courier:
    """Empties the outbox of one hook."""

    def __init__(
        self,
        name: str,
        settings: HookSettings,
        outbox: Outbox,
        dice: Callable[[], float],
        clock: Clock,
        log: Log,
    ) -> None:
        """Raises SettingsError when the secret cannot be read, OSError when the certificates cannot."""
        self._name = name
        self._settings = settings
        self._outbox = outbox
        self._dice = dice
        self._clock = clock
        self._log = log
        secret = "" if settings.url is None else settings.secret()
        self._senders = [
            Command(settings) if settings.url is None else Post(settings, secret, clock.now)
            for _ in range(settings.parallel)
        ]
        self._idle: list[Worker] = []
        self._health = Health()
        self._gone = False
        self._paced = float("-inf")
        """Monotonic instant at which the hook's rate allows the next event."""
        self._lanes: Lanes[Row] = Lanes()
        self._out: dict[int, asyncio.Task[None]] = {}
        """What is under way, by row."""
        self._work = asyncio.Event()
        """Something may have to be handed out."""
        self._news = asyncio.Event()
        """Something is to be stored."""

    def __repr__(self) -> str:
        return (
            f"<Courier {self._name} {self._lanes!r} out={len(self._out)} {self._outbox!r} {self._health!r}>"
        )

    async def run(self) -> None:
        """Until cancelled. Then what is under way gets a moment, and what came of it is stored."""
        workers = [
            Worker(f"hook-{self._name}-{at}", sender, self._free) for at, sender in enumerate(self._senders)
        ]
        self._idle[:] = workers
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (self._bring(), self._hand_out(), self._store()):
                    tasks.create_task(work)
        finally:
            if self._out:
                await asyncio.wait(self._out.values(), timeout=STOP_PATIENCE)
            for worker in workers:
                worker.close()
            for task in self._out.values():
                task.cancel()
            await asyncio.gather(*self._out.values(), return_exceptions=True)
            if self._outbox.results:
                with suppress(StoreError, TimeoutError):  # then they are told again after the next start
                    async with asyncio.timeout(STOP_PATIENCE):
                        await self._outbox.settle()

    # -- from the outbox -----------------------------------------------------------------------------------------------

    async def _bring(self) -> None:
        tidied = float("-inf")
        while True:
            try:
                if self._clock.mono() - tidied >= TIDY_EVERY:
                    tidied = self._clock.mono()
                    dropped = await self._outbox.tidy(self._out)
                    self._lanes.discard(dropped - self._out.keys(), self._clock.now())
                if len(self._lanes) <= WINDOW // 2 and not self._gone:
                    rows = await self._outbox.bring(WINDOW - len(self._lanes))
                    self._lanes.add(rows, self._clock.now())
                    if rows:
                        self._work.set()
            except StoreError as error:
                self._tell(error)
                await asyncio.sleep(STORE_RETRY)
            await asyncio.sleep(LOOK_EVERY)

    async def _store(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._outbox.settle()
            except StoreError as error:
                self._tell(error)
                await asyncio.sleep(STORE_RETRY)
            if self._outbox.results:
                self._news.set()
            self._work.set()
            await asyncio.sleep(STORE_EVERY)

    def _tell(self, error: StoreError) -> None:
        if not isinstance(error, StoreFault):  # that one is told by the writer's health
            self._log.error(events.STORE_FAILED, error=str(error), retry_in=STORE_RETRY)

    # -- to the receiver -----------------------------------------------------------------------------------------------

    async def _hand_out(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # One instant for the whole round: what is not yet by it is waited for, and not forgotten.
            mono = self._clock.mono()
            while (row := self._next(mono)) is not None:
                self._out[row.id] = asyncio.create_task(self._deliver(row, self._idle.pop()))
            self._work.clear()
            pause = self._pause(mono)
            timer = None if pause is None else loop.call_later(pause, self._work.set)
            await self._work.wait()
            if timer is not None:
                timer.cancel()

    def _room(self, mono: float) -> int:
        """How many more events may be under way now."""
        if self._gone or len(self._outbox.results) >= UNSTORED:
            return 0
        room = self._health.room(self._settings.parallel, mono) - len(self._out)
        return min(room, len(self._idle))

    def _next(self, mono: float) -> Row | None:
        """What may be sent now: as the rate, the receiver's health and the order of each lane allow."""
        if self._paced > mono or self._room(mono) <= 0:
            return None
        row = self._lanes.take(self._clock.now())
        if row is not None:
            self._paced = max(self._paced, mono - BURST) + 1.0 / self._settings.rate
        return row

    def _pause(self, mono: float) -> float | None:
        """Seconds until something may be sent of which nothing else tells; None when only news can."""
        rest = max(self._health.rests_until, self._paced) - mono
        if rest > 0:
            return max(rest, BURST / 2)
        due = self._lanes.next_due()
        return None if due is None or self._room(mono) <= 0 else max(0.01, due - self._clock.now())

    async def _deliver(self, row: Row, worker: Worker) -> None:
        began, sending = self._clock.mono(), False
        answer: Answer | None = None
        try:
            body = await self._outbox.body(row)
            if body is not None:
                parcel = Parcel(self._name, row.event, row.key.hex(), body)
                sending = True
                answer = await self._answer(worker.send(parcel), worker)
        except StoreError as error:
            self._tell(error)
            answer = Answer(Meaning.LATER, error=str(error))
        except Exception as error:  # a fault of ours in one event; the others go on
            self._log.exception(
                events.ENGINE_FAULT, what="an event could not be sent", about=row.event, id=row.key.hex(), error=repr(error)
            )  # fmt: skip
            answer = Answer(Meaning.LATER, error=f"a fault in Volley: {error!r}")
        del self._out[row.id]
        if not sending:
            self._idle.append(worker)
        if answer is None:
            self._end(row, "failed", "what it told of is not there any more")
        else:
            self._heard(row, answer, round(self._clock.mono() - began, 3))
        self._work.set()

    async def _answer(self, sending: asyncio.Future[Answer], worker: Worker) -> Answer:
        """What comes back, within the hook's time-out."""
        late = Answer(Meaning.LATER, error=f"no answer within {self._settings.timeout:g} s")
        loop, patience = asyncio.get_running_loop(), self._settings.timeout + GRACE
        timers = (
            loop.call_later(patience, worker.abort),
            # It may hang where nothing can cut it off (a name server): then it is of no use until it comes back.
            loop.call_later(patience + GRACE, _end, sending, late),
        )
        began = loop.time()
        try:
            answer = await sending
        finally:
            for timer in timers:
                timer.cancel()
        was_cut = loop.time() - began >= patience
        return late if was_cut and answer.meaning is not Meaning.TAKEN else answer

    def _free(self, worker: Worker) -> None:
        self._idle.append(worker)
        self._work.set()

    def _heard(self, row: Row, answer: Answer, seconds: float) -> None:
        """An answer has come: what follows for the event, and for the receiver."""
        was_ill = self._health.ill
        self._health.note(answer, self._clock.mono(), self._dice())
        row.tries += 1
        row.refused += answer.meaning is Meaning.REFUSED
        told = {"about": row.event, "id": row.key.hex(), "tries": row.tries, "seconds": seconds}
        if answer.meaning is Meaning.TAKEN:
            self._log.debug(events.HOOK_DELIVERED, status=answer.status, **told)
            if was_ill:
                self._log.info(events.HOOK_RECOVERED)
            self._end(row, "delivered")
        elif answers.gives_up(answer, row.refused):
            self._log.error(events.HOOK_FAILED, error=answer.error, final=True, **told)
            self._end(row, "failed", answer.error)
        else:
            row.due_at = self._clock.now() + answers.wait(row.tries, self._dice())
            self._lanes.again(row, self._clock.now())
            self._result(row, "again", answer.error)
            self._tell_failure(row, answer, told)

    def _tell_failure(self, row: Row, answer: Answer, told: dict[str, object]) -> None:
        if answer.meaning is Meaning.GONE:
            self._gone = True
            self._outbox.gone_at = self._clock.now()
            self._log.error(
                events.HOOK_FAILED,
                error=answer.error,
                off="nothing is sent until the engine's next start",
                **told,
            )
            return
        rest = self._health.rests_until - self._clock.mono()
        wait = max(row.due_at - self._clock.now(), rest)
        self._log.warning(events.HOOK_FAILED, error=answer.error, retry_in=round(wait, 1), **told)

    def _end(self, row: Row, how: Literal["delivered", "failed"], error: str = "") -> None:
        """This row is not sent any more."""
        self._lanes.done(row, self._clock.now())
        self._result(row, how, error)

    def _result(self, row: Row, how: Literal["delivered", "again", "failed"], error: str) -> None:
        self._outbox.results.append(Result(row, how, self._clock.now(), error))
        self._news.set()


def _end(sending: asyncio.Future[Answer], answer: Answer) -> None:
    if not sending.done():
        sending.set_result(answer)
