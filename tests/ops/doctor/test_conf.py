"""Asterisk's configuration files, read as Asterisk reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ops.doctor.conf import Conf, read


def written(folder: Path, **files: str) -> Conf:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.conf"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read(folder / "main.conf", folder)


def test_sections_options_and_comments(tmp_path: Path) -> None:
    conf = written(
        tmp_path,
        main="; a comment\nstray = 1\n[general]\nenabled=yes ; so it is\nport => 5038\n;-- [general]\nport=1 --;\n[volley]\nsecret=a\\;b\n"
        "permit = 127.0.0.1\npermit = 10.0.0.1\n",
    )
    assert conf.names() == ["general", "volley"]
    assert conf.get("general", "port") == "5038"
    assert conf.yes("general", "enabled", False)
    assert conf.get("volley", "secret") == "a;b"
    assert conf.all("volley", "permit") == ["127.0.0.1", "10.0.0.1"]
    assert conf.get("volley", "nothing", "default") == "default"


def test_templates_and_additions(tmp_path: Path) -> None:
    conf = written(
        tmp_path,
        main="[base](!)\nread=system\nwrite=call\n[volley](base)\nwrite=originate\n[volley](+)\nread=user\n",
    )
    assert conf.names() == ["volley"]
    assert conf.options("volley") == [
        ("read", "system"),
        ("write", "call"),
        ("write", "originate"),
        ("read", "user"),
    ]


def test_includes_by_name_and_by_pattern(tmp_path: Path) -> None:
    conf = written(
        tmp_path,
        main='[general]\n#include "more.conf"\n#include manager.d/*.conf\n#tryinclude none.conf\n#exec /bin/false\n',
        more="a=1\n",
        manager_d="",
        manager__one="[one]\nb=2\n",
    )
    assert conf.names() == ["general"]
    (tmp_path / "manager.d").mkdir()
    (tmp_path / "manager.d" / "two.conf").write_text("[two]\nc=3\n")
    conf = read(tmp_path / "main.conf", tmp_path)
    assert conf.get("general", "a") == "1"
    assert conf.get("two", "c") == "3"


def test_an_include_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Asterisk refuses the whole file; to take what is left for the whole would be a lie."""
    with pytest.raises(FileNotFoundError):
        written(tmp_path, main="[general]\n#include none.conf\n")


def test_a_file_that_includes_itself_ends(tmp_path: Path) -> None:
    assert written(tmp_path, main="[general]\na=1\n#include main.conf\n").get("general", "a") == "1"


def test_the_filters_of_22_1_keep_their_key(tmp_path: Path) -> None:
    conf = written(
        tmp_path,
        main="[volley]\neventfilter(action(include),name(Hangup),header(Uniqueid),method(regex)) = ^v[0-9a-f]{16}$\n",
    )
    assert conf.options("volley") == [
        ("eventfilter(action(include),name(Hangup),header(Uniqueid),method(regex))", "^v[0-9a-f]{16}$")
    ]
