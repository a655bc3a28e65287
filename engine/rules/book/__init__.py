"""The rule book: the law as dated data, and what it means for a call.

`entry` is the form of a rule, `files` reads them, `tighten` keeps an operator from loosening them, `book` finds those
that bind, `compose` makes one rule set of them, `checks` and `consent` hold a call against it. `weeks` and `calendar`
are its arithmetic, `page` its documentation.
"""

from engine.rules.book.book import Book, read_book, standard_book
from engine.rules.book.checks import (
    Wait,
    abandonment,
    abandonment_text,
    caller_id_problem,
    caps_problem,
    gaps_problem,
    lists,
    message_problem,
    next_open,
    registry_problem,
    ring_problem,
)
from engine.rules.book.consent import NO_CONSENT, Held, consent_problem, held, stored
from engine.rules.book.entry import PURPOSES, TOPICS, After, Level, Line, Purpose, Scope, Topic, line_of
from engine.rules.book.ruleset import (
    Abandonment,
    CallerIds,
    Cap,
    ConsentNeed,
    Gap,
    Limit,
    NoRules,
    RegistryNeed,
    RuleSet,
)

__all__ = [
    "NO_CONSENT",
    "PURPOSES",
    "TOPICS",
    "Abandonment",
    "After",
    "Book",
    "CallerIds",
    "Cap",
    "ConsentNeed",
    "Gap",
    "Held",
    "Level",
    "Limit",
    "Line",
    "NoRules",
    "Purpose",
    "RegistryNeed",
    "RuleSet",
    "Scope",
    "Topic",
    "Wait",
    "abandonment",
    "abandonment_text",
    "caller_id_problem",
    "caps_problem",
    "consent_problem",
    "gaps_problem",
    "held",
    "line_of",
    "lists",
    "message_problem",
    "next_open",
    "read_book",
    "registry_problem",
    "ring_problem",
    "standard_book",
    "stored",
]
