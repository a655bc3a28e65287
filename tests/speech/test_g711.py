"""G.711 against values that others made, and against its own decoding rule."""

from __future__ import annotations

import array
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.speech import g711
from engine.speech.sound import Sound, write_wav

EVERY = Sound(8000, array.array("h", range(-32768, 32768)))


@pytest.mark.parametrize(
    ("sample", "alaw", "ulaw"),
    [(0, 0xD5, 0xFF), (-1, 0x55, 0x7E), (32767, 0xAA, 0x80), (-32768, 0x2A, 0x00), (1000, 0xFA, 0xCE), (-1000, 0x7A, 0x4E)],
)  # fmt: skip
def test_known_values(sample: int, alaw: int, ulaw: int) -> None:
    sound = Sound(8000, array.array("h", [sample]))
    assert (g711.alaw(sound), g711.ulaw(sound)) == (bytes([alaw]), bytes([ulaw]))


def test_louder_is_never_coded_as_quieter() -> None:
    """Of non-negative samples, with the inversions taken back, the codes only grow."""
    for coded, bits in ((g711.alaw(EVERY), 0x55), (bytes(value ^ 0x7F for value in g711.ulaw(EVERY)), 0)):
        positive = [(code ^ bits) & 0x7F for code in coded[32768:]]
        assert positive == sorted(positive)
        assert set(positive) == set(range(128))


@pytest.mark.skipif(not shutil.which("sox"), reason="needs sox, which decodes what was encoded here")
@pytest.mark.parametrize(("form", "code"), [("al", g711.alaw), ("ul", g711.ulaw)])
def test_what_sox_decodes_is_what_was_encoded(tmp_path: Path, form: str, code) -> None:  # type: ignore[no-untyped-def]
    coded, back = tmp_path / f"a.{form}", tmp_path / "a.raw"
    coded.write_bytes(code(EVERY))
    write_wav(EVERY, tmp_path / "a.wav")
    subprocess.run(["sox", "-t", form, "-r", "8000", "-c", "1", coded, "-t", "s16", back], check=True)
    found = array.array("h", back.read_bytes())
    assert len(found) == len(EVERY.samples)
    for sample, heard in zip(EVERY.samples, found, strict=True):
        assert abs(sample - heard) <= max(16, abs(sample) // 20) + 4, sample
