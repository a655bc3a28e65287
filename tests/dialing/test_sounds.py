"""A PBX of another machine gets the sounds of a flow before anything of it is dialed, and what it cannot get is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.dialing import sounds
from engine.dialing.peer import Peer
from engine.dialing.running import Running
from engine.dialing.sounds import names_in
from engine.pbx_settings import PbxSettings
from tests.ami.practice import SECRET, Fields, PracticePbx, Session, block, listening
from tests.dialing.test_peer import connected

PLAYS = {"max": "60", "n/message/prompts": "{sounds}/prompt-1"}


@dataclass
class Shelf:
    """The far PBX's side of a fetch: what lies there, and how it behaves."""

    pbx: PracticePbx
    sizes: dict[str, int]
    """What the server would give: URL -> bytes."""
    files: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """URLs, in the order in which they were fetched."""
    curl: bool = True
    folder: bool = True
    known: bool = True
    """The dialplan has volley-fetch."""
    mute: bool = False
    short: bool = False

    def put(self, folder: Path, name: str) -> None:
        """A sound on the engine's side, which the server would give."""
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(10 + len(name)))
        self.sizes[f"http://10.0.0.5:8090/lab/{name}"] = 10 + len(name)

    def originate(self, session: Session, action: Fields) -> bytes:
        ours = f"ActionID: {action['ActionID']}"
        if not self.known:
            return block("Response: Error", ours, "Message: Extension does not exist.")
        acknowledged = block("Response: Success", ours, "Message: Originate successfully queued")
        if action["Channel"] != "Local/fetch@volley-fetch":
            return acknowledged
        given = dict(part.split("=", 1) for part in action["Variable"].split(","))
        told = {name.removeprefix("VOLLEY_FETCH_"): value for name, value in given.items()}
        path = f"{told['DIR']}/{told['NAME']}"
        if self.files.get(path) != int(told["SIZE"]) and self.curl and self.folder:
            self.asked.append(told["URL"])
            self.files[path] = self.sizes.get(told["URL"], 0) - self.short
        answer = block(
            "Event: UserEvent", "Privilege: user,all", "UserEvent: VolleyFetched", f"Id: {told['ID']}",
            f"Size: {self.files.get(path, 0)}", f"Folder: {int(self.folder)}", f"Curl: {int(self.curl)}",
        )  # fmt: skip
        return acknowledged + (b"" if self.mute else answer)


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with listening() as practice:
        found = Shelf(practice, {})
        practice.answers["Originate"] = found.originate
        for name in ("prompt-1.alaw", "prompt-1.wav", "fr/prompt-1.alaw", "prompt-12.alaw"):
            found.put(tmp_path / "sounds", name)
        yield found


@pytest.fixture
async def peer(desk, shelf: Shelf, tmp_path: Path) -> AsyncIterator[Peer]:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    settings = PbxSettings(
        port=shelf.pbx.port, secret_file=secret, sounds_dir=tmp_path / "sounds", sounds_path="/var/sounds",
        sounds_url="http://10.0.0.5:8090/lab", reconnect_max=0.5,
    )  # fmt: skip
    whole = desk.settings.model_copy(update={"pbx": {"lab": settings}})
    found = Peer(
        "lab", settings, whole, desk.agenda, desk.trunks, desk.ledger, desk.follower, desk.writer,
        lambda row: Running.to_settle(row, desk.settings), desk.dispatcher.wake, lambda: None, desk.clock, desk.log,
    )  # fmt: skip
    desk.exchange = found.ami
    desk.has_flow = lambda pbx, version: found.has_flow(version)
    bringing = asyncio.create_task(found.sounds.run())
    yield found
    assert not bringing.done(), bringing.exception()
    bringing.cancel()
    await asyncio.gather(bringing, return_exceptions=True)


async def test_the_sounds_of_a_flow_come_before_its_calls(desk, peer, shelf, person) -> None:
    campaign = await desk.campaign("spring", person(1), flow=PLAYS)
    version = desk.agenda.campaigns[campaign].flow_version
    desk.start()
    async with connected(desk, peer):
        await desk.until(lambda: peer.sounds.has(version))
        assert peer.has_flow(version)
    base = "http://10.0.0.5:8090/lab"
    assert sorted(shelf.asked) == [
        f"{base}/{name}" for name in ("fr/prompt-1.alaw", "prompt-1.alaw", "prompt-1.wav")
    ]
    assert set(shelf.files) == {
        f"/var/sounds/{name}" for name in ("fr/prompt-1.alaw", "prompt-1.alaw", "prompt-1.wav")
    }


async def test_what_lies_there_already_is_not_fetched_again(desk, peer, shelf, person) -> None:
    shelf.files = {
        f"/var/sounds/{url.removeprefix('http://10.0.0.5:8090/lab/')}": size
        for url, size in shelf.sizes.items()
    }
    shelf.files["/var/sounds/prompt-1.wav"] -= 1
    campaign = await desk.campaign("spring", person(1), flow=PLAYS)
    async with connected(desk, peer):
        await desk.until(lambda: peer.has_flow(desk.agenda.campaigns[campaign].flow_version))
    assert shelf.asked == ["http://10.0.0.5:8090/lab/prompt-1.wav"], "only what was cut off"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"curl": False}, "load func_curl.so"),
        ({"folder": False}, "there is no folder /var/sounds that Asterisk's user may write"),
        ({"short": True}, "25 of 26 bytes came: does http://10.0.0.5:8090/lab lead to the engine from there"),
        ({"known": False}, "include dialplans/volley-fetch.conf on the PBX"),
    ],
)
async def test_a_pbx_that_cannot_get_them_is_told_and_not_dialed(
    desk, peer, shelf, person, monkeypatch, fault: dict[str, bool], why: str
) -> None:
    monkeypatch.setattr(sounds, "RETRY", 0.2)
    for name, value in fault.items():
        setattr(shelf, name, value)
    campaign = await desk.campaign("spring", person(1), flow=PLAYS)
    version = desk.agenda.campaigns[campaign].flow_version
    desk.start()
    async with connected(desk, peer):
        await desk.until(lambda: desk.events("sounds.missing"))
        told = desk.events("sounds.missing")[0]
        assert why in told["why"]
        assert (told["missing"], told["dialing"]) == (3, "not through this PBX")
        assert not peer.has_flow(version)
        assert desk.rows("SELECT count(*) FROM attempts") == [0]
        for name, value in fault.items():
            setattr(shelf, name, not value)
        await desk.until(lambda: peer.has_flow(version))


async def test_a_lost_connection_asks_anew(desk, peer, shelf, person) -> None:
    campaign = await desk.campaign("spring", person(1), flow=PLAYS)
    version = desk.agenda.campaigns[campaign].flow_version
    shelf.mute = True
    async with connected(desk, peer):
        await desk.until(lambda: len(shelf.asked) == 3)
        assert not peer.sounds.has(version)
        shelf.mute = False
        shelf.files.clear()
        shelf.pbx.sessions[0].hang_up()
        await desk.until(lambda: peer.sounds.has(version))
    assert len(shelf.asked) == 6


async def test_sounds_for_who_calls_back_are_fetched_and_hold_nothing_up(
    desk, peer, shelf, tmp_path: Path
) -> None:
    shelf.put(tmp_path / "sounds", "en/inbound-ask.gsm")
    async with connected(desk, peer):
        await desk.until(lambda: shelf.asked == ["http://10.0.0.5:8090/lab/en/inbound-ask.gsm"])


async def test_a_flow_that_is_over_is_not_fetched_for(desk, peer, shelf) -> None:
    peer.sounds.want("old", ["gone"])
    peer.sounds.keep({"new"})
    assert repr(peer.sounds) == "<Sounds lab ready=0 of 0 files=0>"


def test_the_names_in_a_flow() -> None:
    values = ["{sounds}/prompt-1&{sounds}/fr/goodbye", "60", "message", "{sounds}/prompt-2"]
    assert names_in(values) == {"prompt-1", "fr/goodbye", "prompt-2"}
