"""What a leg cost, read around it: processor time of Asterisk and of the callee, and the callee's count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import lab
from bench import pbx
from bench.callee import Callee
from bench.leg import Leg, problems


class Meter:
    """Reads once when it is made and once when the leg is over."""

    def __init__(self, state: lab.Lab, far: Callee) -> None:
        self._state = state
        self._far = far
        self._pbx = pbx.processor_time(state)
        self._callee = far.processor_time()

    def leg(
        self,
        caller: str,
        pair: int,
        numbers: Sequence[str],
        calls: int,
        seconds: float,
        processor: float,
        found: Iterable[str],
    ) -> Leg:
        """The leg's figures. `processor` is the caller's own, in seconds; `found` what the caller itself saw
        go wrong."""
        pbx_now, callee_now = pbx.processor_time(self._state), self._far.processor_time()
        arrivals = self._far.arrivals(len(numbers))
        each = 1000 / max(calls, 1)
        return Leg(
            caller=caller,
            pair=pair,
            calls=calls,
            arrived=len(arrivals.numbers),
            rate=arrivals.rate,
            busiest_second=arrivals.busiest_second,
            seconds=seconds,
            processor=processor * each,
            pbx=None if self._pbx is None or pbx_now is None else (pbx_now - self._pbx) * each,
            callee=(callee_now - self._callee) * each,
            problems=(*found, *problems(numbers, arrivals)),
        )
