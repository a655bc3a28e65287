"""Takes jobs in: from a claimed job in the queue directory to contacts in the database.

The way of a job: claimed by rename, inspected, its manifest and prompts checked, its contacts parsed in a process
of their own and stored batch by batch, together with how far it got; then its campaign opens and the job moves to
accepted/. A job that is broken, at whatever point, moves to rejected/ with a reason file beside it, and what it had
stored is taken back. A job found in processing/ at the start is one that an engine was killed over: it goes on
after the last stored batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import InputError, Problem, StoreError, StoreFault, VolleyError
from engine.intake import manifest as manifests
from engine.intake.lawful import Law
from engine.intake.manifest import AddJob, CampaignJob, Manifest
from engine.intake.parse_client import ParseRequest, parse_job
from engine.intake.preparing import prepare
from engine.intake.queue import Job, JobEntry, QueueDirs
from engine.intake.rejects import HEADINGS
from engine.intake.wire import Batch, Done
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import audited, campaigns, jobs, loading
from engine.store.campaigns import CampaignRow
from engine.store.jobs import JobRow, NewCampaign
from engine.store.loading import Collision
from engine.store.writer import Writer

SLICE = 2000
"""Contacts taken back in one unit of work when a job turns out to be broken."""
STORE_RETRY = 2.0
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


class Clock(Protocol):
    def now(self) -> float: ...


class Intake:
    """Owns the queue directory of one engine, its control door excepted."""

    def __init__(
        self, settings: Settings, writer: Writer, clock: Clock, log: Log, changed: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._log = log
        self._changed = changed
        self._dirs = QueueDirs(settings.engine.queue)

    async def run(self) -> None:
        """Take jobs in until cancelled, one after another."""
        await asyncio.to_thread(self._dirs.ensure)
        for job in await asyncio.to_thread(self._dirs.in_processing):
            await self._take(job)
        async with contextlib.aclosing(self._dirs.watch(self._settings.engine.poll_interval)) as looks:
            async for _ in looks:
                for entry in await asyncio.to_thread(self._dirs.scan):
                    claimed: Job | None = await asyncio.to_thread(self._claim, entry)
                    if claimed is not None:
                        await self._take(claimed)

    def _claim(self, entry: JobEntry) -> Job | None:
        try:
            return self._dirs.claim(entry)
        except InputError as error:
            self._tell_rejected(entry.name, entry.path, error)
            return None
        except (VolleyError, OSError) as error:
            self._log.error(events.ENGINE_FAULT, what="cannot claim a job", job=entry.name, error=str(error))
            return None

    async def _take(self, job: Job) -> None:
        """Take a job in, or reject it; whatever it is, it stops nothing else."""
        while True:
            try:
                try:
                    await self._load(job)
                except InputError as error:
                    await self._reject(job, error)
                except (VolleyError, OSError) as error:
                    if isinstance(error, StoreError) or getattr(error, "errno", None) in NO_SPACE:
                        raise
                    await self._reject(job, _unreadable(job, error))
                except Exception as error:  # nonsense that no check foresaw must not come back at every start
                    self._log.exception(events.ENGINE_FAULT, what="taking in a job broke", job=job.id)
                    await self._reject(job, _unreadable(job, error))
                return
            except (StoreError, OSError) as error:
                # The disk is full or broken: the job stays in processing/ and goes on where it was.
                if not isinstance(error, StoreFault):  # that one is told by the writer's health
                    self._log.error(events.STORE_FAILED, job=job.id, error=str(error), retry_in=STORE_RETRY)
                await asyncio.sleep(STORE_RETRY)

    # -- one job -------------------------------------------------------------------------------------------------------

    async def _load(self, job: Job) -> None:
        await asyncio.to_thread(self._dirs.inspect, job)
        content = await asyncio.to_thread(self._dirs.fingerprint, job)
        known: JobRow | None = await self._writer.submit(
            partial(jobs.find_job, job_id=job.id, fingerprint=content)
        )
        if known is not None and known.state == "accepted":
            if known.id == job.id:  # killed between the database and the move
                await asyncio.to_thread(self._dirs.accept, job)
                return
            raise InputError(
                [
                    Problem(
                        job.source,
                        f"the same content was accepted before, as {known.id} (campaign {known.campaign})",
                        "change something in it if it is really meant to run again",
                    )
                ]
            )
        if known is not None and known.id != job.id:
            raise InputError([Problem(job.source, f"the same content is being taken in now, as {known.id}")])
        manifest = await asyncio.to_thread(lambda: manifests.load(job.manifest))
        campaign_id = known.campaign_id if known else await self._begin(job, manifest, content)
        done, collisions = await self._store_contacts(
            job, manifest, campaign_id, known.through_row if known else 0
        )
        if collisions:
            await asyncio.to_thread(_add_collisions, job.rejects, collisions)
        if not done.accepted:
            raise InputError(
                [
                    Problem(
                        job.source,
                        f"none of its {done.rows} rows is a contact that can be called",
                        "the rejects file beside it says why" if done.rejected else "it has no rows",
                    )
                ]
            )
        if not isinstance(manifest.job, CampaignJob):
            while await self._writer.submit(
                partial(loading.release_held, campaign_id=campaign_id, now=self._clock.now(), limit=SLICE),
                bulk=True,
            ):
                pass
        row: JobRow = await self._writer.submit(
            partial(
                audited.close_job,
                job_id=job.id,
                parsed=done.accepted,
                refused=done.rejected,
                now=self._clock.now(),
                actor=await asyncio.to_thread(lambda: job.handed_in_by),
            )
        )
        while await self._writer.submit(partial(campaigns.close_cancelled, limit=SLICE), bulk=True):
            pass  # it was cancelled while contacts were added to it
        await asyncio.to_thread(self._dirs.accept, job)
        event = events.CAMPAIGN_ACCEPTED if isinstance(manifest.job, CampaignJob) else events.CONTACTS_ADDED
        self._log.info(
            event,
            campaign=row.campaign,
            job=job.id,
            rows=done.rows,
            contacts=row.accepted,
            rejected=row.rejected,
            duplicates=done.duplicates,
        )
        self._changed()

    async def _begin(self, job: Job, manifest: Manifest, content: str) -> int:
        """Open the job in the database; returns its campaign's id. Raises InputError."""
        described = manifest.job
        name = described.id if isinstance(described, CampaignJob) else described.add_to
        found = await self._writer.submit(partial(campaigns.campaign_state, name=name))
        if isinstance(described, CampaignJob):
            if found is not None:
                raise InputError(
                    [
                        Problem(
                            f"{manifest.path.name}: id",
                            f"there is a campaign {name!r} already ({found[1]})",
                            f'choose another id, or add contacts to it with add_to = "{name}"',
                        )
                    ]
                )
            new: NewCampaign | int = await prepare(
                described, manifest, self._settings, self._clock.now(), self._log
            )
        else:
            if found is None or found[1] in ("cancelled", "failed", "loading"):
                state = "there is no such campaign" if found is None else f"campaign {name!r} is {found[1]}"
                raise InputError([Problem(f"{manifest.path.name}: add_to", state, "see `volley status`")])
            new = found[0]
        return await self._writer.submit(
            partial(
                jobs.begin_job,
                job_id=job.id,
                fingerprint=content,
                source=job.source,
                campaign=new,
                now=self._clock.now(),
            )
        )

    async def _store_contacts(
        self, job: Job, manifest: Manifest, campaign_id: int, skip: int
    ) -> tuple[Done, list[Collision]]:
        """Parse and store what is not stored yet; the parser waits while the database is behind."""
        described = manifest.job
        adds = isinstance(described, AddJob)
        campaign, message = await self._campaign_of(campaign_id)
        request = ParseRequest(
            manifest.folder,
            described.contacts,
            job.rejects,
            described.region or campaign.region or self._settings.defaults.region,
            campaign.language,
            campaign.fields,
            skip,
            spoken=campaign.spoken_fields(),
            needed=campaign.needed_fields(),
            law=Law.of(campaign, self._settings, message, self._clock.now()),
        )
        collisions: list[Collision] = []
        async with contextlib.aclosing(parse_job(request)) as parts:
            async for part in parts:
                if isinstance(part, Batch):
                    collisions += await self._writer.submit(
                        partial(
                            loading.add_contacts,
                            job_id=job.id,
                            campaign_id=campaign_id,
                            contacts=part.contacts,
                            through_row=part.through_row,
                            due_at=loading.HELD if adds else self._clock.now(),
                            reject_known_numbers=adds and described.contacts.duplicates != "keep",
                            spoken_to=bool(campaign.personal()),
                        ),
                        bulk=True,
                    )
                else:
                    return part, collisions
        raise VolleyError("the parsing process ended without its last word")

    async def _campaign_of(self, campaign_id: int) -> tuple[Campaign, float | None]:
        """The campaign that contacts come to, and how long its message lasts: its region, language and fields hold for
        them too."""
        row: CampaignRow = await self._writer.submit(partial(campaigns.campaign, campaign_id=campaign_id))
        return Campaign.model_validate(row.manifest), row.message_seconds

    async def _reject(self, job: Job, error: InputError) -> None:
        while await self._writer.submit(partial(jobs.drop_job, job_id=job.id, limit=SLICE), bulk=True):
            pass
        where: Path = await asyncio.to_thread(self._dirs.reject, job, error.problems)
        self._tell_rejected(job.source, where, error)

    def _tell_rejected(self, job: str, where: Path, error: InputError) -> None:
        self._log.warning(
            events.CAMPAIGN_REJECTED,
            job=job,
            moved_to=str(where),
            problems=[str(one) for one in error.problems[:20]],
        )


def _unreadable(job: Job, error: Exception) -> InputError:
    return InputError(
        [
            Problem(
                job.source,
                f"could not be read: {str(error) or type(error).__name__}",
                "mend it and hand it in again",
            )
        ]
    )


def _add_collisions(path: Path, collisions: list[Collision]) -> None:
    """Write what the database did not take into the job's rejects file too."""
    fresh = not path.exists()
    with path.open("a", encoding="utf-8-sig" if fresh else "utf-8", newline="") as handle:
        rows = csv.writer(handle)
        if fresh:
            rows.writerow(HEADINGS)
        rows.writerows((one.row, one.code, one.reason) for one in collisions)
