"""The tables of places: which area codes, postal codes and time zones a country's states have.

Knows what `us.toml`, `ca.toml`, `es.toml` and `fr.toml` beside it say, with their sources. A country without a table is taken as
a whole. Refuses to know the law. Pure: read once, when the module is loaded.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

FOLDER = Path(__file__).parent
FILES = ("us.toml", "ca.toml", "es.toml", "fr.toml")


@dataclass(frozen=True, slots=True)
class State:
    """A state, province or department: `code` (the last part of ISO 3166-2, or as its file says), `zones` all that it has."""

    code: str
    name: str
    zones: tuple[str, ...]
    region: str
    """The numbering plan's region that its numbers are in: the country's own, or that of a territory (PR)."""


@dataclass(frozen=True, slots=True)
class Table:
    """A country's states, and the ways to find them."""

    title: str
    region: str
    level: str
    """The country's own word for a state."""
    states: Mapping[str, State]
    by_area_code: Mapping[str, tuple[str, ...]]
    by_name: Mapping[str, str]
    """Names and codes, folded by `fold` -> code."""
    by_postal: Mapping[str, tuple[str, ...]]
    postal_code: re.Pattern[str]
    postal_example: str

    def of_region(self, region: str) -> tuple[str, ...]:
        """The states whose numbers are in a region of the numbering plan."""
        return tuple(code for code, state in self.states.items() if state.region == region)


def fold(text: str) -> str:
    """`text` without accents, case, and what is neither letter nor digit: how names are compared."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def _table(raw: dict[str, Any]) -> Table:
    states: dict[str, State] = {}
    by_area_code: dict[str, list[str]] = {}
    by_postal: dict[str, list[str]] = {}
    by_name: dict[str, str] = {}
    region: str = raw["region"]
    for code, row in raw["state"].items():
        states[code] = State(code, row["name"], tuple(row["zones"]), row.get("region", region))
        for area in row.get("area_codes", "").split():
            by_area_code.setdefault(area, []).append(code)
        for prefix in _prefixes(row["postal"]):
            by_postal.setdefault(prefix, []).append(code)
        for name in (code, f"{region}-{code}", row["name"]):
            by_name[fold(name)] = code
    return Table(
        title=raw["title"],
        region=region,
        level=raw["level"],
        states=MappingProxyType(states),
        by_area_code=MappingProxyType({area: tuple(found) for area, found in by_area_code.items()}),
        by_name=MappingProxyType(by_name),
        by_postal=MappingProxyType({prefix: tuple(found) for prefix, found in by_postal.items()}),
        postal_code=re.compile(raw["postal_code"]),
        postal_example=raw["postal_example"],
    )


def _prefixes(text: str) -> list[str]:
    """`"005 100-102"` -> `["005", "100", "101", "102"]`."""
    found: list[str] = []
    for part in text.split():
        first, _, last = part.partition("-")
        if first.isdigit():
            found.extend(f"{number:0{len(first)}d}" for number in range(int(first), int(last or first) + 1))
        else:
            found.append(part)
    return found


_TEXTS = {name: (FOLDER / name).read_bytes() for name in FILES}
_TABLES = [_table(tomllib.loads(text.decode("utf-8"))) for text in _TEXTS.values()]

TABLES: Mapping[str, Table] = MappingProxyType(
    {region: table for table in _TABLES for region in {state.region for state in table.states.values()}}
)
"""Region of the numbering plan -> the table of the country that it belongs to (PR -> the United States)."""

DIGEST = hashlib.sha256(b"".join(_TEXTS.values())).hexdigest()
"""Changes with any content of the tables."""
