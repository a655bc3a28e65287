"""Reads AMI actions as Asterisk does, written after its source and after nothing of ours.

Asterisk 22, main/manager.c: get_input() hands out lines that end in CR LF and cuts what is longer than its buffer (1,024 bytes) into
a line of its own; do_message() collects up to AST_MAX_MANHEADERS (128) of them until an empty one; a header is `Name: value`
(__astman_get_header). A `Variable` goes through man_do_variable_value(), which splits it with AST_STANDARD_APP_ARGS
(main/app.c, __ast_app_separate_args): at commas outside of parentheses, brackets and quotes; quotes are taken away, and
a backslash takes the next character as it is.
"""

from __future__ import annotations

INBUF = 1024
MOST_HEADERS = 128
MOST_ARGS = 64

Message = list[tuple[bytes, bytes]]


def messages(stream: bytes) -> list[Message]:
    """Every action in the stream, as its headers in their order."""
    found: list[Message] = []
    current: Message = []
    for line in _lines(stream):
        if not line:
            if current:
                found.append(current)
            current = []
        elif len(current) < MOST_HEADERS:
            name, colon, value = line.partition(b":")
            current.append((name, value.lstrip(b" ") if colon else b""))
    if current:
        found.append(current)
    return found


def _lines(stream: bytes) -> list[bytes]:
    """get_input(): CR LF ends a line, and so do either of them alone for whoever reads with less care; what does not fit into the
    buffer is a line of its own."""
    found = []
    for line in stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"\n").split(b"\n"):
        found.append(line[:INBUF])
        if len(line) > INBUF:
            found.append(line[INBUF:])
    if found and not found[-1]:
        found.pop()
    return found


def variables(message: Message) -> list[tuple[bytes, bytes]]:
    """What an Originate's `Variable` headers set: name and value, in their order."""
    found = []
    for name, value in message:
        if name.lower() != b"variable":
            continue
        for argument in arguments(value):
            variable, sign, given = argument.partition(b"=")
            if sign and variable:
                found.append((variable, given))
    return found


def arguments(text: bytes) -> list[bytes]:
    """AST_STANDARD_APP_ARGS: the parts between commas."""
    parts: list[bytearray] = [bytearray()]
    parentheses = brackets = 0
    quoted = False
    at = 0
    while at < len(text):
        sign = text[at : at + 1]
        at += 1
        if sign == b'"':
            quoted = not quoted
            continue
        if sign == b"\\":
            parts[-1] += text[at : at + 1]
            at += 1
            continue
        if sign == b"(":
            parentheses += 1
        elif sign == b")":
            parentheses -= parentheses > 0
        elif sign == b"[":
            brackets += 1
        elif sign == b"]":
            brackets -= brackets > 0
        elif sign == b"," and not parentheses and not brackets and not quoted and len(parts) < MOST_ARGS:
            parts.append(bytearray())
            continue
        parts[-1] += sign
    return [bytes(part) for part in parts]


def decoded(value: bytes) -> bytes:
    """The dialplan's URIDECODE() (main/utils.c, ast_uri_decode): `%` and two hexadecimal digits are a byte."""
    out = bytearray()
    at = 0
    while at < len(value):
        digits = value[at + 1 : at + 3]
        if (
            value[at : at + 1] == b"%"
            and len(digits) == 2
            and all(sign in b"0123456789abcdefABCDEF" for sign in digits)
        ):
            out.append(int(digits, 16))
            at += 3
        else:
            out += value[at : at + 1]
            at += 1
    return bytes(out)
