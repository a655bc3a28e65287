"""Who is called, and what each of them does: a callee's behaviour follows from the last two digits of its number.

Knows the numbers of the lab's American range (+1 AAA 555 01BB, reserved for fiction) and one table. Both sides read it: the
callee acts by it, the books expect by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.numbers import AREA_CODES

CODES = 100
MOST = len(AREA_CODES) * CODES
"""As many different numbers as the range has."""

Act = Literal["answer", "refuse", "ring"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a callee does with an INVITE. Seconds."""

    name: str
    act: Act
    talk: float = 0.0
    """From the answer to the callee's own hanging up; 0: it waits for the PBX to hang up."""
    key: str = ""
    """Pressed once, some time after the answer."""
    first_call_only: bool = False
    """The key is pressed, or the refusal given, in the first call only; later calls are answered and hung up by the callee."""
    status: int = 200
    """Final status of a refusal."""
    rings: float = 0.0


PERSON = Behaviour("hangs up", "answer", talk=1.5)
_TABLE = (
    (40, PERSON),
    (15, Behaviour("presses 1", "answer", key="1")),
    (15, Behaviour("presses 9", "answer", key="9")),
    (5, Behaviour("presses 2", "answer", key="2", first_call_only=True)),
    (8, Behaviour("busy", "refuse", status=486)),
    (3, Behaviour("unallocated", "refuse", status=404)),
    (4, Behaviour("congested once", "refuse", status=503, first_call_only=True)),
    (3, Behaviour("declines", "refuse", status=603, rings=0.5)),
    (1, Behaviour("rings out", "ring")),
    (6, Behaviour("talks longer", "answer", talk=6.0)),
)
"""How many of a hundred numbers do what."""
_BY_CODE: list[Behaviour] = [one for share, one in _TABLE for _ in range(share)]
assert len(_BY_CODE) == CODES


def number(instance: int) -> str:
    """The E.164 number of person `instance`; neighbours differ in what they do."""
    area, code = divmod(instance, CODES)
    # 37 is prime to 100: the codes come in another order, so that a small campaign has some of everything.
    return f"+1{AREA_CODES[area]}55501{(code * 37) % CODES:02d}"


def behaviour(e164: str) -> Behaviour:
    """What the callee at this number does."""
    return _BY_CODE[int(e164[-2:])]
