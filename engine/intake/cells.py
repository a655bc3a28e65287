"""What spreadsheets, JSON and databases hold in a cell, as the text that a person would have typed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal


def as_text(value: object) -> str | None:
    """`value` as text: whole numbers without `.0`, dates in ISO 8601, booleans as true and false; None for
    what is no single value."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | timedelta):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        # A spreadsheet's date is a date-time at midnight.
        midnight = value.tzinfo is None and value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value.is_finite() else str(value)
    return None


def _float_text(value: float) -> str:
    # Above 2**53 not every whole number has a float of its own: digits may be lost, and the exponent is left
    # to show it.
    if value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return repr(value)
