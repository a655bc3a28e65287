"""`[retention]`: how long data of people is kept. What the law asks to be kept, and for how long: docs/retention.md.

Knows periods. Who deletes: `engine.purging`; recorded answers have a period of their own, `keep`, in the node that records them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.durations import LongDuration
from engine.errors import Problem
from engine.model import Model
from engine.rules.book import Book

DAY = 86_400.0
LEAST = 61 * DAY
"""Shortest period of contacts, in seconds. Rules look back at what was done at a number, the longest of them 60 days (`fr-refusal`), and
a purged number is one of which nothing was ever known; a day more, since a call may outlive its campaign."""


class RetentionSettings(Model):
    """`[retention]`: when data of people is deleted by itself; never, where nothing is set."""

    contacts: Annotated[LongDuration, Field(ge=LEAST)] | None = None
    """After a campaign has ended, how long what is known of its contacts is kept. Then it is blanked for good, as `volley forget`
    does it, and nobody is suppressed by it."""
    jobs: Annotated[LongDuration, Field(ge=DAY)] | None = None
    """How long job folders with their reasons and rejected rows lie in `accepted/` and `rejected/`, and requests with their replies
    in `control/done/`."""


def too_short(retention: RetentionSettings, book: Book) -> list[Problem]:
    """What a rule of this book still has to see must not be purged."""
    least = book.look_back + DAY
    if retention.contacts is None or retention.contacts >= least:
        return []
    what = f"a rule looks {book.look_back / DAY:g} days back at what was done at a number"
    return [Problem("retention.contacts", what, f"keep contacts for {least / DAY:g} days at least")]
