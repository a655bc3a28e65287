"""AMI over TLS, on a real socket: the PBX that can prove itself is taken, and no other."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.ami.tls import Tls
from engine.ami.visit import visit
from engine.errors import AmiUnreachable
from tests.ami.certificates import Certificate, certificate
from tests.ami.practice import SECRET, PracticePbx, listening
from tests.ami.test_client import Line, at_work, until


@dataclass(frozen=True)
class Papers:
    """Who can prove to be the PBX, and who cannot."""

    right: Certificate
    other: Certificate


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("certificates")
    return Papers(
        certificate(folder, "pbx.example", "DNS:pbx.example,IP:127.0.0.1"),
        certificate(folder, "other.example", "DNS:other.example"),
    )


@pytest.mark.parametrize("name", [None, "pbx.example"], ids=["by address", "by name"])
async def test_the_whole_way_over_tls(papers: Papers, name: str | None) -> None:
    async with listening(papers.right.server()) as pbx:
        line = Line(pbx.port, tls=Tls(papers.right.file, name))
        async with at_work(line) as client:
            await until(lambda: client.up)
            await client.put_flow("f2", {"max": "60"})
            assert pbx.database == {"/volleyflow/f2/max": "60"}
            assert await client.flows() == {"f2"}
            cipher = pbx.sessions[0].writer.get_extra_info("cipher")
            assert cipher[1] in ("TLSv1.2", "TLSv1.3")
            pbx.sessions[0].hang_up()
            await until(lambda: line.losses and client.up)  # and again
            assert len(pbx.sessions) == 2
        assert line.failures == []
        async with visit("127.0.0.1", pbx.port, "volley", SECRET, Tls(papers.right.file, name)) as link:
            assert (await link.ask(("Action", "CoreSettings")))["AsteriskVersion"] == "22.10.1"


async def refused(pbx: PracticePbx, tls: Tls) -> str:
    """Why it was not taken; it has learned no secret by then."""
    line = Line(pbx.port, tls=tls)
    async with at_work(line) as client:
        await until(lambda: line.failures)
        assert not client.up
    assert isinstance(line.failures[0][0], AmiUnreachable)
    assert all(SECRET.encode() not in session.raw for session in pbx.sessions)
    with pytest.raises(AmiUnreachable):
        async with visit("127.0.0.1", pbx.port, "volley", SECRET, tls):
            pass
    return str(line.failures[0][0])


async def test_a_pbx_that_nobody_vouches_for_learns_no_secret(papers: Papers, tmp_path: Path) -> None:
    async with listening(papers.right.server()) as pbx:
        for tls in (Tls(), Tls(papers.other.file), Tls(None, "pbx.example")):
            assert "the PBX's certificate is not believed: " in await refused(pbx, tls)
        assert "Hostname mismatch" in await refused(pbx, Tls(papers.right.file, "other.example"))
        nothing = tmp_path / "none.pem"
        assert "no certificates can be read" in await refused(pbx, Tls(nothing))
        nothing.write_text("no certificate")
        assert "no certificates can be read" in await refused(pbx, Tls(nothing))


async def test_who_speaks_no_tls_is_told_from_who_cannot_prove_anything(
    papers: Papers, pbx: PracticePbx
) -> None:
    assert "does not speak TLS" in await refused(pbx, Tls(papers.right.file))


async def test_an_old_tls_is_none(papers: Papers) -> None:
    old = papers.right.server()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listening(old) as pbx:
        assert await refused(pbx, Tls(papers.right.file))
        await asyncio.sleep(0)
