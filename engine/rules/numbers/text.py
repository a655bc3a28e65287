"""How people and spreadsheets write telephone numbers: any such text as digits with at most a leading plus.

Knows separators, scripts, invisible signs, and what Excel does to a number. Refuses to know numbering plans:
see `engine.rules.numbers`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, NoReturn

Repair = Literal["float", "exponent", "thousands", "plus", "international_prefix", "leading_zero"]
"""What a reading had to undo: a decimal `.0`, an exponent, thousands separators, a lost `+`, a `00` that is
not the region's own international prefix, a lost leading zero."""

Code = Literal[
    "empty",
    "not_a_number",
    "extension",
    "lost_digits",
    "needs_region",
    "too_short",
    "too_long",
    "not_possible",
    "invalid",
    "ambiguous",
]

_DIGITS_MAX = 17
"""E.164 has 15 digits at most; `00` or a trunk prefix may stand before them."""
_CELL_MAX = 250

_PLAIN = re.compile(r"\+?[0-9]{5,17}")
_DROPPED = dict.fromkeys(map(ord, " \t.-()/_'"))
_FLOAT = re.compile(r"\+?([1-9][0-9]*)\.0{1,2}")
_EXPONENT = re.compile(r"\+?([0-9])[.,]?([0-9]*)[eE]\+?([0-9]{1,2})")
_THOUSANDS = re.compile(r"\+?([1-9][0-9]{0,2}(?:,[0-9]{3})+)")
_EXTENSION = re.compile(
    r"(?i)(?:;ext=|ext\.?|extension|x|#|poste|durchwahl|anexo|int\.)\s*[:.]?\s*[0-9]{1,7}\s*"
)
_SEVERAL = re.compile(r"[,;|&\n\x1f]|[0-9].*\+|\s(?:or|ou|oder|o|and|et|und|y)\s")
_FORMULA_TEXT = re.compile(r'="(.*)"')


class NumberError(ValueError):
    """This is not a number that can be dialed. `code` is a constant for programs; the message says what is
    wrong and what to do."""

    def __init__(self, code: Code, message: str) -> None:
        self.code: Code = code
        super().__init__(message)


def shown(raw: str) -> str:
    """`raw` for a message: short, and without anything that could break a line."""
    return repr(raw if len(raw) <= 40 else raw[:37] + "...")


def clean(raw: str) -> tuple[str, Repair | None]:
    """`raw` as digits with at most a leading plus, and what had to be undone for it. Raises NumberError."""
    if _PLAIN.fullmatch(raw):
        return raw, None
    text = _unwrap(raw if raw.isascii() else _ascii(raw), raw)
    repaired: Repair | None = None
    if match := _FLOAT.fullmatch(text):
        text, repaired = match[1], "float"
    elif match := _EXPONENT.fullmatch(text):
        text, repaired = _from_exponent(match, raw), "exponent"
    elif match := _THOUSANDS.fullmatch(text):
        text, repaired = match[1].replace(",", ""), "thousands"
    plus = text.startswith(("+", "(+"))
    digits = text.translate(_DROPPED).removeprefix("+" if plus else "")
    if not digits.isdigit() or text[0] == "-":
        _refuse(text, digits, raw)
    if len(digits) > _DIGITS_MAX:
        raise NumberError(
            "too_long",
            f"{shown(raw)} has {len(digits)} digits, and no phone number has more than 15;"
            " if the cell holds several numbers, give each a column of its own",
        )
    return ("+" + digits if plus else digits), repaired


def _unwrap(text: str, raw: str) -> str:
    """`text` without what is around a number: blanks, the apostrophe or formula that keeps it text,
    `tel:`."""
    text = text.strip()
    formula = _FORMULA_TEXT.fullmatch(text)
    if formula:
        text = formula[1].strip()
    text = text.lstrip("'").strip()
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
        if ";" in text and not _EXTENSION.search(text):
            raise NumberError(
                "not_a_number", f"{shown(raw)} is a tel: address with parameters; write the number alone"
            )
    if not text:
        raise NumberError("empty", "there is no phone number; fill it in or leave the row out")
    if len(text) > _CELL_MAX:
        raise NumberError(
            "not_a_number", "this is far too long for a phone number; write one number in a cell"
        )
    return text


def _ascii(raw: str) -> str:
    """Digits of every script as 0-9, every dash and space as its plain sign; invisible signs are dropped."""
    signs = []
    for sign in raw:
        if sign.isascii():
            signs.append(sign)
            continue
        digit = unicodedata.decimal(sign, None)
        category = unicodedata.category(sign)
        if digit is not None:
            signs.append(str(digit))
        elif category == "Zs":
            signs.append(" ")
        elif category == "Pd" or sign == "\u2212":
            signs.append("-")
        elif sign in "\u2018\u2019\u02bc":
            signs.append("'")
        elif category != "Cf":
            signs.append(unicodedata.normalize("NFKC", sign))
    return "".join(signs)


def _from_exponent(match: re.Match[str], raw: str) -> str:
    """The digits of 3.3639980001E+10, if all of them are written down."""
    first, rest, power = match[1], match[2], int(match[3])
    if len(rest) != power or power > _DIGITS_MAX:
        raise NumberError(
            "lost_digits",
            f"{shown(raw)} is a number that the spreadsheet shortened: its last digits are lost;"
            " format the column as text, fill it in again, and export again",
        )
    return first + rest


def _refuse(text: str, digits: str, raw: str) -> NoReturn:
    extension = _EXTENSION.search(text)
    if extension is not None and extension.end() == len(text) and extension.start() > 0:
        raise NumberError(
            "extension", f"{shown(raw)} has an extension, which cannot be dialed; give the direct number"
        )
    if sum(sign.isdigit() for sign in digits) > _DIGITS_MAX or _SEVERAL.search(text):
        raise NumberError(
            "not_a_number", f"{shown(raw)} looks like several numbers; give each a column of its own"
        )
    raise NumberError(
        "not_a_number", f"{shown(raw)} is not a phone number; write digits, with + and the country code"
    )
