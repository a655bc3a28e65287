"""Following a job through the queue directory: real directories, real renames."""

from __future__ import annotations

from pathlib import Path

from engine.errors import Problem
from engine.intake.queue import JobEntry, QueueDirs
from engine.ops.job_journey import find, inode_of
from tests.ops.filled import Books, person


def queued(books: Books, name: str = "shots") -> tuple[QueueDirs, Path]:
    dirs = QueueDirs(books.settings.engine.queue)
    dirs.ensure()
    path = dirs.incoming / name
    path.mkdir()
    (path / "campaign.toml").write_text("", encoding="utf-8")
    return dirs, path


def test_the_whole_way(books: Books) -> None:
    dirs, path = queued(books)
    inode = inode_of(path, dirs.root)
    found = find(books.settings, inode)
    assert found is not None
    assert (found.place, found.ended) == ("incoming", False)
    job = dirs.claim(JobEntry("shots", path, True))
    assert job is not None
    found = find(books.settings, inode)
    assert found is not None
    assert found.place == "processing"
    books.campaign("shots", [person(2, "+33199001001")], job=job.id)
    books.connection.execute("UPDATE jobs SET source = 'shots', rejected = 3")
    dirs.accept(job)
    found = find(books.settings, inode)
    assert found is not None
    assert (found.place, found.ended, found.accepted, found.rejected) == ("accepted", True, 1, 3)


def test_reasons_of_a_rejected_job(books: Books) -> None:
    dirs, path = queued(books)
    inode = inode_of(path, dirs.root)
    job = dirs.claim(JobEntry("shots", path, True))
    assert job is not None
    dirs.reject(job, [Problem("id", "is missing", "add it")])
    found = find(books.settings, inode)
    assert found is not None
    assert found.problems == (Problem("id", "is missing", "add it"),)


def test_a_job_that_was_taken_before_anybody_looked(books: Books) -> None:
    dirs, path = queued(books)
    inode = path.stat().st_ino
    assert dirs.claim(JobEntry("shots", path, True)) is not None
    assert inode_of(path, dirs.root) == inode


def test_a_job_that_is_gone(books: Books) -> None:
    dirs, path = queued(books)
    assert find(books.settings, 1) is None
    assert inode_of(path.with_name("never"), dirs.root) == 0
