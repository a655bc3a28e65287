"""A short benchmark on a real Asterisk: every number called once, and figures that add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import calls


@pytest.mark.asterisk
@pytest.mark.load
def test_a_short_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calls.main(["--calls", "60", "--pairs", "1", "--channels", "20", "--dir", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "calls.json").read_text(encoding="utf-8"))["figures"]
    assert {leg["caller"] for leg in figures["legs"]} == set(calls.CALLERS)
    for leg in figures["legs"]:
        assert leg["calls"] == leg["arrived"] == 60
        assert leg["rate"] > 10
        assert leg["problems"] == []
    shown = capsys.readouterr().out
    assert all(caller in shown for caller in calls.CALLERS)


@pytest.mark.parametrize("wrong", [["--callers", "nobody"], ["--calls", "10001"], ["--calls", "x"]])
def test_usage_errors(wrong: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        calls.main([*wrong, "--dir", str(tmp_path)])
    assert ended.value.code == 2
