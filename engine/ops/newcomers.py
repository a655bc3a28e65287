"""What the books say of people who are not in them yet: of their first number whether it is suppressed or in a call and what
happened at it before, and of each whether the campaign has them already.

Sees what `engine.store.loading` would do with them, and what a claim would then tell the gate. Where there are no books yet,
empty ones are looked at.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from engine.contacts import Contact
from engine.intake.lawful import never_dialed
from engine.ops.books import snapshot
from engine.rules.gate import Candidate, Past
from engine.store import forgotten
from engine.store.database import migrate
from engine.store.listing import ListBook, Lists
from engine.store.past import Matter, StoredPast, share_of

_NUMBERS = """
SELECT n.e164, n.id, s.number_id IS NOT NULL,
       EXISTS (SELECT 1 FROM attempts a WHERE a.number_id = n.id AND a.disposition IS NULL)
FROM json_each(:numbers) j JOIN numbers n ON n.e164 = j.value LEFT JOIN suppression s ON s.number_id = n.id
"""

_NUMBERS_THERE = """
SELECT n.e164 FROM json_each(:keys) j JOIN numbers n ON n.e164 = j.value
JOIN contact_numbers m ON m.number_id = n.id JOIN contacts c ON c.id = m.contact_id WHERE c.campaign_id = :campaign
"""

_IDS_THERE = """
SELECT c.external_id FROM json_each(:keys) j JOIN contacts c ON c.campaign_id = :campaign AND c.external_id = j.value
"""


class Newcomers:
    """A batch of people, against the books of one moment (POSIX seconds `now`)."""

    def __init__(
        self, connection: sqlite3.Connection, lists: Lists, matter: Matter, refuses_known: bool,
        contacts: Sequence[Contact], now: float,
    ) -> None:  # fmt: skip
        """`refuses_known`: the campaign takes nobody whose number it has."""
        self._connection = connection
        self._lists = lists
        self._matter = matter
        self._now = now
        self._share = share_of(connection, matter.campaign_id, now)
        first = json.dumps([contact.numbers[0].e164 for contact in contacts])
        self._known = {row[0]: tuple(row[1:]) for row in connection.execute(_NUMBERS, {"numbers": first})}
        every = [number.e164 for contact in contacts for number in contact.numbers] if refuses_known else []
        self._numbers_there = self._there(_NUMBERS_THERE, every)
        self._ids_there = self._there(_IDS_THERE, [contact.external_id for contact in contacts])

    def _there(self, query: str, keys: Sequence[str | None]) -> set[str]:
        asked = {"campaign": self._matter.campaign_id, "keys": json.dumps(keys)}
        return {row[0] for row in self._connection.execute(query, asked)}

    def is_there(self, contact: Contact) -> bool:
        """Has the campaign this person already, by a number or by the external id? Then it takes no other."""
        return contact.external_id in self._ids_there or any(
            number.e164 in self._numbers_there for number in contact.numbers
        )

    def candidate(self, contact: Contact) -> Candidate:
        """As the gate will see this person, before the first call. Raises KeyMissing."""
        number = contact.numbers[0]
        known = self._known.get(number.e164)
        if known is None:
            return never_dialed(
                contact, number, suppressed=forgotten.is_forgotten(self._connection, number.e164)
            )
        return never_dialed(contact, number, suppressed=bool(known[1]), line_in_use=bool(known[2]))

    def past(self, contact: Contact) -> Past:
        """What happened at the number that is called first."""
        e164 = contact.numbers[0].e164
        number_id = self._known[e164][0] if e164 in self._known else None
        return StoredPast(
            self._connection, self._matter, number_id, e164, self._lists, self._now, self._share
        )


@contextmanager
def door(database: Path | None, state: Path) -> Iterator[Door]:
    """The books of this state directory, for batch after batch; None: there are none yet."""
    with closing(ListBook(state)) as lists, closing(sqlite3.connect(":memory:")) as empty:
        if database is None:
            migrate(empty)
        yield Door(database, empty, lists)


class Door:
    """Where people come in."""

    def __init__(self, database: Path | None, empty: sqlite3.Connection, lists: ListBook) -> None:
        self._database = database
        self._empty = empty
        self._lists = lists

    @contextmanager
    def look(
        self, matter: Matter, refuses_known: bool, contacts: Sequence[Contact], now: float
    ) -> Iterator[Newcomers]:
        """At these people, as the books now stand. Raises StoreError."""
        books = nullcontext(self._empty) if self._database is None else snapshot(self._database)
        with books as connection:
            self._lists.refresh(connection)
            yield Newcomers(connection, self._lists, matter, refuses_known, contacts, now)
