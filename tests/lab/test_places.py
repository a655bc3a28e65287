"""Directories and ports: limits that would otherwise show as an Asterisk that does not answer."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.places import Note, Ports, places


def test_a_path_too_long_for_the_console_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="too long by"):
        places(tmp_path / ("x" * 100))


def test_a_note_is_read_back(tmp_path: Path) -> None:
    here = places(tmp_path)
    assert here.note() == Note(Ports(), "", "")
    note = Note(Ports(5070, 5039, 20000), "root", "22.10.1")
    here.keep(note)
    assert here.note() == note
    (tmp_path / "lab.json").write_text("{}")
    with pytest.raises(LabError, match="delete it"):
        here.note()


@pytest.mark.parametrize(
    ("ports", "problem"),
    [
        (Ports(sip=80), "between 1024"),
        (Ports(sip=5038, ami=5038), "both 5038"),
        (Ports(rtp=50000), "20,000 ports"),
        (Ports(rtp=30001), "even"),
    ],
)
def test_ports_that_cannot_work_are_named(ports: Ports, problem: str) -> None:
    assert any(problem in text for text in ports.problems())


def test_the_default_ports_work() -> None:
    assert Ports().problems() == []


def test_taken_ports_are_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert any(f"127.0.0.1:{port}" in text for text in Ports(ami=port).taken("127.0.0.1"))
