"""Files of rule data: TOML in, checked models out, with everything that is wrong told at once.

`engine/rules/law/*.toml` is the law as Volley knows it, one file a country. An operator's folder may hold more: a
country that is not there yet, or, with `tightens = "us"`, rules that make a known one stricter (`tighten`). Knows form
and references; refuses to know what the rules mean together (`compose`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from engine.errors import Problem
from engine.rules.book.calendar import is_known
from engine.rules.book.entry import AnyEntry, Entry, NoCallsEntry, Purpose, Text
from engine.rules.places import TABLES

Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]


class LawFile(BaseModel):
    """A country's rules; without regions, rules that others build upon."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Text
    version: date
    """The day of its last change."""
    regions: tuple[Region, ...] = ()
    """Regions of the numbering plan that it covers; the first is the country's own."""
    extends: tuple[Name, ...] = ()
    """Files without regions whose rules hold here too, beside those of `base`."""
    purposes: tuple[Purpose, ...] = ()
    """Calls of other purposes are not made."""
    calendar: str = ""
    """The country of its public holidays, as the package `holidays` calls it."""
    calendar_parts: dict[str, str] = {}
    """State -> part of that calendar, where it is not the state's own code."""
    gaps: tuple[Text, ...] = ()
    """What the file does not know, in words, for the docs."""
    rules: Annotated[tuple[AnyEntry, ...], Field(alias="rule")] = ()


class TightFile(BaseModel):
    """An operator's rules beside those of a file that is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Text
    version: date
    tightens: Name
    rules: Annotated[tuple[AnyEntry, ...], Field(alias="rule")]

    @model_validator(mode="after")
    def _something(self) -> TightFile:
        if not self.rules:
            raise ValueError("there is no [[rule]]")
        return self


@dataclass(frozen=True, slots=True)
class Files:
    """What was read: by file name without `.toml`."""

    laws: Mapping[str, LawFile]
    tight: Mapping[str, TightFile]
    problems: tuple[Problem, ...]


def read_folder(folder: Path) -> Files:
    """Every `*.toml` of `folder`. What cannot be read is a problem, never left out in silence."""
    laws: dict[str, LawFile] = {}
    tight: dict[str, TightFile] = {}
    problems: list[Problem] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        return Files({}, {}, (Problem(str(folder), f"cannot read the folder of rules: {error.strerror}"),))
    for path in paths:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            problems.append(Problem(str(path), f"cannot be read: {error}"))
            continue
        try:
            if "tightens" in table:
                tight[path.stem] = TightFile.model_validate(table)
            else:
                laws[path.stem] = LawFile.model_validate(table)
        except ValidationError as error:
            problems.extend(_problems_of(error, path, table))
    return Files(laws, tight, tuple(problems))


def _problems_of(error: ValidationError, path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    """Each error with the file, the rule's id and the key."""
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        where = [str(part) for part in item["loc"]]
        if len(where) > 1 and where[0] == "rule" and where[1].isdigit():
            rules = table["rule"]
            rule = rules[int(where[1])] if isinstance(rules, list) else None
            name = rule.get("id") if isinstance(rule, dict) else None
            # The kind stands in the location too: pydantic's name of the branch of the union.
            where = [f"rule {name or int(where[1]) + 1}", *where[3:]]
        what = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            what = "there is no such key"
        yield Problem(f"{path.name}: {'.'.join(where) or '(top)'}", what)


def check(laws: Mapping[str, LawFile]) -> list[Problem]:
    """What is wrong between the files: references, regions claimed twice, ids used twice, purposes without rules."""
    problems = list(_ids_twice((name, rule) for name, law in laws.items() for rule in law.rules))
    claimed: dict[str, str] = {}
    for name, law in laws.items():
        problems.extend(
            Problem(
                f"{name}.toml: regions",
                f"{region} stands in {claimed[region]}.toml already",
                f'to make it stricter, write tightens = "{claimed[region]}" instead',
            )
            for region in law.regions
            if claimed.setdefault(region, name) != name
        )
        problems.extend(
            Problem(
                f"{name}.toml: extends",
                f"there is no {other}.toml to build upon",
                "name a file without regions, such as eu",
            )
            for other in law.extends
            if other not in laws or laws[other].regions
        )
        if law.regions:
            problems.extend(_uncovered(name, law, laws))
        elif law.purposes:
            problems.append(Problem(f"{name}.toml: purposes", "a file without regions covers no purposes"))
        problems.extend(problem for rule in law.rules for problem in check_places(name, law, rule))
    return problems


def chain(name: str, laws: Mapping[str, LawFile]) -> tuple[str, ...]:
    """The files whose rules hold where `name` holds: `base`, what it extends, itself."""
    found: list[str] = []

    def add(file: str) -> None:
        if file in laws and file not in found:
            found.append(file)
            for other in laws[file].extends:
                add(other)

    add(name)
    add("base")
    return tuple(reversed(found))


def _uncovered(name: str, law: LawFile, laws: Mapping[str, LawFile]) -> Iterator[Problem]:
    """A purpose that a country covers needs hours and consent of its own, or a word that the law asks for none."""
    for purpose in law.purposes:
        if purpose == "emergency":
            continue
        for kinds, what in (({"hours", "no_hours"}, "hours"), ({"consent"}, "consent")):
            if not any(
                rule.kind in kinds and purpose in rule.purposes and not rule.states and rule.enforced
                for file in chain(name, laws)
                if file != "base"
                for rule in laws[file].rules
            ):
                yield Problem(
                    f"{name}.toml: purposes",
                    f"{purpose} is covered, but no rule speaks of its {what}",
                    'add one; kind = "no_hours" and need = "none" say that the law asks for nothing',
                )


def check_places(name: str, law: LawFile, rule: Entry) -> Iterator[Problem]:
    """States that the country does not have, and public holidays that nobody knows."""
    if rule.states and law.regions:
        table = TABLES.get(law.regions[0])
        for state in rule.states:
            if table is None or state not in table.states:
                known = ", ".join(table.states) if table else "no states of this country"
                yield Problem(
                    f"{name}.toml: rule {rule.id}.states", f"{state!r} is not known", f"known: {known}"
                )
    elif rule.states:
        yield Problem(f"{name}.toml: rule {rule.id}.states", "a file without regions has no states")
    if isinstance(rule, NoCallsEntry) and rule.holidays:
        calendars = [(law.calendar, "")] + [(law.calendar, part) for part in law.calendar_parts.values()]
        for calendar in calendars:
            if not is_known(calendar):
                yield Problem(
                    f"{name}.toml: calendar",
                    f"rule {rule.id} needs public holidays, and {'/'.join(calendar)!r} has none that are known",
                    "give a country (and parts) that the package holidays knows, such as FR",
                )


def _ids_twice(rules: Iterable[tuple[str, Entry]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, rule in rules:
        if rule.id in seen:
            yield Problem(f"{name}.toml: rule {rule.id}", f"this id stands in {seen[rule.id]}.toml already")
        seen.setdefault(rule.id, name)
