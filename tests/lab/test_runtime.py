"""Ways to run the lab's Asterisk: who may reach its directories."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lab.places import Places
from lab.runtime import InRoot


@pytest.mark.parametrize("closed", [0o700, 0o750, 0o711])
def test_a_checkout_below_root_is_reached_inside_our_own_root(tmp_path: Path, closed: int) -> None:
    """Debian's /root is closed to others, in the Debian root as on the host."""
    lab = tmp_path / "root" / "checkout" / "lab"
    places = Places(lab, lab)
    places.dir.mkdir(parents=True)
    inside = places.root / str(tmp_path / "root").lstrip("/")
    inside.mkdir(parents=True)
    inside.chmod(closed)
    home = InRoot(places, "22").home("pbx")
    assert (places.dir / "pbx").resolve() == home.resolve()
    for folder in home.parents:
        if places.root in folder.parents:
            assert stat.S_IMODE(folder.stat().st_mode) & 0o001, folder
    assert os.access(home, os.W_OK)
