"""Looks at this machine: the engine's files and directories, disks, limits; and, of a PBX that runs here, its files. Changes nothing."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import stat
import sys
import threading
import time
import zoneinfo
from dataclasses import replace
from pathlib import Path

from engine.config import Settings
from engine.errors import SettingsError, StoreError
from engine.hook_settings import HookSettings
from engine.ops.books import reading
from engine.ops.doctor import conf, users
from engine.ops.doctor.conf import Conf
from engine.ops.doctor.facts import Access, Host, Pbx
from engine.ops.doctor.needs import CONFS, SAID, lives_here
from engine.pbx_settings import PbxSettings
from engine.store import campaigns

RESOLVE_PATIENCE = 6.0
ETC = Path("/etc/asterisk")


def look(config: Path, settings: Settings) -> Host:
    """This machine and the engine's own files."""
    name = socket.gethostname()
    engine = users.engine_user(settings.engine.state)
    modes, secrets = {}, {}
    keepers: dict[str, PbxSettings | HookSettings] = {f"pbx.{pbx}": its for pbx, its in settings.pbx.items()}
    keepers.update({f"hook.{hook}": one for hook, one in settings.hook.items() if one.url is not None})
    database = settings.database
    private = [
        database,
        Path(f"{database}-wal"),
        *(one.secret_file for one in keepers.values() if one.secret_file),
    ]
    for path in [config, *private]:
        try:
            modes[path] = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
    for keeper, its in keepers.items():
        try:
            its.secret()
        except SettingsError as error:
            secrets[keeper] = str(error)
    wanted = [
        ("engine.state", settings.engine.state),
        ("engine.queue", settings.engine.queue),
        *((f"pbx.{pbx}.sounds_dir", its.sounds_dir) for pbx, its in settings.pbx.items()),
        *(
            (f"pbx.{pbx}.sounds_dir", folder)
            for pbx, its in settings.pbx.items()
            for folder in _languages_in(its.sounds_dir)
        ),
        *(
            (f"pbx.{pbx}.recordings_dir", its.recordings_dir)
            for pbx, its in settings.pbx.items()
            if its.recordings_dir
        ),
        *([("log.file", settings.log.file.parent)] if settings.log.file else []),
    ]
    return Host(
        config=config,
        settings=settings,
        hostname=name,
        resolves=_resolves(name),
        access=tuple(_access(what, path, "the engine", engine, "write") for what, path in wanted),
        modes=modes,
        free={path: shutil.disk_usage(path).free for _, path in wanted if path.exists()},
        filesystem=_filesystem(settings.engine.state),
        sqlite=sqlite3.sqlite_version_info,
        zones=_has_zones(),
        encoding=sys.getfilesystemencoding(),
        secrets=secrets,
    )


def _languages_in(sounds: Path) -> list[Path]:
    """The folders in it: prompts are put there too, and whoever makes one as root shuts the engine out."""
    try:
        return sorted(path for path in sounds.iterdir() if path.is_dir())
    except OSError:
        return []


def add_local(pbx: Pbx, etc: Path | None) -> Pbx:
    """The PBX's facts with what this machine tells of it. `etc`: its configuration directory; without one, /etc/asterisk of a PBX
    that runs here."""
    here = lives_here(pbx.settings)
    languages = sorted(_languages(pbx.whole))
    sounds = {language: _sounds(pbx.settings.sounds_dir, language) for language in languages}
    if not here and (etc is None or len(pbx.whole.pbx) > 1):  # files that may be another PBX's tell nothing
        return replace(pbx, sounds=sounds)
    confs = {**_confs(etc or ETC), **pbx.confs}
    pid = users.asterisk_pid(confs.get("asterisk.conf")) if here else None
    asterisk = users.asterisk_user(confs.get("asterisk.conf"), pid) if here else None
    return replace(
        pbx,
        confs=confs,
        local=here,
        sounds=sounds,
        descriptors=users.descriptors(pid) if pid is not None else None,
        access=_of_asterisk(pbx, asterisk) if here else (),
        closed=_closed(etc or ETC, asterisk) if here else (),
    )


def _confs(etc: Path) -> dict[str, Conf]:
    found = {}
    for name in CONFS:
        try:
            found[name] = conf.read(etc / name, etc)
        except FileNotFoundError:
            if etc.is_dir() and not (etc / name).exists():
                found[name] = Conf()
        except OSError:
            continue
    return found


def _of_asterisk(pbx: Pbx, asterisk: users.User | None) -> tuple[Access, ...]:
    settings, found = pbx.settings, []
    sounds = Path(settings.sounds_path or settings.sounds_dir)
    fetches = settings.sounds_url is not None
    need = "write" if fetches else "read"
    found.append(_access(f"pbx.{pbx.name}.sounds_path", sounds, "Asterisk", asterisk, need))
    if found[0].allowed and not fetches:
        # One file that cannot be read is enough to say so.
        files = (
            file for folder in (sounds, *sounds.glob("*/")) for file in folder.glob("*.*") if file.is_file()
        )
        closed = (_access(f"a sound of pbx.{pbx.name}", file, "Asterisk", asterisk, "read") for file in files)
        found += [one for one in closed if one.allowed is False][:1]
    if settings.recordings_dir is not None:
        recordings = Path(settings.recordings_path or settings.recordings_dir)
        found.append(_access(f"pbx.{pbx.name}.recordings_path", recordings, "Asterisk", asterisk, "write"))
    return tuple(found)


def _closed(etc: Path, asterisk: users.User | None) -> tuple[Access, ...]:
    looked = (
        _access("manager.conf", file, "Asterisk", asterisk, "read")
        for file in conf.files(etc / "manager.conf", etc)
    )
    return tuple(one for one in looked if one.allowed is False and one.path.exists())


def _access(what: str, path: Path, who: str, user: users.User | None, need: str) -> Access:
    if user is None:
        return Access(what, path, who, need, None, "nothing here tells as which user it runs")
    why = users.obstacle(user, path, need)
    if why is None:
        return Access(
            what, path, f"{who} ({user.name})", need, None, "the way to it is closed to you, who runs this"
        )
    return Access(what, path, f"{who} ({user.name})", need, not why, why)


def _languages(settings: Settings) -> set[str]:
    """Of the caller IDs and of the campaigns that are not over."""
    found = {one.language for one in settings.caller_id}
    try:
        with reading(settings.database) as connection:
            found |= {str(row.manifest.get("language", "en")) for row in campaigns.open_campaigns(connection)}
    except StoreError:
        pass  # no database yet, or not ours to read: the caller IDs' are what is known
    return found or {"en"}


def _sounds(folder: Path, language: str) -> tuple[str, ...]:
    places = (folder / language, folder / language.replace("-", "_").partition("_")[0], folder)
    return tuple(name for name in SAID if any(any(place.glob(f"{name}.*")) for place in places))


def _resolves(name: str) -> float | None:
    """Seconds that the look-up of `name` takes; None when it fails, or takes longer than anybody should wait."""
    took: list[float] = []

    def resolve() -> None:
        began = time.monotonic()
        try:
            socket.getaddrinfo(name, None)
        except OSError:
            return
        took.append(time.monotonic() - began)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(RESOLVE_PATIENCE)
    return took[0] if took else None


def _filesystem(path: Path) -> str:
    """The kind of file system that a path lies on, by /proc/mounts; empty when that cannot be told."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
        path = path.resolve()
    except OSError:
        return ""
    mounts = [(line.split()[1], line.split()[2]) for line in lines if len(line.split()) > 2]
    under = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    return max(under, key=lambda mount: len(mount[0]))[1] if under else ""


def _has_zones() -> bool:
    try:
        zoneinfo.ZoneInfo("America/St_Johns")
    except zoneinfo.ZoneInfoNotFoundError:
        return False
    return True
