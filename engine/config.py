"""volley.toml -> typed, frozen settings.

Knows the settings of one engine: where it keeps its state and queue, its limits, its PBXs, trunks and caller IDs.
An unknown key is an error, and all errors are reported at once with their paths. Refuses to know campaigns (those
come in jobs) and holds no secret: a secret is read at connect time from the environment or from a file of mode
0600.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from engine.detector_settings import DetectorSettings
from engine.durations import Duration
from engine.errors import Problem, RulesError, SettingsError
from engine.hook_settings import HookSettings
from engine.metrics_settings import MetricsSettings
from engine.model import E164, E164_PATTERN, Language, Model, Name
from engine.operator_settings import QuietSettings, TestNumberSettings
from engine.pbx_settings import PbxSettings
from engine.retention_settings import RetentionSettings, too_short
from engine.rules.book import Book, read_book, standard_book
from engine.rules.caller_ids import PROOF_DAYS, CallerId
from engine.rules.hours import Window
from engine.rules.numbers import NumberError, parse_number
from engine.rules.tolls import toll_problem
from engine.sound_settings import PromptSettings, SoundsSettings, TtsSettings
from engine.trunk_settings import Prefix, PrefixCap, TrunkSettings

Area = Annotated[str, StringConstraints(pattern=r"^(\+[1-9][0-9]{0,14}|[A-Z]{2}(-[A-Z0-9]{1,3})?)$")]
Sound = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class EngineSettings(Model):
    """`[engine]`: directories, and how the engine starts and stops."""

    state: Path = Path("/var/lib/volley")
    queue: Path = Path("/var/spool/volley")
    on_stop: Literal["leave", "drain"] = "leave"
    """`leave`: calls go on in Asterisk and are taken up again at the next start; `drain`: wait for them to end."""
    drain_timeout: Duration = 600.0
    commit_window: Annotated[float, Field(ge=0.0, le=0.1)] = 0.040
    """Longest wait, in seconds, for more writes to share a commit; nobody waits while the engine is idle."""
    poll_interval: Annotated[Duration, Field(ge=0.2, le=60.0)] = 1.0
    """How often the queue directory is looked at where the file system sends no notifications."""


class LimitSettings(Model):
    """`[limits]`: over all trunks together."""

    max_channels: Annotated[int, Field(ge=1, le=100_000)] = 100
    cps: Annotated[float, Field(gt=0, le=10_000)] = 10.0
    """Calls a second; never passed in any one-second window."""
    ring_timeout: Annotated[Duration, Field(ge=15.0, le=120.0)] = 25.0
    """Seconds of ringing before giving up: 15 at least (47 CFR 64.1200(a)(6); Ofcom 2010)."""
    post_dial_delay: Annotated[Duration, Field(ge=1.0, le=60.0)] = 12.0
    """Seconds allowed between the INVITE and the first ringing; the Originate's Timeout is both together."""
    max_call: Annotated[Duration, Field(ge=10.0, le=7200.0)] = 600.0
    """Absolute limit of an answered call, in seconds, enforced by the dialplan."""
    prefix_caps: dict[Prefix, PrefixCap] = Field(default_factory=dict)
    """Limits for callees whose number begins so, over all trunks together."""
    proof_days: Annotated[int, Field(ge=1, le=PROOF_DAYS)] = PROOF_DAYS
    """Days after which the proof of a caller ID is too old, and the number is not shown any more."""


class LogSettings(Model):
    """`[log]`: where the JSON lines go."""

    file: Path | None = None
    level: Literal["debug", "info", "warning", "error"] = "info"
    mask_numbers: bool = True


class TransferSettings(Model):
    """`[transfer.<name>]`: where a callee can be connected, by a key or by a node of a flow. Exactly one of `queue`, `dial` and
    `number`."""

    queue: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] | None = None
    """A queue of the PBX (queues.conf)."""
    dial: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^[A-Za-z0-9]+/[A-Za-z0-9@._:/-]+(&[A-Za-z0-9]+/[A-Za-z0-9@._:/-]+)*$",
                max_length=500,
            ),
        ]
        | None
    ) = None
    """Telephones of the PBX, such as `PJSIP/101&PJSIP/102`: they ring together."""
    number: E164 | None = None
    """A number, dialed by `trunk`."""
    trunk: Name | None = None
    caller_id: E164 | None = None
    """For `number`: the number of ours that is shown to it, one of [[caller_id]]."""
    places: Annotated[int, Field(ge=1, le=10_000)]
    """Calls at most, on each PBX, that may have this offered or are connected: agents that are there."""
    calls_per_place: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Live calls that the dialer makes for each free place. 1: whoever hears the offer has a place."""
    max_waiting: Annotated[int, Field(ge=1, le=1_000)] = 5
    """For `queue`: callers that may wait in it; from then on nobody is free."""
    ring: Annotated[Duration, Field(ge=5.0, le=600.0)] = 30.0
    """How long it rings, or the callee waits in the queue, until nobody is free."""
    max_talk: Annotated[Duration, Field(ge=30.0, le=14_400.0)] = 3600.0
    """Absolute limit of the call from then on."""

    @model_validator(mode="after")
    def _one_way(self) -> TransferSettings:
        problems = []
        if [self.queue, self.dial, self.number].count(None) != 2:
            problems.append("give exactly one of queue, dial and number")
        if (self.number is None) != (self.trunk is None):
            problems.append("a number, and nothing else, needs the trunk by which it is dialed")
        if (self.number is None) != (self.caller_id is None):
            problems.append("a number, and nothing else, needs the caller_id that is shown to it")
        if self.places * self.calls_per_place < 1:
            problems.append("places times calls_per_place is less than one call: nobody would ever be dialed")
        if self.number is not None:
            try:
                found = parse_number(self.number, None)
            except NumberError as error:
                problems.append(str(error))
            else:
                problems += filter(None, [toll_problem(found.e164, found.region, found.kind)])
        if problems:
            raise ValueError("; ".join(problems))
        return self


class DialplanSettings(Model):
    """`[dialplan]`: contexts of your own that a campaign may hand its calls to."""

    contexts: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")], ...] = ()


class LawSettings(Model):
    """`[law]`: where calls may go at all, and rules of one's own."""

    countries: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")], ...] = ()
    """Regions of the numbering plan (ISO 3166) that may be dialed; none but these is."""
    rules: Path | None = None
    """A folder of rule files: countries that Volley does not know, and rules that are stricter than the law."""

    @property
    def book(self) -> Book:
        """The rule book: the law that comes with Volley, and the folder's files. Raises RulesError."""
        return _book(self.rules)


@lru_cache(maxsize=4)
def _book(folder: Path | None) -> Book:
    return standard_book() if folder is None else read_book(folder)


class CallerIdSettings(Model):
    """`[[caller_id]]`: a number proven to be ours. Only these can be shown to a callee."""

    number: E164
    owner: Annotated[str, StringConstraints(min_length=2)]
    proof: date
    """The day on which it was proven that the number is ours."""
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 .'-]{0,15}$")] = ""
    areas: tuple[Area, ...] = ()
    """Callees to whom it is shown, and nobody else: E.164 prefixes, countries, subdivisions. Everybody when empty."""
    trunks: tuple[Name, ...] = ()
    """Trunks on which it may be shown: those whose carrier knows that it is ours. All when empty."""
    signed: Literal["A", "B"] | None = None
    """Attestation that the carrier gives it (STIR/SHAKEN, ATIS-1000074); kept for people, nothing hangs on it."""
    language: Language = "en"
    """What somebody who calls it back is spoken to in."""
    prompt: Sound | None = None
    """Sound that tells who calls from it, for somebody who calls back: a file below `sounds_dir`, in the folder of the
    language or beside it, without its ending."""
    opt_out_key: Annotated[str, StringConstraints(pattern=r"^[0-9]$")] = "9"
    """Key by which somebody who calls back is never called again."""

    @property
    def caller_id(self) -> CallerId:
        """As the pure choice takes it."""
        return CallerId(self.number, self.proof, self.areas, frozenset(self.trunks))


class DefaultSettings(Model):
    """`[defaults]`: what a campaign that says nothing gets."""

    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    window: tuple[Window, ...] = ()


class Settings(Model):
    """The whole of volley.toml."""

    engine: EngineSettings = EngineSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
    pbx: dict[Name, PbxSettings] = Field(min_length=1)
    trunk: dict[Name, TrunkSettings] = Field(min_length=1)
    caller_id: tuple[CallerIdSettings, ...] = ()
    defaults: DefaultSettings = DefaultSettings()
    prompts: PromptSettings = PromptSettings()
    sounds: SoundsSettings = SoundsSettings()
    detector: DetectorSettings = DetectorSettings()
    tts: TtsSettings = TtsSettings()
    law: LawSettings = LawSettings()
    retention: RetentionSettings = RetentionSettings()
    transfer: dict[Name, TransferSettings] = Field(default_factory=dict)
    dialplan: DialplanSettings = DialplanSettings()
    hook: dict[Name, HookSettings] = Field(default_factory=dict)
    metrics: MetricsSettings = MetricsSettings()
    quiet: QuietSettings = QuietSettings()
    test_number: tuple[TestNumberSettings, ...] = ()

    @property
    def database(self) -> Path:
        """The SQLite file of this engine."""
        return self.engine.state / "volley.db"


def load(path: Path) -> Settings:
    """Read volley.toml.

    Raises SettingsError with every problem: the file missing, not TOML, unknown keys, wrong values.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            [
                Problem(
                    str(path),
                    f"cannot read the settings: {error.strerror}",
                    "give the file with --config or VOLLEY_CONFIG",
                )
            ]
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([Problem(str(path), f"not valid TOML: {error}")]) from error
    problems = _references(table)
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        raise SettingsError(problems_of(error) + problems) from error
    try:
        problems += too_short(settings.retention, settings.law.book)
    except RulesError as error:
        problems += [Problem(f"law.rules: {one.where}", one.what, one.todo) for one in error.problems]
    if problems:
        raise SettingsError(problems)
    return settings


def _references(table: dict[str, Any]) -> list[Problem]:
    """Trunks of a PBX that is not there, caller IDs of such a trunk or listed twice; told also when something else is
    wrong."""
    pbxs, trunks = table.get("pbx"), table.get("trunk")
    found = _caller_ids(table.get("caller_id"), trunks)
    if not isinstance(pbxs, dict) or not isinstance(trunks, dict):
        return found
    for name, transfer in _tables(table.get("transfer")):
        trunk = transfer.get("trunk")
        if isinstance(trunk, str) and trunk not in trunks:
            found.append(
                Problem(
                    f"transfer.{name}.trunk", f"there is no [trunk.{trunk}]", "known: " + ", ".join(trunks)
                )
            )
        shown = transfer.get("caller_id")
        ours = [one.get("number") for one in table.get("caller_id", ()) if isinstance(one, dict)]
        if isinstance(shown, str) and shown not in ours:
            what = f"{shown} is not among the numbers proven ours"
            found.append(Problem(f"transfer.{name}.caller_id", what, "list it under [[caller_id]]"))
    named = {name: trunk.get("pbx") for name, trunk in trunks.items() if isinstance(trunk, dict)}
    return found + [
        Problem(f"trunk.{name}.pbx", f"there is no [pbx.{pbx}]", "known: " + ", ".join(pbxs))
        for name, pbx in named.items()
        if isinstance(pbx, str) and pbx not in pbxs
    ]


def _tables(value: Any) -> list[tuple[str, dict[str, Any]]]:
    return (
        [(name, one) for name, one in value.items() if isinstance(one, dict)]
        if isinstance(value, dict)
        else []
    )


def _caller_ids(listed: Any, trunks: Any) -> list[Problem]:
    found: list[Problem] = []
    seen: dict[str, int] = {}
    for at, one in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(one, dict):
            continue
        number, named = one.get("number"), one.get("trunks")
        if isinstance(number, str) and seen.setdefault(number, at) != at:
            what = f"{number} is listed already, as caller_id.{seen[number]}"
            found.append(Problem(f"caller_id.{at}.number", what, "list each number once"))
        for name in named if isinstance(named, list) and isinstance(trunks, dict) else ():
            if isinstance(name, str) and name not in trunks:
                known = "known: " + ", ".join(trunks)
                found.append(Problem(f"caller_id.{at}.trunks", f"there is no [trunk.{name}]", known))
    return found


def problems_of(error: ValidationError, prefix: str = "") -> list[Problem]:
    """Every error of a pydantic validation as a Problem whose `where` is the key's path."""
    found: list[Problem] = []
    items = error.errors(include_url=False, include_input=False)
    # A list from which pydantic took what is wrong in it is not told to be empty, too.
    holders = {item["loc"][:-1] for item in items}
    for item in items:
        if item["type"] == "too_short" and item["loc"] in holders:
            continue
        # Parts in brackets are alternatives of ours that pydantic tried, and no keys of the writer's.
        path = ".".join(part for part in map(str, item["loc"]) if not part.startswith("("))
        where = prefix + path if path else prefix.rstrip(": ")
        what = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            what = "there is no such key"
        elif item["type"] == "string_pattern_mismatch" and item["ctx"]["pattern"] == E164_PATTERN:
            what = "must be a number with + and country code, such as +33162000001"
        found.append(Problem(where or "(top)", what))
    return found
