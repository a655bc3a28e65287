"""The one door to Asterisk: whatever text comes, it writes what was meant or refuses."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ami.encode import (
    HEADER_LIMIT,
    LINE_LIMIT,
    Originate,
    contact_variable,
    message,
    spoken_variable,
)
from engine.errors import RefusedField, VolleyError

any_text = st.text(st.characters(), max_size=60)  # every code point, lone surrogates and controls among them
nasty = st.one_of(
    any_text,
    st.sampled_from(
        [
            "\r\nAction: Command",
            "x\r\n\r\nAction: Originate",
            "\n",
            "\r",
            "\0",
            "\x7f",
            "\udc80",
            "DB(x/y)=z",
            "a,b=c",
            "${SHELL(id)}",
            '"quoted" \\ ; & |',
            "Zoë 😀 \u2028 \x85",
            "%0D%0AAction: Command",
            "+ % 100",
        ]
    ),
)
header_names = st.one_of(st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,20}", fullmatch=True), nasty)
field_names = st.from_regex(r"[A-Z0-9_]{1,32}", fullmatch=True)

CALL = Originate(
    id="v01a20b9a82c10000",
    bucket=2992485,
    dial="PJSIP/+33199001001@carrier",
    context="volley-call",
    caller_number="+33162000001",
    caller_name="",
    timeout=37.0,
    account="spring-2026",
    codecs=("alaw", "ulaw"),
    sent=1795491005,
    flow="3f786850e387550f",
    language="en",
    fields={},
)


def read(encoded: bytes) -> list[tuple[str, str]]:
    """A message as Asterisk reads it: lines to the first empty one, cut at CR LF, a name to the first colon."""
    assert encoded.endswith(b"\r\n\r\n")
    assert encoded.count(b"\r\n\r\n") == 1
    lines = encoded[:-4].split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines)
    return [(name, value) for name, _, value in (line.decode().partition(": ") for line in lines)]


def is_control(sign: str) -> bool:
    return ord(sign) < 32 or ord(sign) == 127


def encodable(text: str) -> bool:
    return not any(0xD800 <= ord(sign) <= 0xDFFF for sign in text)


# -- messages ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(header_names, nasty), min_size=1, max_size=6))
def test_a_message_has_the_headers_that_were_meant_or_is_refused(headers: list[tuple[str, str]]) -> None:
    fits = all(
        name.isascii()
        and name.isalnum()
        and name[0].isalpha()
        and not any(map(is_control, value))
        and encodable(value)
        and len(f"{name}: {value}\r\n".encode()) <= LINE_LIMIT
        for name, value in headers
    )
    if fits:
        assert read(message(headers)) == headers
    else:
        with pytest.raises(RefusedField):
            message(headers)


@given(nasty, st.characters(max_codepoint=31), nasty)
def test_a_control_character_is_refused_never_cleaned(before: str, control: str, after: str) -> None:
    with pytest.raises(RefusedField):
        message([("Action", before + control + after)])
    with pytest.raises(RefusedField):
        contact_variable("NAME", before + control + after)


@pytest.mark.parametrize("sign", ["x", "ë", "€", "😀"])
def test_a_line_is_measured_in_bytes(sign: str) -> None:
    size = len(sign.encode())
    room = LINE_LIMIT - len("Account: \r\n")
    fitting = sign * (room // size)
    assert len(message([("Account", fitting)])) <= LINE_LIMIT + 2
    with pytest.raises(RefusedField, match="bytes"):
        message([("Account", fitting + sign)])


def test_a_message_has_as_many_headers_as_asterisk_reads() -> None:
    headers = [("Variable", "x=y")] * HEADER_LIMIT
    assert len(read(message(headers))) == HEADER_LIMIT
    with pytest.raises(RefusedField, match="129 AMI headers"):
        message([*headers, ("Variable", "x=y")])


@pytest.mark.parametrize(
    "name", ["", "Action ", " Action", "Act:ion", "Äction", "1st", "Action\n", "X-Y", "Variable\r\nAction"]
)
def test_names_are_plain(name: str) -> None:
    with pytest.raises(RefusedField, match="no AMI header name"):
        message([(name, "x")])


def test_a_refusal_is_ours_and_a_value_error() -> None:
    with pytest.raises(VolleyError) as caught:
        message([("Action", "\n")])
    assert isinstance(caught.value, ValueError)


# -- contact data ------------------------------------------------------------------------------------------------------


@given(field_names, nasty)
def test_contact_data_comes_back_whole_after_one_decoding(field: str, value: str) -> None:
    if any(map(is_control, value)) or not encodable(value):
        with pytest.raises(RefusedField):
            contact_variable(field, value)
        return
    name, written = contact_variable(field, value)
    assert name == "Variable"
    variable, _, encoded = written.partition("=")
    assert variable == f"VOLLEY_C_{field}"
    assert unquote(encoded, errors="strict") == value
    # Nothing that AMI, a Variable header or the dialplan could take for something else.
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")


@given(
    any_text.filter(
        lambda text: not (text.isascii() and text.replace("_", "A").isalnum() and text.upper() == text)
    )
)
def test_a_field_has_a_plain_name(field: str) -> None:
    with pytest.raises(RefusedField, match="no field name"):
        contact_variable(field, "x")


@pytest.mark.parametrize("field", ["", "A" * 33, "name", "NAME)", "DB(x/y)", "NAME\n", "NA ME", "ÉTÉ"])
def test_names_that_are_none(field: str) -> None:
    with pytest.raises(RefusedField, match="no field name"):
        contact_variable(field, "x")


# -- Originate ---------------------------------------------------------------------------------------------------------


def test_an_originate_to_the_byte() -> None:
    assert read(replace(CALL, caller_name="Anna B.", fields={"NAME": 'Zoë, "O\'Neill"'}).encode()) == [
        ("Action", "Originate"),
        ("ActionID", "v01a20b9a82c10000"),
        ("Channel", "PJSIP/+33199001001@carrier"),
        ("ChannelId", "v01a20b9a82c10000"),
        ("Context", "volley-call"),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Timeout", "37000"),
        ("CallerID", '"Anna B." <+33162000001>'),
        ("Account", "spring-2026"),
        ("Codecs", "alaw,ulaw"),
        ("Async", "true"),
        ("Variable", "DB(volley/2992485/v01a20b9a82c10000/sent)=1795491005"),
        ("Variable", "CHANNEL(hangup_handler_push)=volley-end\\,s\\,1"),
        ("Variable", "CHANNEL(language)=en"),
        ("Variable", "VOLLEY_ATTEMPT=v01a20b9a82c10000"),
        ("Variable", "VOLLEY_BUCKET=2992485"),
        ("Variable", "VOLLEY_FLOW=3f786850e387550f"),
        ("Variable", "VOLLEY_C_NAME=Zo%C3%AB%2C%20%22O%27Neill%22"),
    ]


def test_a_caller_without_a_name() -> None:
    assert ("CallerID", "<+33162000001>") in read(CALL.encode())


@given(st.dictionaries(field_names, nasty, max_size=5))
def test_contact_data_adds_a_variable_each_and_nothing_else(fields: dict[str, str]) -> None:
    try:
        headers = read(replace(CALL, fields=fields).encode())
    except RefusedField:
        return
    plain = read(CALL.encode())
    assert headers[: len(plain)] == plain
    added = headers[len(plain) :]
    assert [name for name, _ in added] == ["Variable"] * len(fields)
    assert {text.partition("=")[0]: unquote(text.partition("=")[2]) for _, text in added} == {
        f"VOLLEY_C_{name}": value for name, value in fields.items()
    }


def test_fields_over_the_limits_are_refused() -> None:
    with pytest.raises(RefusedField, match="bytes"):
        replace(CALL, fields={"NAME": "é" * 200}).encode()
    with pytest.raises(RefusedField, match="headers"):
        replace(CALL, fields={f"F{at}": "x" for at in range(120)}).encode()


@pytest.mark.parametrize(
    "dial",
    [
        "",
        "PJSIP/",
        "PJSIP",
        "PJSIP/1@a&PJSIP/2@a",
        "PJSIP/1@a,30",
        "PJSIP/${EXTEN}@a",
        "PJSIP/1@a\r\nAction: x",
        "PJSIP/1@a;x",
        "Local/1 2@a",
        "PJSIP/\uff11@a",
    ],
)
def test_a_dial_string_reaches_one_place(dial: str) -> None:
    with pytest.raises(RefusedField, match="no dial string"):
        replace(CALL, dial=dial).encode()


@given(nasty)
def test_what_stands_unencoded_in_a_variable_is_a_plain_word(text: str) -> None:
    plain = text.isascii() and text.replace("_", "a").replace("-", "a").isalnum() and len(text) <= 64
    for call in (replace(CALL, language=text), replace(CALL, flow=text), replace(CALL, id=text)):
        if plain:
            call.encode()
        else:
            with pytest.raises(RefusedField):
                call.encode()


@given(nasty, nasty, nasty)
def test_no_part_of_a_call_can_add_a_header(account: str, context: str, caller: str) -> None:
    try:
        headers = read(replace(CALL, account=account, context=context, caller_number=caller).encode())
    except RefusedField:
        return
    assert [name for name, _ in headers] == [name for name, _ in read(CALL.encode())]


# -- what is spoken, and where a call begins ---------------------------------------------------------------------------


def variables(call: Originate) -> list[str]:
    return [value for name, value in read(call.encode()) if name == "Variable"]


def test_a_plain_call_has_none_of_it() -> None:
    assert not [
        one
        for one in variables(CALL)
        if one.startswith(("VOLLEY_S", "VOLLEY_DATE", "VOLLEY_TIME", "VOLLEY_NO"))
    ]


def test_spoken_fields_go_with_the_formats_of_their_language() -> None:
    call = replace(
        CALL, spoken={"DUE": "1798113600", "SUM": "12-50-eur"}, formats=("AdBY", "HM"), start="agent", no_callback=True,
        fields={"NAME": "Zoë"},
    )  # fmt: skip
    found = variables(call)
    assert found[found.index("VOLLEY_START=agent") :] == [
        "VOLLEY_START=agent", "VOLLEY_NO_CALLBACK=1", "VOLLEY_DATE=AdBY", "VOLLEY_TIME=HM", "VOLLEY_S_DUE=1798113600",
        "VOLLEY_S_SUM=12-50-eur", "VOLLEY_C_NAME=Zo%C3%AB",
    ]  # fmt: skip


@given(nasty, nasty)
def test_what_is_spoken_is_a_plain_word_or_refused(field: str, value: str) -> None:
    """It stands in the dialplan unencoded: a comma would begin another variable, a brace a function."""
    plain = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_")
    named = 1 <= len(field) <= 32 and set(field) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
    if named and 1 <= len(value) <= 64 and set(value) <= plain:
        assert spoken_variable(field, value) == ("Variable", f"VOLLEY_S_{field}={value}")
    else:
        with pytest.raises(RefusedField):
            spoken_variable(field, value)


@given(nasty)
def test_a_node_and_formats_are_plain_words_or_refused(word: str) -> None:
    for call in (replace(CALL, start=word), replace(CALL, spoken={"DUE": "1"}, formats=(word, "HM"))):
        try:
            found = variables(call)
        except RefusedField:
            continue
        assert not set(word) & set(",;=$(){}&|\\\"' ")
        assert sum(word in one for one in found) >= (1 if word else 0)
