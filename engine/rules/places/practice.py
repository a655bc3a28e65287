"""Numbers that nobody can have: reserved by the numbering plans for films and books.

They serve for practice: whoever they are dialed to on a real trunk, no person's telephone rings, so no law protects
anybody there. Sources: Arcep, decision 2018-0881 (France: 01 99 00, 02 61 91, 03 53 01, 04 65 71, 05 36 49, 06 39 98
and four digits); ATIS-0300115 (North America: 555-0100 to 555-0199 in every area code); Ofcom, "Telephone numbers for
use in TV and radio drama programmes" (020 7946 0xxx, 07700 900xxx).
"""

from __future__ import annotations

import re

PRACTICE = "ZZ"
"""The region of such numbers in the rule book: ISO 3166-1 leaves it to its users, and CLDR takes it for "no country"."""

_RESERVED = re.compile(
    r"\+33(?:19900|26191|35301|46571|53649|63998)\d{4}"
    r"|\+1(?!8(?:00|22|33|44|55|66|77|88)|900|[57]00|5(?:2\d|33|44|66|77|88)|600|622|710)[2-9]\d\d55501\d\d"
    r"|\+442079460\d{3}"
    r"|\+447700900\d{3}"
)


def is_practice(e164: str) -> bool:
    """Is this a number that nobody can have?"""
    return _RESERVED.fullmatch(e164) is not None
