"""Every recipe of docs/logs.md, run on lines that the real logger wrote."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.ops import log
from tests import log_lines
from tests.docs.pages import DOCS

RECIPES = re.findall(
    r"^```sh (jq|journal)\n# ([^\n]*)\n(.*?)^```$",
    (DOCS / "logs.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE | re.DOTALL,
)
WORDS = {
    "follow the calls": "CONGESTION\t503",
    "attempts by disposition": "2 ANSWERED_HUMAN",
    "answer-seizure ratio by trunk, in percent": "carrier\t4\t50",
    "who answers: verdicts of the detection": "2 HUMAN",
    "congestion by minute and trunk": "carrier 503",
    "calls a minute": "5 20",
    "why contacts were refused": "1 outside_hours",
    "one call's whole story": "ANSWERED_HUMAN",
    "everything that is wrong, without what differs from line to line": "2 error\tami.lost\tmain",
    "opt-outs since yesterday evening, to be handed in again after an old backup was restored": "spring\tv01a20ba84fbf0000",
    "follow what is wrong": '"event":"ami.lost"',
    "calls of today by disposition": "1 BUSY",
}
"""Recipe -> what stands in its output."""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with `volley.log`, and the same as journald gives it, among other words of the unit."""
    logger, _ = log.start(tmp_path / "volley.log", "debug", True)
    endings = [
        ("ANSWERED_HUMAN", "HUMAN/HUMAN-700-420"),
        ("ANSWERED_HUMAN", "HUMAN/HUMAN-1-1"),
        ("BUSY", ""),
        ("CONGESTION", ""),
        ("NOT_SENT", ""),
    ]
    for at, (disposition, amd) in enumerate(endings):
        logger.info(
            log.CALL_ENDED, campaign="spring", contact=at + 1, attempt=f"v01a20ba84fb{15 - at:x}0000", kind="first", number="+33199001042",
            caller_id="+33162000001", trunk="carrier", disposition=disposition, cause=0, sip=503 if disposition == "CONGESTION" else 0,
            amd=amd, result="", heard=None, answers=[], keys="", rang=True, seconds=1.0, talk=0.0, next="Final", next_at=None, note="",
        )  # fmt: skip
    logger.info(log.OPTOUT_RECORDED, campaign="spring", contact=1, attempt="v01a20ba84fbf0000")
    logger.info(
        log.CONTACT_REFUSED,
        campaign="spring",
        contact=9,
        number="+33199001042",
        reason="outside_hours",
        detail="",
        not_before=1.0,
        final=False,
    )
    for _ in range(2):
        logger.error(log.AMI_LOST, pbx="main", why="the connection was closed")
    lines = (tmp_path / "volley.log").read_text(encoding="utf-8")
    log_lines.hold(lines.splitlines())
    (tmp_path / "journal").write_text(f"Started volley.service.\n{lines}", encoding="utf-8")
    return tmp_path


def test_every_recipe_has_its_words() -> None:
    assert [title for _, title, _ in RECIPES] == list(WORDS)


@pytest.mark.skipif(
    shutil.which("jq") is None or shutil.which("bash") is None, reason="no jq on this machine"
)
def test_every_recipe_runs(logs: Path) -> None:
    for _, title, body in RECIPES:
        # What follows a file for ever, and what asks the journal, gets the lines that there are.
        command = body.replace("tail -F volley.log", "cat volley.log")
        command = re.sub(
            r"journalctl -u volley -o cat( --since today)?( -f)?",
            "grep -v ^Started journal" if " -f " in command else "cat journal",
            command,
        )
        assert "journalctl" not in command
        assert "tail" not in command
        done = subprocess.run(
            ["bash", "-ec", f"set -o pipefail\n{command}"],
            cwd=logs,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{title}: {done.stderr}"
        assert WORDS[title] in done.stdout, f"{title}:\n{done.stdout}"
