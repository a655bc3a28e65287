"""Expected against seen, behaviour by behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.behaviours import Behaviour, behaviour_table
from lab.demo.campaigns import LANGUAGES, campaign_name
from lab.demo.expected import Call, Expected, expected
from lab.demo.people import CALLED, bad_rows, people
from lab.demo.seen import Seen, attempts_and_calls

NOBODY = Seen()


@dataclass(slots=True)
class Comparison:
    """What differs, by what it belongs to: a number, or a campaign's rejected rows. Nothing: all is as it
    should be."""

    differences: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.differences)


def compare(seen: Mapping[str, Seen], rejected: Mapping[str, Sequence[str]]) -> Comparison:
    """Hold everything against what was expected. `rejected`: campaign -> codes of its rejected rows."""
    found = Comparison()
    called = set()
    table = behaviour_table()
    for language in LANGUAGES:
        for person in people(language):
            called.add(person.e164)
            behaviour = table[person.code]
            differences = _differences(behaviour, expected(behaviour), seen.get(person.e164, NOBODY))
            if differences:
                found.differences[f"{person.e164} ({behaviour.name})"] = differences
        name = campaign_name(language)
        wanted, got = sorted(row.code for row in bad_rows(language)), sorted(rejected[name])
        if wanted != got:
            found.differences[f"{name}, rejected rows"] = [
                f"expected {', '.join(wanted)}; seen {', '.join(got) or 'none'}"
            ]
    for e164 in seen.keys() - called:
        found.differences[e164] = ["called or kept, and in none of the lists"]
    return found


def _differences(behaviour: Behaviour, wanted: Expected, got: Seen) -> list[str]:
    pairs: list[tuple[str, object, object]] = [
        (
            "calls",
            [(call.kind, call.disposition) for call in wanted.calls],
            [(one.kind, one.disposition) for one in got.attempts],
        ),
        ("calls counted by the carrier", len(wanted.calls), got.counted),
        ("keys", [call.keys for call in wanted.calls], [one.keys for one in got.attempts]),
        ("keys that the carrier's callee pressed", [call.keys for call in wanted.calls], got.pressed),
        ("results", [call.result for call in wanted.calls], [one.result for one in got.attempts]),
        ("state", "done", got.state),
        ("final disposition", wanted.disposition, got.disposition),
        ("result of the contact", wanted.goal, got.goal),
        ("callbacks kept", wanted.callbacks_kept, got.callbacks_kept),
        ("never to be called again", wanted.opted_out, got.suppressed),
    ]
    if behaviour.sip is not None and not behaviour.then:
        codes = [(behaviour.sip, behaviour.cause)] * len(wanted.calls)
        pairs.append(("SIP codes and causes", codes, [(one.sip, one.cause) for one in got.attempts]))
    return [
        f"{what}: expected {_shown(one)}, seen {_shown(other)}" for what, one, other in pairs if one != other
    ]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_shown(one) for one in value) or "none"
    if isinstance(value, tuple):
        return " ".join(str(one) for one in value)
    return str(value) if value != "" else "none"


def view(seen: Mapping[str, Seen], comparison: Comparison) -> RenderableType:
    """A row a behaviour, and the verdict."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Callee", min_width=23)
    table.add_column("Expected (and keys pressed)", overflow="fold")
    for name in ("People", "Calls", "Carrier"):
        table.add_column(name, justify="right")
    table.add_column("")
    everybody = [person for language in LANGUAGES for person in people(language)]
    for code in CALLED:
        behaviour = behaviour_table()[code]
        numbers = [person.e164 for person in everybody if person.code == code]
        ok = not any(key.startswith(f"{one} ") for key in comparison.differences for one in numbers)
        table.add_row(
            behaviour.name,
            _calls(expected(behaviour)),
            str(len(numbers)),
            str(sum(len(seen.get(one, NOBODY).attempts) for one in numbers)),
            str(sum(seen.get(one, NOBODY).counted for one in numbers)),
            Text("ok", style="green") if ok else Text("differs", style="bold red"),
        )
    attempts, calls = attempts_and_calls(seen)
    table.add_row("all", "", str(len(everybody)), str(attempts), str(calls), "", style="bold")
    return Group(Text("Expected against seen", style="bold"), Text(), table, Text(), _verdict(comparison))


def _calls(wanted: Expected) -> str:
    """The calls in words, those alike in a row told once."""
    told = []
    for words, alike in groupby(_call(call) for call in wanted.calls):
        count = len(list(alike))
        told.append(f"{count} x {words}" if count > 1 else words)
    return ", ".join(told)


def _call(call: Call) -> str:
    pressed = f" ({call.keys})" if call.keys else ""
    return ("callback " if call.kind == "callback" else "") + call.disposition + pressed


def _verdict(comparison: Comparison) -> RenderableType:
    if not comparison:
        all_that = "calls, dispositions, keys, results, callbacks, opt-outs, rejected rows, and the carrier's own count"
        return Text(f"None differing: {all_that}.", style="green")
    lines = [Text(f"{len(comparison.differences)} differing:", style="bold red")]
    for what, differences in comparison.differences.items():
        lines.append(Text(what, style="red"))
        lines += [Text(f"  {one}") for one in differences]
    return Group(*lines)
