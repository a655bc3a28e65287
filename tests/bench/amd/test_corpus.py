"""The labelled set: the same each time, and its two parts strangers to each other."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from bench.amd.callees import LABELS
from bench.amd.corpus import BEEPS, HOLD, LANGUAGES, PARTS, VARIANTS, VOICES, Part, recipes, texts


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def test_the_parts_share_no_text() -> None:
    said: dict[str, set[str]] = {
        part: {
            words(text)
            for language in LANGUAGES
            for kind in texts()[language][part].values()
            for text in kind
        }
        for part in PARTS
    }
    assert not said["tune"] & said["test"]


def test_the_parts_share_no_voice() -> None:
    assert not set(VARIANTS["tune"]) & set(VARIANTS["test"])
    assert all(set(VOICES[part]) == set(LANGUAGES) for part in PARTS)


def test_both_parts_have_the_same_kinds_of_callees_and_texts_for_them() -> None:
    kinds = {part: Counter((one.label, one.kind) for one in recipes(part)) for part in PARTS}
    assert kinds["tune"] == kinds["test"]
    for language in LANGUAGES:
        assert set(texts()[language]["tune"]) == set(texts()[language]["test"])


@pytest.mark.parametrize("part", PARTS)
def test_a_part(part: Part) -> None:
    drawn = recipes(part)
    assert recipes(part) == drawn
    assert len({one.name for one in drawn}) == len(drawn)
    assert {one.label for one in drawn} <= set(LABELS)
    for one in drawn:
        assert len(one.gaps) == max(0, len(one.says) - 1)
        assert 0 <= one.greeting <= len(one.says)
        assert one.says or one.tones or one.label == "silence"
        assert not one.beep or (one.beep in BEEPS[part] and 0 < one.beep_length <= 1)
        assert one.delay < HOLD
    people = [one for one in drawn if one.label == "person"]
    assert len(people) > 200
    assert len(drawn) - len(people) > 200
    assert {len(one.says) - one.greeting for one in people} == {0, 1}, "some speak again while we speak"
