"""docs/law-rules.md: what the rule book holds, as a page, made of the data alone.

Knows how to tell an entry in a line of a table. A test holds the page in the repository against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.durations import text
from engine.rules.book import weeks
from engine.rules.book.book import Book
from engine.rules.book.entry import (
    PURPOSES,
    AbandonmentEntry,
    CallerIdEntry,
    CapEntry,
    ConsentEntry,
    DutyEntry,
    Entry,
    GapEntry,
    HoursEntry,
    MessageEntry,
    NoCallsEntry,
    RegistryEntry,
    RingEntry,
    SilenceEntry,
)
from engine.rules.book.files import LawFile
from engine.rules.hours import DAYS
from engine.rules.places import TABLES

_HEAD = """# The rule book, rule by rule

This page is made from the data (`engine/rules/law/*.toml`) by `setup/law-rules`; do not edit it by hand. What the gate does
with the rules, and how to add a country or make a rule stricter: [law.md](law.md).

**This is not legal advice.** The law of the callee's place decides, and you answer for each call: read it, or ask somebody who has.

How each rule is known stands in the last column:

| | |
|---|---|
| text | the rule's own wording was read |
| summary | somebody else's summary of it was read |
| memory | it could not be rechecked: read it before you rely on it |
| house | it is Volley's own, not law |

All rules that bind a call hold together, so the strictest decides. `since` is the first day on which a rule is applied here; a
rule begins and ends with its day at the earliest and the latest place on earth. Where the callee's state is not certain, the
rules of every state that it may be are applied. A number of a region that no file covers is not called, and neither is a call
made of a purpose that its file does not cover.

## Rules of your own

Files in a folder of yours stand beside those of Volley. What is wrong in them is told when the engine starts, all at once, and
nothing is dialed before it is right. The kinds of rules and their keys are those of the files in `engine/rules/law/`, which are
the examples.

A file with `tightens` makes a country stricter, or every country (`base`). It cannot loosen: what allows more than the rule it
stands beside is refused, by that rule's name.

```toml rules
title = "Our own"
version = 2026-11-24
tightens = "us"

[[rule]]
id = "ours-office-hours"
kind = "hours"
says = "We call in office hours."
purposes = ["marketing", "survey"]
window = [{ days = ["mon-fri"], from = "09:00", to = "18:00" }]
from = 2026-12-01
source = "board, 12 November 2026"
basis = "house"
```

A file without it adds a country. It names the regions of the numbering plan, the purposes that it covers, and for each of
these at least hours and consent; `kind = "no_hours"` and `need = "none"` say that the law asks for nothing.

```toml rules
title = "Switzerland"
version = 2026-11-24
regions = ["CH"]
purposes = ["informational", "emergency"]
calendar = "CH"

[[rule]]
id = "ch-hours"
kind = "hours"
says = "What our lawyers found."
purposes = ["informational"]
window = [{ days = ["mon-sat"], from = "09:00", to = "19:00" }]
from = 2026-12-01
source = "opinion of 3 November 2026, section 2"
basis = "summary"

[[rule]]
id = "ch-holidays"
kind = "no_calls"
says = "Not on federal holidays."
purposes = ["informational"]
holidays = true
from = 2026-12-01
source = "opinion of 3 November 2026, section 2"
basis = "summary"

[[rule]]
id = "ch-consent"
kind = "consent"
says = "Customers only, who gave their number."
purposes = ["informational"]
need = "express"
proof = ["source"]
from = 2026-12-01
source = "opinion of 3 November 2026, section 4"
basis = "summary"
```
"""

_ORDER = ("base", "eu")


def render(book: Book) -> str:
    """The whole page, as Markdown."""
    names = [*_ORDER, *sorted(set(book.laws) - set(_ORDER))]
    parts = [_HEAD, _overview(book, names)]
    parts.extend(_country(name, book.laws[name]) for name in names)
    return "\n".join(parts)


def _overview(book: Book, names: Iterable[str]) -> str:
    rows = ["## What is covered", ""]
    rows += ["| file | | regions | purposes | edition |", "|---|---|---|---|---|"]
    for name in names:
        law = book.laws[name]
        regions = ", ".join(law.regions) or "none of its own"
        rows.append(
            f"| `{name}.toml` | {_capital(law.title)} | {regions} | {_purposes(law.purposes) if law.regions else ''} | {law.version} |"
        )
    return "\n".join(rows) + "\n"


def _country(name: str, law: LawFile) -> str:
    lines = [f"## {_capital(law.title)}", ""]
    if law.extends:
        lines += [f"With the rules of {', '.join(f'`{other}.toml`' for other in law.extends)}.", ""]
    enforced = [rule for rule in law.rules if rule.enforced]
    if enforced:
        lines += ["| rule | binds | what it says | as applied | since | source | known by |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            f"| `{rule.id}` | {_binds(law, rule)} | {_cell(rule.says)} | {_cell(applied(rule))} | {_dates(rule)}"
            f" | {_cell(rule.source)} | {rule.basis} |"
            for rule in enforced
        ]
        lines.append("")
    rest = [rule for rule in law.rules if not rule.enforced]
    if rest:
        lines += ["Not enforced:", ""]
        lines += ["| rule | binds | what it says | why not | since | source | known by |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            f"| `{rule.id}` | {_binds(law, rule)} | {_cell(rule.says)} | {_cell(rule.why)} | {_dates(rule)}"
            f" | {_cell(rule.source)} | {rule.basis} |"
            for rule in rest
        ]
        lines.append("")
    if law.gaps:
        lines += ["Not known:", "", *(f"- {_cell(gap)}" for gap in law.gaps), ""]
    return "\n".join(lines)


def applied(rule: Entry) -> str:
    """The rule as the engine takes it, in a few words."""
    told = " ".join(_applied(rule)) or rule.why or "nothing is asked for"
    if rule.line is not None:
        told += f"; {rule.line} lines, and those not known to be another kind"
    return told


def _applied(rule: Entry) -> Iterator[str]:
    match rule:
        case HoursEntry():
            yield weeks.text_of(weeks.spans_of(rule.window))
        case NoCallsEntry():
            yield "not on"
            yield ", ".join(
                [*(DAYS[day] for day in rule.days), *(["public holidays"] if rule.holidays else [])]
            )
        case ConsentEntry():
            yield "none needed" if rule.need == "none" else f"{rule.need} consent"
            if rule.proof:
                yield "with " + ", ".join(f"`consent_{part}`" for part in rule.proof)
            if rule.max_age is not None:
                yield f"no older than {text(rule.max_age)}"
        case RegistryEntry():
            yield f"`{rule.registry}`, copy no older than {text(rule.max_age)}"
            if rule.exempt:
                yield f"unless {rule.exempt} consent"
        case CapEntry():
            scope = {
                "campaign": "this campaign",
                "owner": "the same owner and purpose",
                "all": "all campaigns",
            }
            yield f"{rule.most} in {text(rule.period)}, over {scope[rule.scope]}"
            if rule.unless:
                yield f"unless {rule.unless} consent"
        case GapEntry():
            yield f"after {rule.after}:"
            yield "next calendar day" if rule.gap is None else text(rule.gap)
        case DutyEntry():
            yield rule.why
        case _:
            yield from _limit(rule)


def _limit(rule: Entry) -> Iterator[str]:
    match rule:
        case RingEntry():
            yield f"at least {text(rule.least)}"
        case MessageEntry() | SilenceEntry():
            yield f"at most {rule.most:g} s"
        case CallerIdEntry():
            if rule.allowed:
                yield "only " + " ".join(rule.allowed)
            if rule.denied:
                yield "never " + " ".join(rule.denied)
        case AbandonmentEntry():
            yield f"slower at {rule.throttle:g} %, stop at {rule.stop:g} %, of {text(rule.period)}"
        case _:
            pass


def _binds(law: LawFile, rule: Entry) -> str:
    table = TABLES.get(law.regions[0]) if law.regions else None
    parts = (
        [", ".join(table.states[state].name if table else state for state in rule.states)]
        if rule.states
        else []
    )
    parts.append(_purposes(rule.purposes))
    if rule.only:
        parts.append(f"only {rule.only}")
    return "; ".join(parts)


def _purposes(purposes: Iterable[str]) -> str:
    found = [purpose for purpose in PURPOSES if purpose in set(purposes)]
    if len(found) == len(PURPOSES):
        return "all"
    if len(found) == len(PURPOSES) - 1:
        return f"all but {next(purpose for purpose in PURPOSES if purpose not in found)}"
    return ", ".join(found)


def _dates(rule: Entry) -> str:
    return f"{rule.since}" + (f" to {rule.until}" if rule.until else "")


def _cell(said: str) -> str:
    return said.replace("|", "\\|")


def _capital(title: str) -> str:
    return title[0].upper() + title[1:]
