"""What a callee does: the steps of a call, each as long after the one before as its share of ring or talk time.

The ways are those of the practice carrier that were recorded, in its words (lab/behaviours.toml).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One fact about a call. `ring` and `talk` are shares of those times that pass before it."""

    what: Literal["ring", "answer", "tell", "key", "end"]
    ring: float = 0.0
    talk: float = 0.0
    kind: str = ""
    """Of a report, or the digit of a key."""
    value: str = ""
    cause: int = 16
    sip: int = 0


RINGS, ANSWERS = Step("ring"), Step("answer", ring=1.0)
HUMAN = Step("tell", talk=0.2, kind="amd", value="HUMAN/HUMAN-700-306")
PLAYS = Step("tell", kind="play", value="message")


def _pressed(digit: str, *reports: tuple[str, str]) -> tuple[Step, ...]:
    told = (("key", f"{digit}@message"), *reports)
    return (
        RINGS, ANSWERS, HUMAN, PLAYS, Step("key", talk=0.5, kind=digit),
        *(Step("tell", kind=kind, value=value) for kind, value in told),
        Step("end", talk=0.3),
    )  # fmt: skip


WAYS: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "hangs-up-mid-message": (RINGS, ANSWERS, PLAYS, Step("end", talk=1.0)),
        "person": (
            RINGS, ANSWERS, HUMAN, PLAYS, Step("tell", talk=0.8, kind="result", value="heard"), Step("end"),
        ),
        "presses-1": _pressed("1", ("answer", "message=confirmed"), ("result", "confirmed")),
        "presses-9": _pressed("9", ("optout", "message"), ("result", "opted_out")),
        "voicemail": (
            RINGS, ANSWERS, Step("tell", talk=0.4, kind="amd", value="MACHINE/LONGGREETING-4479"),
            Step("tell", talk=0.3, kind="play", value="voicemail"),
            Step("tell", talk=0.3, kind="result", value="voicemail_left"), Step("end"),
        ),
        "busy": (Step("end", cause=17, sip=486),),
        "rejects": (RINGS, Step("end", ring=1.0, cause=21, sip=603)),
        "unallocated": (Step("end", cause=1, sip=404),),
        "congestion": (Step("end", cause=34, sip=503),),
        "unavailable": (RINGS, Step("end", ring=1.0, cause=19, sip=480)),
        "server-error": (Step("end", cause=38, sip=500),),
        "rings-out": (RINGS,),
    }
)  # fmt: skip
"""A way -> its steps. One without an end waits to be hung up."""


def mix(text: str) -> tuple[str, ...]:
    """`person=3,busy=1` -> ways in turn, well mixed: each comes as often as its share. Raises ValueError."""
    shares: list[tuple[str, int]] = []
    for part in text.split(","):
        name, _, share = part.partition("=")
        if name not in WAYS:
            raise ValueError(f"no such way: {name!r}; there are {', '.join(WAYS)}")
        shares.append((name, int(share or 1)))
    whole = sum(share for _, share in shares)
    if len(shares) == 1:
        return (shares[0][0],)
    # Each name at even distances: the one that is most behind its share comes next.
    given = dict.fromkeys((name for name, _ in shares), 0)
    order = []
    for at in range(1, whole + 1):
        name = max(shares, key=lambda one: one[1] * at / whole - given[one[0]])[0]
        given[name] += 1
        order.append(name)
    return tuple(order)


def first(ways: tuple[str, ...], count: int) -> list[str]:
    """The ways of the first `count` calls."""
    return list(islice(cycle(ways), count))
