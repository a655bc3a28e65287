"""Places and instants that the tests of the rule book share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from engine.rules.book import Book, Held, NoRules, RuleSet
from engine.rules.book.entry import Line, Purpose, Topic
from engine.rules.places import Place

ZONES = {
    "US": "America/New_York",
    "CA": "America/Toronto",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IN": "Asia/Kolkata",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "IT": "Europe/Rome",
    "IE": "Europe/Dublin",
    "BE": "Europe/Brussels",
}


def instant(text: str) -> float:
    """ISO 8601 with an offset -> POSIX seconds."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return moment.timestamp()


NOW = instant("2026-11-24T12:00:00+00:00")


def place(region: str, *states: str, zones: tuple[str, ...] = ()) -> Place:
    return Place(region, tuple(sorted(states)), zones or (ZONES.get(region, "UTC"),))


def rules(
    book: Book,
    where: Place,
    purpose: Purpose = "marketing",
    at: float = NOW,
    topics: tuple[Topic, ...] = (),
    line: Line = "unknown",
) -> RuleSet:
    found = book.rules_for(where, purpose, at, frozenset(topics), line)
    assert isinstance(found, RuleSet), found
    return found


def none(book: Book, where: Place, purpose: Purpose = "marketing", at: float = NOW) -> str:
    found = book.rules_for(where, purpose, at)
    assert isinstance(found, NoRules), found
    return found.reason


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


PROVEN = Held(
    "written", instant("2026-06-01T12:00:00+00:00"), frozenset({"marketing"}), "web form", "crm-4711"
)
EXPRESS = Held(
    "express",
    instant("2026-06-01T12:00:00+00:00"),
    frozenset({"marketing", "informational"}),
    "call",
    "rec-1",
)

AUSTRIA = """
title = "Austria"
version = 2026-11-20
regions = ["AT"]
extends = ["eu"]
purposes = ["marketing", "informational", "emergency"]
calendar = "AT"

[[rule]]
id = "at-hours"
kind = "hours"
says = "The company's lawyers allow working days."
purposes = ["marketing", "informational"]
window = [{ days = ["mon-sat"], from = "09:00", to = "18:00" }]
from = 2026-01-01
source = "legal department, memo 12"
basis = "house"

[[rule]]
id = "at-holidays"
kind = "no_calls"
says = "Not on public holidays."
purposes = ["marketing"]
holidays = true
from = 2026-01-01
source = "legal department, memo 12"
basis = "house"

[[rule]]
id = "at-consent"
kind = "consent"
says = "Consent for all of them."
purposes = ["marketing", "informational"]
need = "express"
proof = ["at", "source"]
from = 2026-01-01
source = "TKG 2021 s. 174"
basis = "memory"
"""
"""A country that an operator adds."""

OURS = """
title = "Our own"
version = 2026-11-27
tightens = "practice"

[[rule]]
id = "ours-abandoned"
kind = "abandonment"
says = "As in the United States."
purposes = ["informational"]
percent = 3
throttle = 2
stop = 2.5
period = "30d"
from = 2026-01-01
source = "test"
basis = "house"
"""
"""An operator's rule: practice campaigns slow down, and stop, as those in the United States do."""
