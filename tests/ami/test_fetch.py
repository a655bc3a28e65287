"""What the dialplan is told to fetch: plain words only, and an answer for who asked."""

from __future__ import annotations

import pytest

from engine.ami.encode import message
from engine.ami.fetch import Fetch, Fetched, Fetches
from engine.errors import RefusedField


def test_the_action() -> None:
    wanted = Fetch("https://10.0.0.5:8090/lab/fr/prompt-1.alaw", "/var/sounds/fr", "prompt-1.alaw", 8000)
    headers = dict(wanted.headers("fetch-1"))
    assert headers["Channel"] == "Local/fetch@volley-fetch"
    assert headers["Variable"].split(",") == [
        "VOLLEY_FETCH_ID=fetch-1",
        "VOLLEY_FETCH_URL=https://10.0.0.5:8090/lab/fr/prompt-1.alaw",
        "VOLLEY_FETCH_DIR=/var/sounds/fr",
        "VOLLEY_FETCH_NAME=prompt-1.alaw",
        "VOLLEY_FETCH_SIZE=8000",
    ]
    assert message(wanted.headers("fetch-1"))


@pytest.mark.parametrize(
    "odd",
    [
        "a,B=1",
        "${SHELL(id)}",
        "a b",
        "a\r\nVariable: X=1",
        "a&b",
        "a;b",
        "a|b",
        'a"b',
        "a\\b",
        "",
        "é",
        "a)b",
        "x" * 401,
    ],
)
def test_anything_that_asterisk_might_read_otherwise_is_refused(odd: str) -> None:
    good = Fetch("http://h/x.wav", "/s", "x.wav", 1)
    for field in ("url", "folder", "name"):
        parts = {"url": good.url, "folder": good.folder, "name": good.name, "size": 1, field: odd}
        with pytest.raises(RefusedField):
            Fetch(**parts).headers("fetch-1")  # type: ignore[arg-type]


async def test_an_answer_finds_who_asked() -> None:
    fetches = Fetches()
    with fetches.expected("fetch-1") as one, fetches.expected("fetch-2") as two:
        told = {"UserEvent": "VolleyFetched", "Id": "fetch-2", "Size": "12", "Folder": "1", "Curl": "0"}
        assert fetches.take(told)
        assert fetches.take(told), "told twice it changes nothing"
        assert fetches.take({**told, "Id": "fetch-9"})
        assert not fetches.take({**told, "UserEvent": "Volley"})
        assert (one.done(), two.result()) == (False, Fetched(12, True, False))
    assert fetches.take(told), "and afterwards neither"


async def test_an_answer_of_nonsense_is_nothing_fetched() -> None:
    fetches = Fetches()
    with fetches.expected("f") as answer:
        fetches.take({"UserEvent": "VolleyFetched", "Id": "f", "Size": "-1"})
        assert answer.result() == Fetched(0, False, False)
