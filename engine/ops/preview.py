"""What would happen to a job, told before anything is dialed or even handed in.

Reads the job as the engine would, with the same functions: manifest, prompts, parsing process, gate.
Changes nothing: not the queue, not the database, not the job's own folder.
"""

from __future__ import annotations

import asyncio
import csv
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from pathlib import Path

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import InputError, Problem
from engine.flow.languages import asterisk_language
from engine.flow.prompts import shown
from engine.intake import manifest as manifests
from engine.intake.inspection import find_manifest, fingerprint, inspect
from engine.intake.manifest import AddJob, CampaignJob, Manifest
from engine.intake.parse_client import ParseRequest, parse_job
from engine.intake.prompts import SPEECH, Prepared, prepare
from engine.intake.prompts import files_of as prompt_files
from engine.intake.source import SQLITE
from engine.intake.wire import Batch, Done
from engine.ops.call_preview import CallPreview, described
from engine.ops.doctor.users import myself
from engine.ops.newcomers import Door, door
from engine.ops.openings import Openings
from engine.ops.standing import Standing, Terms, standing_of

Progress = Callable[[int], None]
"""Called with the number of rows read so far."""

SHOWN = 10


@dataclass(frozen=True, slots=True)
class RejectShown:
    """A rejected row, as the rejects file tells it."""

    row: int
    code: str
    reason: str


@dataclass(slots=True)
class Preview:
    """What a job would come to."""

    campaign: str
    adds: bool
    """It adds contacts to a campaign that is there."""
    problems: list[Problem] = field(default_factory=list)
    """Why the engine would reject the whole job; none: it would be accepted."""
    warnings: list[Problem] = field(default_factory=list)
    """What is worth a look, and rejects nothing."""
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    """Rows that repeat a number or an external id; among the rejected, or merged."""
    reject_codes: dict[str, int] = field(default_factory=dict)
    first_rejects: list[RejectShown] = field(default_factory=list)
    regions: dict[str, int] = field(default_factory=dict)
    """Contacts by the region of their first number."""
    kinds: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    """Numbers that had to be mended to be read, by what was wrong."""
    languages: dict[str, int] = field(default_factory=dict)
    """Contacts by the language that they are spoken to in."""
    unspoken: dict[str, list[str]] = field(default_factory=dict)
    """Language of contacts -> the prompts that they hear in the campaign's language, for want of a variant."""
    several_numbers: int = 0
    zones_unknown: int = 0
    suppressed: int | None = None
    """Contacts whose first number is never to be called; None: there is no database yet."""
    already_there: int = 0
    """Of contacts to be added: those whom the campaign has already, by a number or by their external id."""
    paused: bool = False
    """The campaign that they are added to is paused: the openings are what they would be if it ran."""
    openings: Openings = field(default_factory=Openings)
    call: CallPreview | None = None

    @property
    def acceptable(self) -> bool:
        """Would the engine take it?"""
        return not self.problems and self.accepted > 0


def open_job(path: Path) -> Manifest:
    """The manifest of a job: of a folder, or a manifest itself. Raises InputError with every problem."""
    try:
        path.stat()
    except PermissionError:  # Path.exists() takes it for a file that is not there (since Python 3.12)
        todo = "put the job where that user can read it, such as /srv"
        raise InputError(
            [Problem(str(path), f"cannot be reached by the user {myself().name}", todo)]
        ) from None
    except OSError:
        raise InputError(
            [Problem(str(path), "does not exist", "give a job's folder, or its manifest")]
        ) from None
    path = path.absolute()  # what reads contacts and prompts runs elsewhere
    if path.is_dir():
        inspect(path)
        return manifests.load(find_manifest(path))
    return manifests.load(path)


def files_of(manifest: Manifest) -> list[str]:
    """The files beside a manifest that belong to its job: contacts and prompts."""
    source = manifest.job.contacts
    files = [source.file] if source.file is not None else []
    if (name := _database_file(manifest)) is not None:
        files.append(name)
    prompts = prompt_files(manifest.job, manifest.folder) if isinstance(manifest.job, CampaignJob) else []
    return list(dict.fromkeys([*files, *prompts]))


def _database_file(manifest: Manifest) -> str | None:
    database = manifest.job.contacts.database
    url = database.url if database is not None and database.url is not None else ""
    name = url.removeprefix(SQLITE)
    return name if url.startswith(SQLITE) and name and not name.startswith("/") else None


def preview(
    path: Path,
    settings: Settings,
    now: float,
    rejects: Path | None = None,
    shown: int = SHOWN,
    progress: Progress = lambda _: None,
) -> Preview:
    """Look at a job at `now` (POSIX seconds). Rejected rows go to `rejects`, if it is given.

    Runs an event loop of its own. Raises InputError when its manifest cannot be read at all; what else is
    wrong stands in `problems`.
    """
    manifest = open_job(path)
    rejects = rejects.absolute() if rejects is not None else None
    job = manifest.job
    found = Preview(job.id if isinstance(job, CampaignJob) else job.add_to, isinstance(job, AddJob))
    message, prepared = None, Prepared()
    if isinstance(job, CampaignJob):
        prepared = _prompts(job.campaign, manifest, settings)
        found.problems += manifests.check(job.campaign, settings, manifest.path.name, now)
        found.problems += prepared.problems
        found.warnings += prepared.warnings
        message = prepared.message(job.campaign)
        found.call = described(job.campaign, prepared, settings)
    try:
        standing = standing_of(settings, manifest, fingerprint(path) if path.is_dir() else "", message, now)
        found.problems += standing.problems
        found.suppressed = None if standing.database is None else 0
        found.paused = standing.paused
        with door(standing.database, settings.engine.state) as books:
            asyncio.run(_read(found, manifest, standing, books, settings, now, rejects, shown, progress))
    except InputError as error:
        found.problems += error.problems
    if isinstance(job, CampaignJob):
        found.unspoken = _unspoken(found.languages, job.campaign, prepared)
    return found


def _unspoken(languages: Iterable[str], campaign: Campaign, prepared: Prepared) -> dict[str, list[str]]:
    """The prompts that contacts do not hear in their language, but in the campaign's own."""
    own = campaign.language.replace("_", "-").partition("-")[0]
    names = {one.key: shown(one) for one in campaign.texts()}
    found = {
        language: [names.get(key, key) for key in prepared.without(asterisk_language(language))]
        for language in languages
        if language.partition("-")[0] != own
    }
    return {language: prompts for language, prompts in found.items() if prompts}


def _prompts(campaign: Campaign, manifest: Manifest, settings: Settings) -> Prepared:
    """The campaign's prompts, made as the engine makes them, and thrown away."""
    with tempfile.TemporaryDirectory(prefix="volley-check-") as scratch:
        cache = settings.engine.state / SPEECH
        return asyncio.run(prepare(campaign, manifest.folder, settings, Path(scratch), cache))


async def _read(
    found: Preview,
    manifest: Manifest,
    standing: Standing,
    books: Door,
    settings: Settings,
    now: float,
    rejects: Path | None,
    shown: int,
    progress: Progress,
) -> None:
    """Parse all contacts and put every one of them to the gate."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="volley-check-")))
        target = _rejects_file(rejects, scratch)
        request = _request(manifest, settings, standing.terms, target, scratch)
        async with aclosing(parse_job(request)) as parts:
            rows = 0
            async for part in parts:
                if isinstance(part, Done):
                    found.rows, found.accepted, found.rejected, found.duplicates = (
                        part.rows,
                        part.accepted,
                        part.rejected,
                        part.duplicates,
                    )
                else:
                    rows += len(part.contacts) + part.rejected
                    _count(found, part)
                    if standing.terms is not None:
                        _put_to_the_gate(found, part, standing.terms, books, now)
                    progress(rows)
        if found.rejected:
            _read_rejects(found, target, shown)
    if not found.accepted:
        found.problems.append(
            Problem("contacts", f"none of the {found.rows} rows is a contact that can be called")
        )


def _rejects_file(rejects: Path | None, scratch: Path) -> Path:
    if rejects is None:
        return scratch / "rejects.csv"
    if not rejects.parent.is_dir():
        raise InputError(
            [
                Problem(
                    str(rejects),
                    "the folder for the rejected rows is not there",
                    "make it, or name another file",
                )
            ]
        )
    return rejects


def _request(
    manifest: Manifest, settings: Settings, terms: Terms | None, rejects: Path, scratch: Path
) -> ParseRequest:
    """As `engine.intake.service` asks. A query's rows are kept in the job's folder, which is not ours: a
    copy of it serves."""
    job, folder = manifest.job, manifest.folder
    if job.contacts.database is not None:
        folder = scratch / "job"
        folder.mkdir()
        name = _database_file(manifest)
        if name is not None and (manifest.folder / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(manifest.folder / name, folder / name)
    if terms is None:
        return ParseRequest(folder, job.contacts, rejects, job.region or settings.defaults.region)
    campaign = terms.campaign
    region = job.region or campaign.region or settings.defaults.region
    return ParseRequest(
        folder,
        job.contacts,
        rejects,
        region,
        campaign.language,
        campaign.fields,
        law=terms.law,
        spoken=campaign.spoken_fields(),
        needed=campaign.needed_fields(),
    )


def _count(found: Preview, batch: Batch) -> None:
    regions, kinds, repaired = Counter(found.regions), Counter(found.kinds), Counter(found.repaired)
    languages = Counter(found.languages)
    for contact in batch.contacts:
        number = contact.numbers[0]
        regions[number.region or "?"] += 1
        kinds[number.kind] += 1
        repaired.update(one.repaired for one in contact.numbers if one.repaired is not None)
        if contact.language is not None:
            languages[contact.language] += 1
        found.several_numbers += len(contact.numbers) > 1
        found.zones_unknown += not (contact.timezone or number.zones)
    found.regions, found.kinds, found.repaired = (
        dict(regions.most_common()),
        dict(kinds.most_common()),
        dict(repaired.most_common()),
    )
    found.languages = dict(languages.most_common())


def _put_to_the_gate(found: Preview, batch: Batch, terms: Terms, books: Door, now: float) -> None:
    running = terms.running
    with books.look(terms.matter, terms.refuses_known, batch.contacts, now) as people:
        for contact in batch.contacts:
            candidate = people.candidate(contact)
            if found.suppressed is not None:
                found.suppressed += candidate.suppressed
            if people.is_there(contact):
                found.already_there += 1
            else:
                found.openings.add(running.ask(running.rules, candidate, people.past(contact), now))


def _read_rejects(found: Preview, path: Path, shown: int) -> None:
    codes: Counter[str] = Counter()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        for row in rows:
            codes[row[1]] += 1
            if len(found.first_rejects) < shown:
                found.first_rejects.append(RejectShown(int(row[0]), row[1], row[2]))
    found.reject_codes = dict(codes.most_common())
