"""Telephone numbers: what people and spreadsheets write, read as E.164; and E.164 as trunks want it dialed.

The only importer of phonenumbers. Knows what kind a number is and which time zones it may be in. Refuses to
know whether it may be called.

`text` is how numbers are written, `reading` what they mean, `ranges` why most of them are read without asking
phonenumbers again.
"""

from engine.rules.numbers.dialing import calling_code, dial_format
from engine.rules.numbers.number import REGIONS, Kind, Number
from engine.rules.numbers.reading import parse_number
from engine.rules.numbers.text import Code, NumberError, Repair

__all__ = [
    "REGIONS",
    "Code",
    "Kind",
    "Number",
    "NumberError",
    "Repair",
    "calling_code",
    "dial_format",
    "parse_number",
]
