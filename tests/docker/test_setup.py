"""docker/setup: what it makes, for whom, and that it touches nothing twice."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path

from tests.docker.stack import DOCKER, REPOSITORY

ASTERISK, ENGINE = 64321, 64322


def setup(site: Path, *arguments: str, **words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "VOLLEY_SITE": str(site), **words}
    return subprocess.run(
        [DOCKER / "setup", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def kept(site: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file: owner, mode, content."""
    return {
        str(path.relative_to(site)): (
            path.stat().st_uid,
            stat.S_IMODE(path.stat().st_mode),
            path.read_bytes(),
        )
        for path in site.rglob("*")
        if path.is_file()
    }


def test_a_site_is_made_once(tmp_path: Path) -> None:
    for early in ("queue", "volley.toml"):  # as Docker makes them where somebody forgot this
        (tmp_path / early).mkdir()
    done = setup(tmp_path, SUDO_GID="60123")
    if os.geteuid() != 0:
        assert (done.returncode, "run it as root" in done.stderr) == (1, True)
        return
    assert (done.returncode, done.stderr) == (0, "")
    made = kept(tmp_path)
    secret = made["secrets/ami.secret"][2].decode()
    assert re.fullmatch(r"[0-9a-f]{48}", secret)
    assert made["secrets/ami.secret"][:2] == (ENGINE, 0o600)
    users = (REPOSITORY / "asterisk-config/manager.d/volley.conf").read_text(encoding="utf-8")
    assert made["secrets/manager.conf"] == (
        ASTERISK,
        0o600,
        users.replace("@VOLLEY_AMI_SECRET@", secret).encode(),
    )
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    queue = (tmp_path / "queue").stat()
    assert (queue.st_uid, queue.st_gid, stat.S_IMODE(queue.st_mode)) == (ENGINE, 60123, 0o2770)
    assert b"@" not in made["asterisk/pjsip.d/carrier.conf"][2]
    assert not any(
        secret.encode() in content for path, (*_, content) in made.items() if not path.startswith("secrets/")
    )

    (tmp_path / "volley.toml").write_text("# mine\n", encoding="utf-8")
    again = setup(tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert kept(tmp_path) == {**made, "volley.toml": (0, 0o644, b"# mine\n")}


def test_wrong_words_are_usage(tmp_path: Path) -> None:
    assert setup(tmp_path, "--nonsense").returncode == 2
    unknown = setup(tmp_path, "--group", "no-such-group")
    assert (unknown.returncode, "there is no group no-such-group" in unknown.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


def test_scripts_are_whole() -> None:
    for name in ("build", "setup"):
        assert subprocess.run(["sh", "-n", DOCKER / name], check=False).returncode == 0
    for name in ("try", "bases", "practice"):
        compile((DOCKER / name).read_text(encoding="utf-8"), name, "exec")
