"""Mirrors are read from what apt is set to, in both of its forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.mirror import Source, deb822, debian_mirror, one_line, sources


def test_one_line_entries() -> None:
    text = """\
# deb http://comment.example/debian stable main
deb http://a.example/debian bookworm main contrib # note
deb-src http://a.example/debian bookworm main
  deb [arch=amd64 signed-by=/k.gpg] https://b.example/debian/ trixie main
deb file:/mirror/debian ./
"""
    assert list(one_line(text)) == [
        Source("http://a.example/debian", ("bookworm",), ("main", "contrib")),
        Source("https://b.example/debian/", ("trixie",), ("main",)),
        Source("file:/mirror/debian", ("./",), ()),
    ]


def test_deb822_stanzas() -> None:
    text = """\
Types: deb deb-src
# http://comment.example/debian
URIs: http://a.example/debian http://b.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc: def

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: sid
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: sid
Components: main
"""
    both = ("bookworm", "bookworm-updates")
    assert list(deb822(text)) == [
        Source("http://a.example/debian", both, ("main",)),
        Source("http://b.example/debian", both, ("main",)),
    ]


def test_files_of_both_forms_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian stable main\n")
    (tmp_path / "sources.list.d/two.list").write_text("deb http://two.example/debian stable main\n")
    (tmp_path / "sources.list.d/three.sources").write_text(
        "Types: deb\nURIs: http://three.example/debian\nSuites: stable\nComponents: main\n"
    )
    (tmp_path / "sources.list.d/old.list.save").write_text("deb http://saved.example/debian stable main\n")
    assert [source.uri for source in sources(tmp_path)] == [
        "http://one.example/debian",
        "http://three.example/debian",
        "http://two.example/debian",
    ]


def test_debians_own_archive_comes_before_others() -> None:
    known = [
        Source("http://m.example/debian-security", ("bookworm-security",), ("main",)),
        Source("https://vendor.example/apt", ("stable",), ("main",)),
        Source("https://m.example/debian/", ("bookworm",), ("main",)),
    ]
    assert debian_mirror(known) == "https://m.example/debian/"


@pytest.mark.parametrize(
    "known",
    [
        [],
        [Source("http://m.example/debian-security", ("stable-security",), ("main",))],
        [Source("http://m.example/debian", ("stable",), ("contrib",))],
        [Source("cdrom:[Debian]/", ("stable",), ("main",))],
    ],
)
def test_without_a_mirror_the_error_says_what_to_do(known: list[Source]) -> None:
    with pytest.raises(LabError, match="PATH, or start Docker"):
        debian_mirror(known)
