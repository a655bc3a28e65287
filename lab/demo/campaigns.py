"""The two jobs of the demonstration: reminders of an appointment, in English and in French.

The manifest is written out as a person would write it; the numbers in it that decide what is to be expected
are the constants here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.demo.people import contacts_csv
from lab.demo.places import CALLER_ID, JOBS
from lab.numbers import Language

LANGUAGES: tuple[Language, ...] = ("en", "fr")
MAX_ATTEMPTS = 3
MAX_CALLBACKS = 1
"""Somebody who asks for a callback in every call is called back once: so it comes to an end."""
RETRIES: Mapping[str, int] = {"BUSY": 1, "NO_ANSWER": 1, "CONGESTION": 2, "ANSWERED_MACHINE": 1}
"""Disposition -> how often it is tried again; after all others there is no further call."""
PROMPTS = ("appointment", "menu", "voicemail")

_REGION: dict[Language, str] = {"en": "US", "fr": "FR"}
_COLUMNS: dict[Language, str] = {
    "en": 'external_id = "Patient no"',
    "fr": 'external_id = "N° patient"\nnot_before = "Pas avant"',
}
_TITLE: dict[Language, str] = {"en": "Appointment reminders", "fr": "Rappels de rendez-vous"}

_MANIFEST = """\
id = "{name}"
title = "{title}"
owner = "Health centre, front desk <desk@example.org>"
purpose = "informational"
caller_id = "{caller_id}"
language = "{language}"
window = [{{ days = ["mon-sun"], from = "00:00", to = "00:00", timezone = "callee" }}]
ring_timeout = "15s"            # the least that the law allows
max_call = "90s"
max_callbacks = {max_callbacks}

[message]
prompts = ["appointment.wav"]

[menu]
prompts = ["menu.wav"]
timeout = "3s"
repeats = 0
[menu.keys]
1 = "confirm"
2 = {{ action = "call_back", after = "10s" }}
9 = "never_again"

[amd]
machine = "voicemail"
[voicemail]
prompts = ["voicemail.wav"]

[retry]                         # delays of seconds: nobody wants to watch a real campaign's
max_attempts = {max_attempts}
min_gap = "3s"
{retries}

[contacts]
file = "patients.csv"
region = "{region}"
[contacts.columns]
{columns}
"""


def campaign_name(language: Language) -> str:
    """The campaign's id."""
    return f"reminders-{language}"


def make_job(language: Language, samples: Path, jobs: Path = JOBS) -> Path:
    """The folder of one job below `jobs`, ready to be handed in. `samples` holds the lab's prompts."""
    folder = jobs / campaign_name(language)
    folder.mkdir(parents=True)
    for prompt in PROMPTS:
        shutil.copyfile(samples / language / f"{prompt}.wav", folder / f"{prompt}.wav")
    (folder / "patients.csv").write_bytes(contacts_csv(language))
    final = ("REJECTED", "FAILED", "ANSWERED_HUMAN", "ANSWERED_UNSURE")
    rules = [
        f'{word} = {{ delay = "3s", attempts = {count} }}'
        for word, count in {**RETRIES, **dict.fromkeys(final, 0)}.items()
    ]
    manifest = _MANIFEST.format(
        name=campaign_name(language),
        title=_TITLE[language],
        caller_id=CALLER_ID,
        language=language,
        max_callbacks=MAX_CALLBACKS,
        max_attempts=MAX_ATTEMPTS,
        retries="\n".join(rules),
        region=_REGION[language],
        columns=_COLUMNS[language],
    )
    (folder / "campaign.toml").write_text(manifest, encoding="utf-8")
    return folder
