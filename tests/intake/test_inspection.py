"""Is a job what it seems, and was it here before? `engine.intake.inspection`."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.intake.inspection import COMPLETE_NAME, JobLimits, find_manifest, fingerprint, inspect, walk


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    (folder / "prompts").mkdir(parents=True)
    (folder / "campaign.toml").write_text('id = "x"')
    (folder / "people.csv").write_text("phone\n0199001234\n")
    (folder / "prompts" / "hello.wav").write_bytes(b"RIFF")
    return folder


def problems(folder: Path, limits: JobLimits | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        inspect(folder, limits or JobLimits())
    return [str(problem) for problem in caught.value.problems]


def test_a_plain_job(job: Path) -> None:
    inspect(job)
    assert [found.name for found in walk(job)] == [
        "campaign.toml",
        "people.csv",
        "prompts",
        "prompts/hello.wav",
    ]


def test_links_of_every_kind_are_refused_all_at_once(job: Path) -> None:
    (job / "a").symlink_to("/etc/passwd")
    (job / "b").symlink_to("people.csv")
    (job / "c").symlink_to("prompts")
    (job / "d").symlink_to("nowhere")
    (job / "prompts" / "e").symlink_to("..")
    os.link(job / "people.csv", job / "f")
    found = problems(job)
    assert [line.split(":")[0] for line in found] == ["a", "b", "c", "d", "f", "people.csv", "prompts/e"]
    assert sum("symbolic link" in line for line in found) == 5
    assert sum("hard link" in line for line in found) == 2


def test_special_files_are_refused(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(job / "pipe")
    monkeypatch.chdir(job)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert [line.split(":")[0] for line in problems(job)] == ["pipe", "socket"]


def test_names_that_cannot_be_shown(job: Path) -> None:
    (job / "a\nb").touch()
    os.close(os.open(os.fsencode(job) + b"/\xff\xfe", os.O_CREAT | os.O_WRONLY))
    found = problems(job)
    assert all("control character or a broken character" in line for line in found)
    assert all(line.isprintable() for line in found)
    assert len(found) == 2


def test_too_much_of_anything(job: Path) -> None:
    assert "over 2 files" in problems(job, JobLimits(files=2))[0]
    assert "more than the 10 allowed" in problems(job, JobLimits(total_bytes=10))[0]
    deep = job.joinpath(*"abcdefgh", "x")
    deep.mkdir(parents=True)
    assert "folders deep" in problems(job)[0]
    (job / ("n" * 200)).mkdir()
    assert "over 100 characters" in problems(job, JobLimits(path_chars=100, depth=20))[0]


def test_very_many_files_do_not_take_long(job: Path) -> None:
    for number in range(300):
        (job / f"{number}.wav").touch()
    assert "over 100 files" in "\n".join(problems(job, JobLimits(files=100)))


def test_endless_depth_is_cut_short(job: Path) -> None:
    at = os.open(job, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    assert "folders deep" in problems(job)[0]
    assert fingerprint(job) == fingerprint(job)


def test_what_vanishes_meanwhile_is_left_out(job: Path) -> None:
    found = []
    for one in walk(job):
        found.append(one.name)
        (job / "people.csv").unlink(missing_ok=True)
    assert found == ["campaign.toml", "prompts", "prompts/hello.wav"]


# --- the manifest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "manifest"),
    [
        (["campaign.toml"], "campaign.toml"),
        (["campaign.json", "x.toml", "contacts.json"], "campaign.json"),
        (["manifest.toml", "x.toml"], "manifest.toml"),
        (["spring.campaign.toml", "other.toml"], "spring.campaign.toml"),
        (["spring.toml", "contacts.json"], "spring.toml"),
        (["spring.json", "contacts.csv"], "spring.json"),
        (["campaign.toml", ".campaign.json.swp", ".hidden.toml"], "campaign.toml"),
    ],
)
def test_find_manifest(tmp_path: Path, names: list[str], manifest: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert find_manifest(tmp_path).name == manifest


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "there is none"),
        (["people.csv"], r"there is none \(there is people\.csv\)"),
        (["campaign.toml", "campaign.json"], r"several: campaign\.json, campaign\.toml"),
        (["a.toml", "b.toml"], r"several: a\.toml, b\.toml"),
        (["a.json", "b.json"], r"several: a\.json, b\.json"),
        ([".campaign.toml"], "there is none"),
    ],
)
def test_no_manifest_or_too_many(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=message):
        find_manifest(tmp_path)


def test_a_linked_manifest_is_none(tmp_path: Path) -> None:
    (tmp_path / "campaign.toml").symlink_to("/etc/hostname")
    with pytest.raises(InputError, match="there is none"):
        find_manifest(tmp_path)


# --- the fingerprint ---------------------------------------------------------------------------------------------------


def _copy(job: Path, name: str, manifest: str = "campaign.toml") -> Path:
    other = job.with_name(name)
    (other / "prompts").mkdir(parents=True)
    (other / manifest).write_bytes((job / "campaign.toml").read_bytes())
    for file in ("people.csv", "prompts/hello.wav"):
        (other / file).write_bytes((job / file).read_bytes())
    return other


def test_the_same_content_is_the_same_under_another_name(job: Path) -> None:
    other = _copy(job, "other", "spring.toml")
    (other / COMPLETE_NAME).touch()
    (other / ".DS_Store").write_text("x")
    (other / "empty").mkdir()
    os.utime(other / "people.csv", (0, 0))
    assert fingerprint(other) == fingerprint(job)


@pytest.mark.parametrize("change", ["content", "name", "more", "less", "manifest", "moved bytes"])
def test_any_change_of_content_changes_it(job: Path, change: str) -> None:
    other = _copy(job, "other")
    match change:
        case "content":
            (other / "people.csv").write_text("phone\n0199001235\n")
        case "name":
            (other / "people.csv").rename(other / "people2.csv")
        case "more":
            (other / "x").touch()
        case "less":
            (other / "prompts" / "hello.wav").unlink()
        case "manifest":
            (other / "campaign.toml").write_text('id = "y"')
        case "moved bytes":
            (other / "people.csv").write_text("phone\n0199001234\nRIFF")
            (other / "prompts" / "hello.wav").write_text("")
    assert fingerprint(other) != fingerprint(job)


def test_a_fingerprint_does_not_hang_on_a_pipe(job: Path) -> None:
    os.mkfifo(job / "pipe")
    with pytest.raises(InputError, match="no plain file"):
        fingerprint(job)
