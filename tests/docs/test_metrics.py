"""Every metric stands in its page; every metric that dashboard and alerts name is one that the engine has, with those labels."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from engine.dialing.disposition import Disposition
from engine.ops.metrics import FAMILIES
from engine.ops.pulse import STATES
from tests.docs.pages import DOCS, EVENTS, REPOSITORY, rows

MONITORING = REPOSITORY / "system" / "monitoring"
ALERTS = MONITORING / "volley-alerts.yml"
DASHBOARD = MONITORING / "volley-dashboard.json"
PROMQL = frozenset({"sum", "by", "and", "on", "rate", "increase", "histogram_quantile"})
"""Words of PromQL that the expressions use."""
PROMETHEUS = {"up": {"job", "instance"}}
"""What Prometheus itself knows of every target."""
VALUES = {"state": {*STATES, "scheduled", "running", "paused", "up", "down"}, "disposition": set(Disposition),
          "event": set(EVENTS.values()), "level": {"warning", "error"}}  # fmt: skip


def known() -> dict[str, set[str]]:
    """Every series that the engine has, with its labels."""
    found = dict(PROMETHEUS)
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    for name in re.findall(r"^# TYPE (\w+)", generate_latest(registry).decode(), flags=re.MULTILINE):
        found[name] = set()
    for name, family in FAMILIES.items():
        if family.kind == "histogram":
            found |= {f"{name}_bucket": {"le"}, f"{name}_sum": set(), f"{name}_count": set()}
        else:
            found[name] = set(family.labels)
    return {name: labels | {"instance", "job"} for name, labels in found.items()}


def alerts() -> Iterator[tuple[str, str]]:
    """Alert and expression; YAML as simple as this file's needs no library."""
    text = ALERTS.read_text(encoding="utf-8")
    for name, block in re.findall(
        r"^ {6}- alert: (\w+)\n(.*?)(?=^ {6}- alert|\Z)", text, flags=re.MULTILINE | re.DOTALL
    ):
        found = re.search(r"^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)", block, flags=re.MULTILINE)
        assert found, name
        yield name, " ".join((found[1] or found[2]).split())


def panels() -> Iterator[tuple[str, str]]:
    """Panel and expression."""
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


EXPRESSIONS = [*alerts(), *panels()]


def test_the_page_tells_every_metric_and_nothing_else() -> None:
    told = {
        row[0].strip("`"): row
        for row in rows((DOCS / "metrics.md").read_text(encoding="utf-8"))
        if row[0].startswith("`")
    }
    assert set(told) == set(FAMILIES)
    for name, family in FAMILIES.items():
        _, kind, labels, what = told[name]
        assert (kind, labels) == (family.kind, ", ".join(f"`{label}`" for label in family.labels)), name
        assert what, name


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=lambda text: text[:50])
def test_every_expression_names_what_there_is(where: str, expression: str) -> None:
    names = known()
    assert expression.count("(") == expression.count(")")
    bare = re.sub(r'"[^"]*"', '""', expression)
    for name, matchers in re.findall(r"([a-z_]\w*)\{([^}]*)\}", bare):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert labels <= names[name], f"{where}: {name}{{{matchers}}}"
    series = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b\d[\w.]*", "", bare)
    metrics = set()
    for group in re.findall(r"\b(?:by|on) ?\(([^)]*)\)", series):
        for label in group.split(","):
            assert any(label.strip() in labels for labels in names.values()), f"{where}: {label}"
    for word in re.findall(r"[a-zA-Z_]\w*", re.sub(r"\b(?:by|on) ?\([^)]*\)", "", series)):
        if word not in PROMQL:
            assert word in names, f"{where}: there is no metric {word}"
            metrics.add(word)
    assert metrics, where
    for label, value in re.findall(r'(\w+)\s*!?="([^"]*)"', expression):
        assert value in VALUES.get(label, {value}), f"{where}: {label}={value}"


def test_alerts_have_their_own_names_and_say_what_to_do() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    names = [name for name, _ in alerts()]
    assert (
        len(names)
        == len(set(names))
        == text.count("- alert:")
        == text.count("description:")
        == text.count("severity:")
    )


def test_the_dashboard_is_whole() -> None:
    board: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert {one["name"] for one in board["templating"]["list"]} == {"source", "instance"}
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert panel["datasource"]["uid"] == "${source}"
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    """Where its own checker is installed it has the last word; what it looks for beyond the tests above is syntax alone."""
    as_rules = tmp_path / "dashboard.yml"
    found = [
        {"record": f"panel:{at}", "expr": expression.replace("$instance", ".*")}
        for at, (_, expression) in enumerate(panels())
    ]
    as_rules.write_text(
        json.dumps({"groups": [{"name": "dashboard", "rules": found}]}), encoding="utf-8"
    )  # JSON is YAML
    promtool = shutil.which("promtool")
    for file in (ALERTS, as_rules) if promtool else ():
        done = subprocess.run(
            ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
