"""The stage: labelled callees as sounds of the lab's carrier, a flow on its PBX, and the calls between them.

Knows where things lie. Refuses to know what is heard in a recording (heard.py) and what it is worth (score.py).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import wave
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import lab
from bench import pbx
from bench.amd import audio, callees, corpus
from bench.amd.callees import Callee
from bench.amd.calls import Call, call_all
from bench.amd.detector import Running
from engine.campaign import Campaign
from engine.detection import keeper
from engine.flow import compiled

MESSAGE = "This is a message from the health centre. Your appointment is on Thursday at ten. Please bring your insurance card."
VOICEMAIL = "The health centre has a message for you. Please call us back tomorrow morning. Thank you."
MENU = "Press 1 to confirm, or 9 never to be called again."
SPOKEN = {"message": MESSAGE, "menu": MENU, "voicemail": VOICEMAIL}
SPEAKER = corpus.Voice("en-us+Lee", 150, 50)
"""A voice that no callee has."""
LEVEL = -20.0
MAX_CALL = 90.0
SPEECH = "speech"


def render(recipes: Sequence[corpus.Recipe], folder: Path) -> list[Callee]:
    """Callees as WAV files in `folder`, with the table that lists them. Raises audio.AudioError."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(_rendered, [(recipe, folder) for recipe in recipes], chunksize=8))
    callees.write(folder / callees.TABLE, found)
    return found


def _rendered(job: tuple[corpus.Recipe, Path]) -> Callee:
    recipe, folder = job
    path = folder / f"{recipe.name}.wav"
    sound = audio.render(recipe, folder / SPEECH)
    write_wav(path, sound.samples)
    return Callee(
        path, recipe.label, recipe.kind, recipe.language, recipe.part, sound.greeting_end, sound.beep_end
    )


def write_wav(path: Path, samples: audio.Samples) -> None:
    """A WAV file as Asterisk plays it."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, audio.RATE, 0, "NONE", ""))
        out.writeframes(samples.tobytes())


def prompt(name: str, cache_dir: Path) -> audio.Samples:
    """What the campaign says: `message`, `menu` or `voicemail`."""
    return audio.clipped(audio.to_level(audio.speech(SPOKEN[name], SPEAKER, cache_dir), LEVEL))


def campaign(amd: Mapping[str, object]) -> Campaign:
    """The campaign that calls, with the settings of `[amd]` given."""
    return Campaign.model_validate(
        {
            "id": "bench-amd",
            "owner": "Benchmark, bench@example.com",
            "purpose": "informational",
            "caller_id": "+33162000001",
            "amd": {"machine": "voicemail", **amd},
            "message": {"prompts": ["message.wav"]},
            "voicemail": {"prompts": ["voicemail.wav"]},
            "menu": {"prompts": ["menu.wav"], "timeout": "1s", "repeats": 0},
        }
    )


@contextmanager
def stage(
    directory: Path, called: Sequence[Callee], amd: Mapping[str, object], detector: Running
) -> Iterator[tuple[lab.Lab, str, Path]]:
    """A fresh lab whose carrier has the callees by their place in the list; the flow's version; the recordings' folder.

    Raises lab.LabError and audio.AudioError.
    """
    with pbx.fresh_pbx(directory / "lab") as state:
        sounds = state.dir / "carrier" / "sounds" / "carrier" / "corpus"
        recordings = state.dir / "carrier" / "recordings" / "corpus"
        for folder in (sounds, recordings):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        if (user := (state.dir / "carrier" / "recordings").stat().st_uid) != recordings.stat().st_uid:
            os.chown(recordings, user, user)
        for number, callee in enumerate(called):
            shutil.copyfile(callee.path, sounds / f"{number:06d}.wav")
        said = state.sounds_dir / "bench-amd"
        said.mkdir(parents=True, exist_ok=True)
        for name in SPOKEN:
            write_wav(said / f"{name}.wav", prompt(name, directory / "prompts"))
        names = {f"{name}.wav": f"bench-amd/{name}" for name in SPOKEN}
        found = compiled.compile_flow(campaign(amd), names, {}, MAX_CALL)
        entries = {key: value.replace(compiled.SOUNDS, state.sounds_path) for key, value in found.items()}
        version = compiled.version(entries)
        pbx.write_flow(state, version, entries)
        pbx.write_family(state, keeper.FAMILY, keeper.entries(detector.address))
        yield state, version, recordings


def play(
    state: lab.Lab, version: str, count: int, channels: int, each_second: float, detector: Running
) -> list[Call]:
    """Call every callee. Raises ConnectionError, TimeoutError."""
    secret = state.secret_file.read_text(encoding="utf-8").strip()
    login = f"Action: Login\r\nUsername: {pbx.USER}\r\nSecret: {secret}\r\n\r\n".encode()
    address = (state.pbx_address, state.ports.ami)
    return asyncio.run(call_all(address, login, version, range(count), channels, each_second, detector))
