"""Names of time zones and languages, as people write them, in their one usual form."""

from __future__ import annotations

import re
from functools import lru_cache

from engine.rules.hours import zone

_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")


@lru_cache(maxsize=2048)
def canonical_zone(name: str) -> str | None:
    """`name` when it is an IANA zone with a place in it (or UTC). Abbreviations such as EST know no daylight
    saving: refused."""
    if name.upper() == "UTC":
        return "UTC"
    written = name.strip().replace(" ", "_")
    if (
        "/" not in written
        or written.startswith(("Etc/", "SystemV/", "posix/", "right/", "/"))
        or zone(written) is None
    ):
        return None
    return written


@lru_cache(maxsize=2048)
def canonical_language(tag: str) -> str | None:
    """A BCP 47 tag of language, script and region in its usual case (`fr`, `en-GB`, `zh-Hant-TW`), or
    None."""
    match = _LANGUAGE.fullmatch(tag.strip())
    if match is None:
        return None
    parts = [
        match[1].lower(),
        *([match[2].title()] if match[2] else []),
        *([match[3].upper()] if match[3] else []),
    ]
    return "-".join(parts)
