"""What the chaos callee reads off a message, and what it answers."""

from __future__ import annotations

from chaos import sip

SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 20010 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\n"
INVITE = (
    "INVITE sip:+13035550179@127.0.0.3:25660;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:25660;branch=z9hG4bKa\r\n"
    "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\n"
    'From: "Chaos" <sip:+33162000001@127.0.0.1>;tag=us\r\n'
    "To: <sip:+13035550179@127.0.0.3>\r\n"
    "Call-ID: one@here\r\n"
    "CSeq: 7 INVITE\r\n"
    "Contact: <sip:pbx@127.0.0.1:25660>\r\n"
    "\r\n"
)
SPEAKER = sip.Speaker("127.0.0.3", 25660, 25661)


def test_a_request_is_taken_apart() -> None:
    found = sip.read((INVITE + SDP).encode())
    assert (found.method, found.number, found.caller) == ("INVITE", "+13035550179", "+33162000001")
    assert not found.in_dialog
    assert len(found.via) == 2
    assert sip.audio(found.body) == sip.Audio(("127.0.0.1", 20010), 96)
    assert sip.audio("v=0\r\n") == sip.Audio(None, sip.EVENT_TYPE)


def test_an_answer_belongs_to_its_request() -> None:
    invite = sip.read(INVITE.encode())
    answer = sip.read(SPEAKER.answer(200, "OK", invite, "mine", SPEAKER.description(96)))
    assert answer.method == "SIP/2.0"
    assert answer.via == invite.via
    for same in ("from", "call-id", "cseq"):
        assert answer.headers[same] == invite.headers[same]
    assert answer.headers["to"] == invite.headers["to"] + ";tag=mine"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert sip.audio(answer.body) == sip.Audio(("127.0.0.3", 25661), 96)
    again = sip.read(INVITE.replace("0.3>\r\n", "0.3>;tag=mine\r\n").encode())
    assert again.in_dialog
    assert sip.read(SPEAKER.answer(200, "OK", again, "other")).headers["to"].endswith("tag=mine")


def test_a_bye_turns_the_call_round() -> None:
    invite = sip.read(INVITE.encode())
    bye = sip.read(SPEAKER.bye(invite, "mine"))
    assert bye.first == "BYE sip:pbx@127.0.0.1:25660 SIP/2.0"
    assert bye.headers["to"] == invite.headers["from"]
    assert bye.headers["from"] == invite.headers["to"] + ";tag=mine"
    assert bye.headers["call-id"] == "one@here"
