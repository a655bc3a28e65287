"""Settings as the audit log keeps them: flat, key -> text, so that a change can be told as key, from, to.

Knows how a settings table becomes keys. A caller ID stands by a tag in place of its place in the list, so that
moving it changes nothing. No secret gets out: what a key's name or type calls one becomes a mark.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

_SECRET = re.compile(r"(?i)(secret|password|passphrase|token|api_?key|private_?key)$")
"""A key so called holds a secret. `secret_file` and `secret_env` hold where one is, not what."""
HIDDEN = "(secret)"


def flat(settings: BaseModel) -> dict[str, str]:
    """Every setting, defaults included, by its path: `limits.cps` -> `10.0`."""
    return dict(_walk("", settings.model_dump(mode="python")))


def fingerprint(settings: Mapping[str, str]) -> str:
    """SHA-256 of flat settings: the same exactly when nothing differs."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def tag(number: str) -> str:
    """A number of ours as a key: masked for people, and hashed so that two never share one."""
    return f"{number[:4]}••{number[-2:]}#{hashlib.sha256(number.encode()).hexdigest()[:12]}"


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, SecretStr | SecretBytes) or (_SECRET.search(path) and value is not None):
        yield path, HIDDEN
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield from _walk(f"{path}.{name}" if path else str(name), below)
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for at, one in enumerate(value, 1):
            named = isinstance(one, Mapping) and isinstance(one.get("number"), str)
            rest = {key: below for key, below in one.items() if key != "number"} if named else one
            yield from _walk(f"{path}.{tag(one['number']) if named else at}", rest)
    elif isinstance(value, list | tuple | set | frozenset):
        items = sorted(map(str, value)) if isinstance(value, set | frozenset) else list(map(str, value))
        yield path, json.dumps(items, ensure_ascii=False)
    else:
        yield path, json.dumps(value, ensure_ascii=False, default=str)
