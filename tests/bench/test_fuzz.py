"""The fuzz of the AMI encoder: some ten thousand fields each time, and proof that it would see what is smuggled."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from bench.fuzz import manager
from bench.fuzz.hostile import Case, Hostile
from bench.fuzz.offline import Smuggled, Tally, check, run
from engine.ami.encode import Originate
from engine.errors import RefusedField


def test_nothing_but_what_was_meant_is_in_a_message() -> None:
    tally = run(20_000, seed=1)
    assert tally.fields >= 20_000
    assert tally.refused > 500
    assert tally.arrived > 3_000


def call() -> Originate:
    return Hostile(3).case(7, "PJSIP/+33199001001@carrier", "volley-call", carried=True).call


class Careless(Originate):
    """Writes what it is given."""

    SMUGGLE = b""

    def encode(self) -> bytes:
        return super().encode()[:-2] + self.SMUGGLE + b"\r\n"


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Variable: EVIL=1\r\n",
        b"Variable: VOLLEY_C_X=a,EVIL=1\r\n",
        b"Action: Command\r\n",
        b"\r\nAction: Command\r\nCommand: core stop now\r\n",
        b"Account: other\r\n",
        b"Variable: VOLLEY_ATTEMPT=v0\nVariable: EVIL=1\r\n",
        b"X: " + b"x" * 1030 + b"\r\n",
    ],
)
def test_what_is_smuggled_is_seen(smuggled: bytes) -> None:
    one = call()
    careless = Careless(**{name: getattr(one, name) for name in Originate.__dataclass_fields__})
    check(Case(careless, 1), Tally())
    careless_class = type("Smuggling", (Careless,), {"SMUGGLE": smuggled})
    smuggling = careless_class(**{name: getattr(one, name) for name in Originate.__dataclass_fields__})
    with pytest.raises(Smuggled):
        check(Case(smuggling, 1), Tally())


def test_the_parser_reads_as_asterisk_does() -> None:
    assert manager.messages(b"Action: Ping\r\nX:  y\r\n\r\n\r\nAction: B\r\n\r\n") == [
        [(b"Action", b"Ping"), (b"X", b"y")], [(b"Action", b"B")],
    ]  # fmt: skip
    long = manager.messages(b"Action: " + b"x" * 1016 + b"Action: Evil\r\n\r\n")[0]
    assert long[1] == (b"Action", b"Evil")  # cut at its buffer's end, and read on
    assert len(manager.messages(b"V: x\r\n" * 200 + b"\r\n")[0]) == 128
    for text, parts in {
        b"a=1,b=2": [b"a=1", b"b=2"],
        b"DB(x,y)=1,b": [b"DB(x,y)=1", b"b"],
        b"a[1,2],b": [b"a[1,2]", b"b"],
        b'a="x,y",b': [b"a=x,y", b"b"],
        b"end\\,s\\,1,b": [b"end,s,1", b"b"],
        b"a),b": [b"a)", b"b"],
    }.items():
        assert manager.arguments(text) == parts
    value = 'Zoë, "O\'Neill" %zz\u2028'
    assert manager.decoded(quote(value, safe="").encode()).decode() == value
    assert manager.decoded(b"%zz%4") == b"%zz%4"


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("caller_number", ["", "anna", "+33162000001> <+44", "+" * 3, "+33162000001\n", "1" * 21]),
        ("caller_name", ['x" <+33162009999> "', "Zoë", "a\\b", "x" * 81, "a<b"]),
        ("account", ["", "a b", "a,b", "x" * 81, "é"]),
        ("context", ["", "a b", "volley-call,s,1", "x" * 65]),
        ("codecs", [("alaw,ulaw",), ("",), ("a b",)]),
    ],
)
def test_what_is_no_contact_s_is_plain_too(part: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(RefusedField):
            replace(call(), **{part: value}).encode()
