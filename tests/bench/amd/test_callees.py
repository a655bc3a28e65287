"""Tables of recordings, ours and an operator's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.amd.callees import COLUMNS, TABLE, Callee, TableError, read, write


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    given = [
        Callee(tmp_path / "a.wav", "person", "word", "en", "test", 1200, None),
        Callee(tmp_path / "b.wav", "voicemail", "long", "fr", "test", 9000, 9500),
        Callee(tmp_path / "c.wav", "silence", "nothing", "en", "test"),
    ]
    for one in given:
        one.path.touch()
    write(tmp_path / TABLE, given)
    assert read(tmp_path / TABLE) == given
    assert [one.truth for one in given] == ["person", "machine", "silence"]


def test_file_and_label_are_enough(tmp_path: Path) -> None:
    (tmp_path / "x.mp3").touch()
    (tmp_path / TABLE).write_text(
        "\ufeffLABEL,file\nmachine,x.mp3\n".replace("LABEL", "label"), encoding="utf-8"
    )
    assert read(tmp_path / TABLE) == [Callee(tmp_path / "x.mp3", "machine")]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file\nx.wav\n", "must name the columns label"),
        ("file,label\n", "lists no recordings"),
        ("file,label\nx.wav,human\n", "line 2: 'human' is no label; those are person"),
        ("file,label\ngone.wav,person\n", "line 2: there is no file"),
        ("file,label,beep_end_ms\nx.wav,person,1.5\n", "whole milliseconds"),
        ("file,label\ngone.wav,person\nx.wav,alien\n", "line 3: 'alien'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(table: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.wav").touch()
    (tmp_path / TABLE).write_text(table, encoding="utf-8")
    with pytest.raises(TableError, match=said):
        read(tmp_path / TABLE)
    assert COLUMNS[:2] == ("file", "label")
