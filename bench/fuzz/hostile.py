"""Fields as somebody would write them who wants to be more than data, and Originates full of them. From a seed: a run can be had
again."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from engine.ami.encode import Originate

PIECES = (
    "\r\n", "\n", "\r", "\r\n\r\n", "\0", "\x7f", "\x1b[2J", "\u2028", "\x85", "\udc80", "\ufeff", "é", "😀", "\uff05", "\uff0c",
    "Action: Command\r\nCommand: core stop now", "Variable: EVIL=1", "\r\nVariable: EVIL=1", "%0d%0aVariable: EVIL=1",
    "EVIL=1", ",EVIL=1", "\\,EVIL=1", '",EVIL=1,"', "(,EVIL=1)", "[,EVIL=1]", "),EVIL=1", '"', "\\", "'", "`", "&", "|", ";", "!",
    "${SHELL(touch /tmp/evil)}", "$[1+1]", "${EVAL(${X})}", "DB(volley/evil/x)=1", "SHELL(id)", "CHANNEL(hangup_handler_push)=evil,s,1",
    "../../etc/passwd", "sounds/../../x", "=", ",", "^", "~", "#", "<", ">", "<+33162009999>", '" <+33162009999> "',
    "(", ")", "[", "]", "{",
    "}", "%", "%%", "%00", "%zz", " ", "\t", "  ", "+", "-", "_", ".", "@", "/", ":", "0", "9", "A", "z", "VOLLEY_ATTEMPT=v0", "__EVIL",
)  # fmt: skip
"""What is put together to fields."""
PLAIN = ("Anna", "12:30", "Zoë", "10 rue de l'Hôpital", "42", "2026-11-24")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"


CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
SHORT = 60


@dataclass(frozen=True, slots=True)
class Case:
    """An Originate, and how many of its fields were made up."""

    call: Originate
    fields: int


class Hostile:
    """Makes them up."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._made = 0

    def text(self, *, carried: bool = False) -> str:
        """A value: most are short and hostile, some are plain, some are as long as a line or longer. `carried`: one that a call can
        carry, so that it must arrive."""
        dice = self._dice
        self._made += 1
        kind = dice.random()
        if kind < 0.1:
            found = dice.choice(PLAIN)
        elif kind < 0.2:
            found = "".join(chr(dice.randrange(0x110000)) for _ in range(dice.randrange(1, 12)))
        elif kind < 0.25 and not carried:
            found = dice.choice(("x", "é", "%", ",", "😀")) * dice.randrange(200, 1100)
        else:
            found = "".join(dice.choices(PIECES, k=dice.randrange(1, 7)))
        return CONTROL.sub("", found)[:SHORT] if carried else found

    def name(self, *, carried: bool = False) -> str:
        """A field's name: most are well-formed, all of those that are to arrive."""
        if carried or self._dice.random() < 0.8:
            self._made += 1
            return "".join(self._dice.choices(LETTERS, k=self._dice.randrange(1, 33)))
        return self.text()

    def case(self, serial: int, dial: str, context: str, *, carried: bool) -> Case:
        """An Originate; `carried`: one that must arrive, hostile in the contact's own data alone."""
        dice = self._dice
        before = self._made

        def part(usual: str) -> str:
            return self.text() if not carried and dice.random() < 0.03 else usual

        fields = {self.name(carried=carried): self.text(carried=carried) for _ in range(dice.randrange(1, 9))}
        spoken = {self.name(carried=carried): part("2026-11-24") for _ in range(dice.randrange(0, 3))}
        speech = tuple(
            part(f"speech-{serial % 2**32:08x}-{at}/{serial:032x}") for at in range(dice.randrange(0, 3))
        )
        call = Originate(
            id=part(f"v{serial:016x}"), bucket=serial // 600, dial=part(dial), context=part(context),
            caller_number=part("+33162000001"), caller_name=part("Health centre"), timeout=30.0, account=part("flu-shots"),
            codecs=(part("alaw"), "ulaw"), sent=serial, flow=part("0123456789abcdef"), language=part("fr"), fields=fields, spoken=spoken,
            formats=(part("AdBY"), part("kM")), start=part(""), speech=speech, no_callback=dice.random() < 0.1,
        )  # fmt: skip
        return Case(call, self._made - before)
