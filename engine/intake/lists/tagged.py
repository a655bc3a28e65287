"""The tagged files of the North American registries: `<list type='full'><ac val='416'><ph val='1234567'/>...`.

As the CRTC describes them ("Telemarketer Subscription Rates and File Formats for the National DNCL", XML tagged file
format); the FTC's have the same words. They are read as a stream of tags and not by an XML parser: the CRTC's own
example is not well-formed, and what is no XML for us can hold no entities to blow up. A tag that is not known is a
fault, so nothing is passed over in silence.

How a change is marked was not to be verified: it is taken from an attribute of the number's tag whose value is A or
D, or add or delete; an instant in another one is heeded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from engine.intake.lists.lines import ADDED, REMOVED, Change, instant
from engine.intake.lists.rows import Faults, NumberReader
from engine.intake.refused import Refused
from engine.rules.numbers import NumberError

_BLOCK = 1 << 20
_TAG_MAX = 4096
_TAG = re.compile(r"<[^>]*>|[^<\s][^<]*")
_NAME = re.compile(r"</?\s*([A-Za-z]+)|<[?!]")
_ATTRIBUTE = re.compile(r"([A-Za-z]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|’([^’]*)’)")  # noqa: RUF001 -- as the CRTC prints it
_AREA = re.compile(r"[2-9][0-9]{2}")


def read_tags(
    stream: BinaryIO, name: str, numbers: NumberReader, faults: Faults
) -> Iterator[tuple[list[Change], int]]:
    """Numbers with their change (added, where nothing is said), and how many tags of numbers they come from, block by
    block. `marked` tells. Raises InputError."""
    area = ""
    row = 0
    for text in _texts(stream, name):
        found: list[Change] = []
        rows = 0
        for tag in _TAG.findall(text):
            row += 1
            match = _NAME.match(tag)
            word = "" if match is None else (match[1] or "?").casefold()
            attributes = {one[0].casefold(): one[1] or one[2] or one[3] for one in _ATTRIBUTE.findall(tag)}
            if word == "ac":
                area = "" if tag.startswith("</") else attributes.get("val", "")
            elif word == "ph" and not tag.startswith("</"):
                rows += 1
                try:
                    found.append(_number(area, attributes, numbers))
                except ValueError as error:
                    faults.add(name, row, tag, str(error))
            elif word not in ("list", "ph", "?"):
                faults.add(name, row, tag, "a tag that such lists do not have")
        yield found, rows


def _number(area: str, attributes: dict[str, str], numbers: NumberReader) -> Change:
    local = attributes.pop("val", "")
    if not _AREA.fullmatch(area) and len(local) == 7:
        raise NumberError("needs_region", "a number of seven digits outside of any area code")
    number = numbers.number(area + local if len(local) == 7 else local)
    wanted, when = True, 0
    for value in attributes.values():
        word = value.casefold()
        if word in REMOVED:
            wanted = False
        elif word not in ADDED and value:
            when = instant(value)
    return number, wanted, when


def _texts(stream: BinaryIO, name: str) -> Iterator[str]:
    """The stream in pieces that end with a tag."""
    rest = b""
    while data := stream.read(_BLOCK):
        data = rest + data
        cut = data.rfind(b">") + 1
        rest = data[cut:]
        if len(rest) > _TAG_MAX:
            raise Refused(name, f"a tag has over {_TAG_MAX} bytes", "is this the right format?")
        if cut:
            yield data[:cut].decode("utf-8", "replace").removeprefix("\ufeff")
    if rest.strip():
        raise Refused(name, "ends inside a tag: the file was cut", "download it again")
