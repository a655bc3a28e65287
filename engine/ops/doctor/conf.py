"""Asterisk's configuration files, read as Asterisk reads them: sections, templates, additions, includes.

For a PBX on this machine that AMI does not let us ask. Knows the syntax of main/config.c as far as settings go; `#exec` is
not run. A file that cannot be read is an error of its own, never an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SECTION = re.compile(r"\[([^\]]+)\]\s*(?:\(([^)]*)\))?")
_INCLUDE = re.compile(r"#(include|tryinclude)\s+[\"<]?([^\">]+)[\">]?\s*$")
DEEPEST = 10
"""Includes within includes; Asterisk's own limit (main/config.c, MAX_INCLUDE_LEVEL)."""

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Conf:
    """A configuration file: sections in order, the same name perhaps more than once."""

    sections: tuple[tuple[str, Options], ...] = ()

    def names(self) -> list[str]:
        """The sections' names, each once."""
        return list(dict.fromkeys(name for name, _ in self.sections))

    def options(self, section: str) -> list[tuple[str, str]]:
        """All (key, value) of a section, wherever it is continued."""
        return [option for name, options in self.sections if name == section for option in options]

    def all(self, section: str, key: str) -> list[str]:
        """Every value of `key`."""
        return [value for name, value in self.options(section) if name.lower() == key.lower()]

    def get(self, section: str, key: str, default: str = "") -> str:
        """The last value of `key`."""
        found = self.all(section, key)
        return found[-1] if found else default

    def yes(self, section: str, key: str, default: bool) -> bool:
        """A switch, as ast_true() reads it."""
        word = self.get(section, key).lower()
        return default if not word else word in {"yes", "true", "y", "t", "1", "on"}


def read(path: Path, etc: Path) -> Conf:
    """The file with all that it includes; names in includes count from `etc`. Raises OSError."""
    sections: list[tuple[str, list[tuple[str, str]]]] = []
    known: dict[str, list[tuple[str, str]]] = {}
    templates: set[str] = set()
    for line in _lines(path, etc, 0):
        if (found := _SECTION.match(line)) is not None:
            name, words = (
                found[1].strip(),
                [word.strip() for word in (found[2] or "").split(",") if word.strip()],
            )
            if "!" in words:
                templates.add(name)
            options = [
                option
                for word in words
                if word not in {"+", "!"}
                for option in known.get(word.lstrip("+"), [])
            ]
            sections.append((name, options))
            known.setdefault(name, options)
        elif sections and "=" in line:
            key, _, value = line.partition("=")
            sections[-1][1].append((key.strip(), value.removeprefix(">").strip()))
    return Conf(tuple((name, tuple(options)) for name, options in sections if name not in templates))


def files(path: Path, etc: Path) -> list[Path]:
    """The file and all that it includes, up to the first that cannot be read."""
    found: list[Path] = []
    with suppress(OSError):
        for _ in _lines(path, etc, 0, found):
            pass
    return found


def _lines(path: Path, etc: Path, depth: int, seen: list[Path] | None = None) -> Iterator[str]:
    """Lines without comments, includes in their place. `seen` takes the files."""
    if depth > DEEPEST:
        return
    if seen is not None:
        seen.append(path)
    text = re.sub(r";--(?!-).*?--;", "", path.read_text(encoding="utf-8", errors="replace"), flags=re.DOTALL)
    for whole in text.splitlines():
        line = re.sub(r"(?<!\\);.*", "", whole).replace("\\;", ";").strip()
        if (found := _INCLUDE.match(line)) is not None:
            name = found[2].strip()
            # A pattern may match nothing; a name may be missing, and Asterisk then leaves out the whole file: so do we, loudly.
            if any(sign in name for sign in "*?["):
                paths = sorted(Path("/").glob(name[1:]) if name.startswith("/") else etc.glob(name))
            else:
                paths = [etc / name]
            for one in paths:
                if found[1] == "include" or one.exists():
                    yield from _lines(one, etc, depth + 1, seen)
        elif line and not line.startswith("#"):
            yield line
