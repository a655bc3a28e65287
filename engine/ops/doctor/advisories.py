"""Known security advisories of Asterisk, from the dated table beside this file. Pure but for reading it.

Knows versions as Asterisk prints them: `22.10.1+dfsg...`, `certified/20.7-cert5`. A distribution may have mended an older version
without changing its number; the findings say so.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

_CERTIFIED = re.compile(r"(\d+\.\d+)-cert(\d+)")
_PLAIN = re.compile(r"\d+(?:\.\d+)+")
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory of the table."""

    id: str
    what: str
    severity: str
    date: date
    cve: str = ""
    fixed: dict[str, str] = field(default_factory=dict)
    certified: dict[str, int] = field(default_factory=dict)
    only: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return f"github.com/asterisk/asterisk/security/advisories/{self.id}"

    def mended_in(self, version: str) -> str | None:
        """The version that mends this one; None when it is not affected."""
        own = number(version)
        if self.only:
            return "a newer one" if ".".join(map(str, own)) in self.only else None
        if (cert := _CERTIFIED.search(version)) is not None:
            mended = self.certified.get(cert[1])
            return (
                f"certified/{cert[1]}-cert{mended}" if mended is not None and int(cert[2]) < mended else None
            )
        for branch, first in self.fixed.items():
            if own[:1] == (int(branch),):
                return first if own < number(first) else None
        oldest = min(self.fixed, key=int)
        return self.fixed[oldest] if own[:1] < (int(oldest),) else None


@dataclass(frozen=True, slots=True)
class Table:
    """All advisories, and the day on which somebody last looked for new ones."""

    checked: date
    advisories: tuple[Advisory, ...]


@lru_cache(maxsize=1)
def table() -> Table:
    """The table beside this file."""
    found = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return Table(
        found["checked"],
        tuple(Advisory(**{**one, "only": tuple(one.get("only", ()))}) for one in found["advisory"]),
    )


def number(version: str) -> Version:
    """`22.10.1+dfsg` as (22, 10, 1); empty for what has no number, such as `GIT-master-1a2b3c`."""
    found = _PLAIN.search(version)
    return tuple(map(int, found[0].split("."))) if found else ()


def is_certified(version: str) -> bool:
    """Whether it is a version of Certified Asterisk."""
    return _CERTIFIED.search(version) is not None
