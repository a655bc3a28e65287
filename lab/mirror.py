"""The Debian mirror that this machine's apt uses.

Knows the two forms of apt's sources (deb822 .sources, and one line an entry; sources.list(5)). Refuses to know any mirror
by name: what apt does not know is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lab.errors import LabError

APT = Path("/etc/apt")
_ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)$")


@dataclass(frozen=True, slots=True)
class Source:
    """One archive: where, which suites, which components."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]

    @property
    def is_debian_archive(self) -> bool:
        """A mirror of Debian's main archive: its path is `.../debian`, and it has `main`. Security and other archives are not."""
        path = urlsplit(self.uri).path.rstrip("/")
        security = any("security" in suite for suite in self.suites) or path.endswith("-security")
        return (
            "main" in self.components
            and not security
            and urlsplit(self.uri).scheme in {"http", "https", "file"}
        )


def one_line(text: str) -> Iterator[Source]:
    """The binary archives in a sources.list."""
    for line in text.splitlines():
        if found := _ONE_LINE.match(line.partition("#")[0]):
            yield Source(found["uri"], (found["suite"],), tuple(found["components"].split()))


def deb822(text: str) -> Iterator[Source]:
    """The binary archives in a .sources file."""
    for stanza in re.split(
        r"\n[ \t]*\n", "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    ):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1].isspace() and name:
                fields[name] += " " + line.strip()
            elif ":" in line:
                key, _, value = line.partition(":")
                name = key.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {
            "no",
            "false",
            "0",
        }:
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri, tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split())
            )


def sources(apt: Path = APT) -> list[Source]:
    """All that apt is set to use, one-line files first."""
    found: list[Source] = []
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.suffix in {".list", ".sources"} and path.is_file():
            reader = deb822 if path.suffix == ".sources" else one_line
            found.extend(reader(path.read_text(encoding="utf-8", errors="replace")))
    return found


def debian_mirror(known: Iterable[Source]) -> str:
    """The URI of a mirror of Debian's archive among `known`; one whose path ends in /debian before others.

    Raises LabError when there is none.
    """
    candidates = [source.uri for source in known if source.is_debian_archive]
    candidates.sort(key=lambda uri: not urlsplit(uri).path.rstrip("/").endswith("/debian"))
    if not candidates:
        raise LabError(f"apt knows no mirror of Debian's archive (looked in {APT}/sources.list and {APT}/sources.list.d): put an"
                       " asterisk of version 20 or newer on PATH, or start Docker, or add a Debian mirror to apt's sources")  # fmt: skip
    return candidates[0]
