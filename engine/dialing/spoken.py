"""How instants are spoken in a language: formats of Asterisk's SayUnixTime(). Pure.

Letters as in Asterisk's say.conf and main/say.c: A day of the week, d day of the month, B month, Y year, H and M in 24 hours, I and
p in 12 hours with a.m. and p.m., k hour without a leading zero.
"""

from __future__ import annotations

DATES = {"en": "ABdY", "fr": "AdBY", "de": "AdBY", "es": "AdBY", "it": "AdBY", "nl": "AdBY", "pt": "AdBY"}
TIMES = {"en": "IMp"}
ANY_DATE, ANY_TIME = "AdBY", "HM"


def formats(language: str) -> tuple[str, str]:
    """Of a date and of a time of day, in the language (a tag such as `fr` or `en-GB`)."""
    tongue = language.partition("-")[0].partition("_")[0]
    return DATES.get(tongue, ANY_DATE), TIMES.get(tongue, ANY_TIME)
