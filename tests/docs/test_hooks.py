"""The page about hooks: its events are all there, and its samples tell a good signature from a bad one."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.hook_settings import Event
from engine.hooks.signature import sign
from lab import packages
from tests.docs.pages import rows, section

SECRET, BODY = "correct horse", b'{"id":"1","note":"\xc3\xa9\n"}'
CASES: list[tuple[Callable[[float], str], bytes, bool]] = [
    (lambda now: sign(SECRET, BODY, now), BODY, True),
    (lambda now: sign(SECRET, BODY, now), BODY + b" ", False),
    (lambda now: sign("other", BODY, now), BODY, False),
    (lambda now: sign(SECRET, BODY, now - 400), BODY, False),
    (lambda now: sign(SECRET, BODY, now).replace("t=", "t=1"), BODY, False),
    (lambda now: sign(SECRET, BODY, now).partition(",")[0], BODY, False),
    (lambda now: "", BODY, False),
    (lambda now: "t=,v1=", BODY, False),
    (lambda now: "v1=é,t=x", BODY, False),
]
"""Header at an instant, body, and whether it is a good one."""


def sample(language: str) -> str:
    found = re.search(
        rf"^```{language}\n(.*?)^```$", section("hooks.md", "By HTTP"), re.MULTILINE | re.DOTALL
    )
    assert found
    return found[1]


def test_every_event_is_told() -> None:
    told = {
        word for row in rows(section("hooks.md", "Events")) for word in re.findall(r"`([a-z.]+)`", row[0])
    }
    assert told == set(Event)


@pytest.mark.parametrize(("header", "body", "good"), CASES)
def test_the_sample_in_python(header: Callable[[float], str], body: bytes, good: bool) -> None:
    names: dict[str, Any] = {}
    exec(sample("python"), names)
    assert names["valid"](SECRET.encode(), header(time.time()), body) is good


@pytest.mark.parametrize(("header", "body", "good"), CASES)
def test_the_sample_in_shell(header: Callable[[float], str], body: bytes, good: bool, tmp_path: Path) -> None:
    packages.need({"openssl": "openssl"}, print)
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    script = tmp_path / "valid.sh"
    script.write_text(sample("sh"), encoding="utf-8")
    done = subprocess.run(
        ["sh", str(script), str(secret), header(time.time())], input=body, check=False, capture_output=True
    )
    assert (done.returncode == 0) is good
