"""The carrier's behaviours, read from behaviours.toml: what a dialled number does and what Volley should make of it.

Knows the table and how it becomes dialplan. Refuses to know numbers (numbers.py) and how Asterisk is run.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("behaviours.toml")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table."""

    code: str
    """Two digits, BB of the dialled number."""
    name: str
    what: str
    disposition: str
    """What the first attempt ends with."""
    then: tuple[str, ...]
    """What the second, third, ... attempts end with; the last one stays. Empty: as the first."""
    sip: int | None
    """The SIP code that refuses the call, None when none does."""
    cause: int | None
    """The Q.850 cause that the PBX should see, None where the far end does not choose it."""
    keys: str
    """The keys that the callee presses, in order."""
    key_calls: tuple[int, ...]
    """The calls (1 is the first) on which they are pressed; empty: on every call."""
    dialplan: tuple[str, ...]

    def disposition_of(self, call: int) -> str:
        """The disposition expected of the `call`-th attempt to a number, from 1."""
        if call <= 1 or not self.then:
            return self.disposition
        return self.then[min(call - 2, len(self.then) - 1)]

    def keys_of(self, call: int) -> str:
        """The keys that the callee presses during the `call`-th call, from 1."""
        return self.keys if not self.key_calls or call in self.key_calls else ""


def parse(table: dict[str, Any]) -> dict[str, Behaviour]:
    """Behaviours by code from the parsed TOML. Raises ValueError for a code that is not two digits or an unknown key."""
    known = {"name", "what", "disposition", "then", "sip", "cause", "keys", "key_calls", "dialplan"}
    found: dict[str, Behaviour] = {}
    for code, row in table.items():
        if len(code) != 2 or not code.isdigit():
            raise ValueError(f"[{code}]: a behaviour is named by two digits")
        if extra := set(row) - known:
            raise ValueError(f"[{code}]: unknown {', '.join(sorted(extra))}")
        found[code] = Behaviour(
            code=code,
            name=row["name"],
            what=row["what"],
            disposition=row["disposition"],
            then=tuple(row.get("then", ())),
            sip=row.get("sip"),
            cause=row.get("cause"),
            keys=row.get("keys", ""),
            key_calls=tuple(row.get("key_calls", ())),
            dialplan=tuple(row["dialplan"]),
        )
    return found


@cache
def behaviour_table() -> dict[str, Behaviour]:
    """All behaviours by code, in the order of the table."""
    return parse(tomllib.loads(TABLE.read_text(encoding="utf-8")))


def dialplan(table: dict[str, Behaviour]) -> str:
    """The extensions of all behaviours, for the end of the context [carrier]."""
    lines: list[str] = []
    for row in table.values():
        lines.append(f"; {row.name}: {row.what}")
        for priority, step in enumerate(row.dialplan):
            lines.append(f"exten => {row.code},1,{step}" if priority == 0 else f" same => n,{step}")
        lines.append("")
    return "\n".join(lines)
