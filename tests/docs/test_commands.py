"""Every command that a page tells is one that there is, with options that it has; and completion as the pages tell it, in a real shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.cli.program import app
from tests.docs.pages import DOCS, PAGES, section
from tests.ops.filled import Books, settings_in, toml_of

PROGRAM: Any = typer.main.get_command(app)
_OPTION = re.compile(r"--?[a-z][a-z-]*")


def told(page: Path) -> Iterator[str]:
    """Every call of `volley` in a page: lines of its shell examples, and what stands between backticks."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.findall(
                r"(?:^|-- |&& |[|(] ?|^[A-Z_]+=\S+ )(volley(?: [a-z-].*?)?)(?= [|>&#]|\)|$)", line
            )
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(one.split()) for one in re.findall(r"`(volley [^`]*)`", prose))


def problem(call: str) -> str:
    """What is wrong with a call; empty when nothing is. Only its command and the names of its options are looked at."""
    words = re.sub(
        r"\"[^\"]*\"|'[^']*'", "TEXT", call.replace("\\|", " ").replace("[", " ").replace("]", " ")
    ).split()[1:]
    command = PROGRAM
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        found = command.commands.get(words[0].rstrip(","))
        if found is None:
            return f"there is no command {words[0]!r}"
        command = found
        words = words[1:]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    wrong = [word for word in words if _OPTION.fullmatch(word) and word not in known]
    return f"it has no option {', '.join(wrong)}" if wrong else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_told_is_there(page: Path) -> None:
    wrong = {call: found for call in told(page) if (found := problem(call))}
    assert wrong == {}


def test_the_look_itself_sees_what_is_wrong() -> None:
    assert problem("volley dnc ad +33199001042") == "there is no command 'ad'"
    assert problem("volley status --wach") == "it has no option --wach"
    assert problem('volley pause shots --reason "it was --wrong"') == ""
    found = list(told(DOCS / "troubleshooting.md"))
    assert 'volley dnc add +33199001042 --reason "asked by telephone" --by anna' in found
    assert "volley doctor --wire" in found
    assert len(found) > 25


def test_the_index_has_every_page() -> None:
    linked = set(
        re.findall(r"\]\(([a-z-]+\.md)(?:#[^)]*)?\)", (DOCS / "README.md").read_text(encoding="utf-8"))
    )
    assert linked == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_completion_works_in_a_shell_as_it_is_told(tmp_path: Path) -> None:
    """Commands, options, and campaigns: those that are open first."""
    settings = settings_in(tmp_path)
    books = Books(settings)
    for name in ("shots-old", "shots-new", "other"):
        books.campaign(name, [])
    books.connection.execute("UPDATE campaigns SET closed_at = 1 WHERE name = 'shots-old'")
    books.connection.commit()
    books.close()
    config = toml_of(settings, tmp_path / "volley.toml")
    setup = re.search(
        r"^(_VOLLEY_COMPLETE=source_bash volley) >", section("operations.md", "Commands"), flags=re.MULTILINE
    )
    assert setup
    asked = f"""
eval "$({setup[1]})"
try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _volley_completion volley; echo "${{COMPREPLY[*]}}"; }}
try volley sta
try volley dnc im
try volley doctor --wi
try volley pause shots
VOLLEY_CONFIG=/nowhere.toml try volley pause shots
"""
    beside = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", asked], env={**os.environ, "PATH": f"{beside}:{os.environ['PATH']}", "VOLLEY_CONFIG": str(config)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["status", "import", "--wire", "shots-new shots-old", ""]
