"""volley.toml: every error at once with its path, and secrets that stay secret."""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.config import Settings, load, problems_of
from engine.errors import Problem, SettingsError, VolleyError
from engine.pbx_settings import PbxSettings
from engine.retention_settings import LEAST, RetentionSettings
from engine.rules.book import standard_book
from engine.rules.caller_ids import CallerId
from engine.sound_settings import SoundsSettings, TtsSettings

ROOT = Path(__file__).parents[2]

SMALL = """
[pbx.main]
secret_env = "VOLLEY_SECRET"
sounds_dir = "/var/lib/asterisk/sounds/volley"

[trunk.carrier]
pbx = "main"
dial = "PJSIP/{number}@carrier"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "volley.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text))
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return {problem.where: problem.what for problem in caught.value.problems}


# -- what is right -----------------------------------------------------------------------------------------------------


def test_a_small_file_gets_careful_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, SMALL))
    assert settings.database == Path("/var/lib/volley/volley.db")
    assert (settings.limits.max_channels, settings.limits.cps) == (100, 10.0)
    assert (settings.limits.ring_timeout, settings.limits.post_dial_delay) == (25.0, 12.0)
    assert settings.log.mask_numbers
    assert settings.engine.on_stop == "leave"
    assert settings.pbx["main"].host == "127.0.0.1"
    assert settings.trunk["carrier"].codecs == ("alaw", "ulaw")
    assert settings.caller_id == ()
    assert settings.defaults.window == ()


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load(written(tmp_path, SMALL))
    with pytest.raises(ValidationError):
        settings.limits.cps = 1000.0


def test_durations_dates_and_windows_as_people_write_them(tmp_path: Path) -> None:
    settings = load(
        written(
            tmp_path,
            SMALL
            + """
[engine]
drain_timeout = "1h30m"
[limits]
ring_timeout = "30s"
max_call = "10m"
[[caller_id]]
number = "+33162000001"
owner = "Anna"
proof = 2026-11-02
[defaults]
region = "FR"
window = [{ days = ["mon-fri"], from = "09:00", to = "19:00" }, { from = 22:00:00, to = 02:00:00, timezone = "Asia/Tokyo" }]
""",
        )
    )
    assert settings.engine.drain_timeout == 5400.0
    assert (settings.limits.ring_timeout, settings.limits.max_call) == (30.0, 600.0)
    assert settings.caller_id[0].proof == date(2026, 11, 2)
    assert settings.defaults.window[0].days == (0, 1, 2, 3, 4)
    assert settings.defaults.window[1].start == time(22)


def test_the_example_in_the_documentation_is_right(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```toml volley\.toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        load(written(tmp_path, example))


def test_every_setting_is_in_the_documentation() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for model in [Settings, *(field.annotation for field in Settings.model_fields.values())]:
        for field, info in getattr(model, "model_fields", {}).items():
            name = info.alias or field
            assert re.search(rf"`{name}`|\[+{name}\b", text), name


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_every_error_at_once_each_with_its_path(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
colour = "red"
[engine]
stat = "/var/lib/volley"
on_stop = "explode"
commit_window = 3
[limits]
cps = 0
ring_timeout = "5s"
max_call = "soon"
[pbx.main]
port = 70000
secret_env = "VOLLEY_SECRET"
sounds_dir = "/sounds"
[pbx."bad name"]
secret_env = "VOLLEY_SECRET"
sounds_dir = "/sounds"
[trunk.carrier]
pbx = "main"
dial = "PJSIP/{number}@carrier"
codecs = ["mp3"]
[trunk.other]
pbx = "main"
dial = "PJSIP/carrier"
[[caller_id]]
number = "0162000001"
owner = "A"
proof = "yesterday"
[defaults]
region = "France"
window = [{ from = "09:00", to = "25:00" }]
""",
    )
    assert set(found) == {
        "colour",
        "engine.stat",
        "engine.on_stop",
        "engine.commit_window",
        "limits.cps",
        "limits.ring_timeout",
        "limits.max_call",
        "pbx.main.port",
        "pbx.bad name.[key]",
        "trunk.carrier.codecs.0",
        "trunk.other.dial",
        "caller_id.0.number",
        "caller_id.0.owner",
        "caller_id.0.proof",
        "defaults.region",
        "defaults.window.0.to",
    }
    assert found["colour"] == found["engine.stat"] == "there is no such key"
    assert "write seconds" in found["limits.max_call"]


@pytest.mark.parametrize("table", ["engine", "limits", "log", "pbx.main", "trunk.carrier", "defaults"])
def test_an_unknown_key_is_an_error_in_every_table(tmp_path: Path, table: str) -> None:
    text = SMALL + f"\n[{table}]\nsurprise = 1\n"
    if f"[{table}]" in SMALL:
        text = SMALL.replace(f"[{table}]", f"[{table}]\nsurprise = 1")
    assert problems(tmp_path, text) == {f"{table}.surprise": "there is no such key"}


def test_caller_ids_are_ours_once_each_and_on_trunks_that_are_there(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        SMALL
        + """
[limits]
proof_days = 401
[[caller_id]]
number = "+33162000001"
owner = "Anna"
proof = 2026-11-02
trunks = ["carrier", "other"]
areas = ["FR", "fr", "+33", "33", "US-NEWYORK"]
signed = "C"
[[caller_id]]
number = "+33162000001"
owner = "Anna"
proof = 2026-11-02
prompt = "../../etc/passwd"
opt_out_key = "*"
language = "French"
""",
    )
    assert set(found) == {
        "limits.proof_days", "caller_id.0.areas.1", "caller_id.0.areas.3", "caller_id.0.areas.4", "caller_id.0.signed",
        "caller_id.0.trunks", "caller_id.1.number", "caller_id.1.prompt", "caller_id.1.opt_out_key", "caller_id.1.language",
    }  # fmt: skip
    assert found["caller_id.0.trunks"] == "there is no [trunk.other]"
    assert found["caller_id.1.number"] == "+33162000001 is listed already, as caller_id.0"


def test_a_caller_id_as_the_choice_takes_it(tmp_path: Path) -> None:
    [one] = load(
        written(
            tmp_path,
            SMALL
            + """
[[caller_id]]
number = "+12125550100"
owner = "Anna"
proof = 2026-11-02
areas = ["US-NY", "+1212"]
trunks = ["carrier"]
signed = "A"
""",
        )
    ).caller_id
    assert one.caller_id == CallerId(
        "+12125550100", date(2026, 11, 2), ("US-NY", "+1212"), frozenset({"carrier"})
    )
    assert (one.signed, one.prompt, one.opt_out_key, one.language) == ("A", None, "9", "en")


def test_a_trunk_stands_on_a_pbx_that_is_there(tmp_path: Path) -> None:
    text = SMALL.replace('pbx = "main"', 'pbx = "office"')
    assert "trunk.carrier.pbx: there is no [pbx.office]" in " ".join(
        f"{where}: {what}" for where, what in problems(tmp_path, text).items()
    )


def test_references_are_told_with_everything_else_that_is_wrong(tmp_path: Path) -> None:
    text = SMALL.replace('pbx = "main"', 'pbx = "office"').replace("PJSIP/{number}@carrier", "PJSIP/carrier")
    assert set(problems(tmp_path, text + 'codecs = ["mp3"]\n')) == {
        "trunk.carrier.pbx",
        "trunk.carrier.dial",
        "trunk.carrier.codecs.0",
    }


def test_there_is_a_pbx_and_a_trunk(tmp_path: Path) -> None:
    assert set(problems(tmp_path, "")) == {"pbx", "trunk"}
    assert set(problems(tmp_path, "[pbx]\n[trunk]\n")) == {"pbx", "trunk"}


@pytest.mark.parametrize("given", ['ca_file = "/x"\n', 'server_name = "pbx"\n'])
def test_what_is_for_tls_needs_tls(tmp_path: Path, given: str) -> None:
    text = SMALL.replace('secret_env = "VOLLEY_SECRET"\n', 'secret_env = "VOLLEY_SECRET"\n' + given)
    assert problems(tmp_path, text) == {"pbx.main": "ca_file and server_name are for tls = true"}


@pytest.mark.parametrize("given", ["", 'secret_env = "X"\nsecret_file = "/x"\n'])
def test_a_pbx_has_one_secret(tmp_path: Path, given: str) -> None:
    text = SMALL.replace('secret_env = "VOLLEY_SECRET"\n', given)
    assert problems(tmp_path, text) == {"pbx.main": "give exactly one of secret_file and secret_env"}


@pytest.mark.parametrize(
    "dial",
    [
        "PJSIP/carrier",
        "{number}",
        "PJSIP{number}",
        "PJSIP/{number}@a&PJSIP/{number}@b",
        "PJSIP/{number}@a&Local/1@b",
        "PJSIP/{number}@a,30",
        "PJSIP/${number}@a",
        "PJSIP/{number}@{endpoint}",
        "PJSIP/{number} @a",
        "Smoke/{number}",
        "pjsip/{number}@a",
        "PJSIP/{number};x",
    ],
)
def test_dial_templates_that_lead_elsewhere(tmp_path: Path, dial: str) -> None:
    assert set(problems(tmp_path, SMALL.replace("PJSIP/{number}@carrier", dial))) == {"trunk.carrier.dial"}


@pytest.mark.parametrize(
    "dial",
    [
        "PJSIP/{number}@carrier",
        "PJSIP/carrier/sip:{number}@10.0.0.1:5060",
        "Local/{number}@out",
        "DAHDI/g1/{number}",
    ],
)
def test_dial_templates(tmp_path: Path, dial: str) -> None:
    assert (
        load(written(tmp_path, SMALL.replace("PJSIP/{number}@carrier", dial))).trunk["carrier"].dial == dial
    )


@pytest.mark.parametrize("form", ["+E.164", "E.164", "national", "prefix:9", "prefix:00"])
def test_number_formats(tmp_path: Path, form: str) -> None:
    assert (
        load(written(tmp_path, SMALL + f'number_format = "{form}"\n')).trunk["carrier"].number_format == form
    )


@pytest.mark.parametrize("form", ["e164", "prefix:", "prefix:123456789", "prefix:+", "+E.164\n", ""])
def test_number_formats_that_are_none(tmp_path: Path, form: str) -> None:
    assert set(problems(tmp_path, SMALL + f'number_format = """{form}"""\n')) == {
        "trunk.carrier.number_format"
    }


def test_a_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the settings.*--config"):
        load(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot read the settings"):
        load(tmp_path)
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(written(tmp_path, "[pbx"))
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(tmp_path / "latin.toml")


def test_problems_carry_a_prefix_and_what_to_do() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"pbx": {}, "trunk": {}, "x": 1})
    assert {problem.where for problem in problems_of(caught.value, "a.toml: ")} == {
        "a.toml: pbx",
        "a.toml: trunk",
        "a.toml: x",
    }
    assert str(Problem("key", "is wrong", "mend it")) == "key: is wrong (mend it)"
    assert str(Problem("key", "is wrong")) == "key: is wrong"


# -- secrets -----------------------------------------------------------------------------------------------------------


def pbx(**more: object) -> PbxSettings:
    return PbxSettings.model_validate({"sounds_dir": "/sounds", **more})


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_secret_in_a_file(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    path.chmod(mode)
    assert pbx(secret_file=path).secret() == "s3cret"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666, 0o601, 0o610, 0o602])
def test_a_secret_that_others_may_read_is_none(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    path.chmod(mode)
    with pytest.raises(SettingsError, match=f"mode {mode:04o}.*chmod 600") as caught:
        pbx(secret_file=path).secret()
    assert "s3cret" not in str(caught.value)


def test_a_secret_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="cannot read the AMI secret"):
        pbx(secret_file=tmp_path / "none").secret()
    monkeypatch.delenv("VOLLEY_SECRET", raising=False)
    with pytest.raises(SettingsError, match=r"VOLLEY_SECRET.*secret_file"):
        pbx(secret_env="VOLLEY_SECRET").secret()


@pytest.mark.parametrize("content", [b"", b"\n", b"caf\xe9\n"])
def test_a_secret_file_that_holds_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="secret"):
        pbx(secret_file=path).secret()


def test_a_secret_in_the_environment_is_read_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = pbx(secret_env="VOLLEY_SECRET")
    monkeypatch.setenv("VOLLEY_SECRET", "s3cret")
    assert settings.secret() == "s3cret"
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()


def test_all_of_this_is_one_family_of_errors() -> None:
    assert issubclass(SettingsError, VolleyError)


# -- sounds --------------------------------------------------------------------------------------------------------------


def far(**more: object) -> Settings:
    pbx = {
        "secret_env": "X",
        "sounds_dir": "/s",
        "sounds_path": "/var/sounds",
        "sounds_url": "http://10.0.0.5:8090/far",
    }
    return Settings.model_validate(
        {
            "pbx": {"far": {**pbx, **more}},
            "trunk": {"t": {"pbx": "far", "dial": "PJSIP/{number}@t"}},
        }
    )


@pytest.mark.parametrize(
    "url", ["http://[fd00::5]:8090/far", "https://volley.example.org/sounds/far", "http://10.0.0.5"]
)
def test_where_a_far_pbx_fetches_its_sounds(url: str) -> None:
    assert far(sounds_url=url).pbx["far"].sounds_url == url


@pytest.mark.parametrize(
    "wrong",
    [
        {"sounds_path": None}, {"sounds_path": "var/sounds"}, {"sounds_path": "/var/my sounds"}, {"sounds_path": "/a/../b"},
        {"sounds_path": "/a,b"}, {"sounds_path": "/${X}"}, {"sounds_url": "ftp://10.0.0.5/far"},
        {"sounds_url": "http://10.0.0.5/far/"}, {"sounds_url": "http://10.0.0.5/a,b"}, {"sounds_url": "http://u:p@10.0.0.5/far"},
        {"sounds_url": "http://10.0.0.5/far?x=1"},
    ],
)  # fmt: skip
def test_what_the_dialplan_must_not_be_told_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="sounds_"):
        far(**wrong)


def test_the_server_of_sounds() -> None:
    def sounds(**given: object) -> SoundsSettings:
        return SoundsSettings.model_validate(given)

    assert sounds().address is None
    assert sounds(listen="10.0.0.5:8090").address == ("10.0.0.5", 8090)
    assert sounds(listen="[fd00::5]:8090").address == ("fd00::5", 8090)
    assert str(sounds(allow=["10.0.0.0/24"]).allow[0]) == "10.0.0.0/24"
    for wrong in (
        {"listen": "8090"},
        {"listen": "host:x"},
        {"allow": ["10.0.0.1/8"]},
        {"certificate": "/c.pem"},
    ):
        with pytest.raises(ValidationError):
            sounds(**wrong)


# -- voices --------------------------------------------------------------------------------------------------------------


def test_the_voice_of_a_language() -> None:
    tts = TtsSettings.model_validate({"voices": {"fr": "siwis", "fr-CA": "chantal", "pt_BR": "maria"}})
    voices = {language: tts.voice(language) for language in ("fr", "fr_CA", "fr-BE", "pt-BR", "pt", "de-AT")}
    assert voices == {
        "fr": "siwis", "fr_CA": "chantal", "fr-BE": "siwis", "pt-BR": "maria", "pt": "pt", "de-AT": "de"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"command": []}, "at least 1 item"), ({"command": ["say", "{text}"]}, r"\{text\} is unknown"),
        ({"command": ["{voice}"]}, "must not depend on"), ({"command": ["say", ""]}, "at least 1 character"),
        ({"voices": {"fr": "-x"}}, "pattern"), ({"voices": {"french": "x"}}, "pattern"), ({"timeout": "1h"}, "300"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_meant(wrong: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        TtsSettings.model_validate(wrong)


def test_retention_is_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert load(written(tmp_path, SMALL)).retention == RetentionSettings(contacts=None, jobs=None)
    found = load(written(tmp_path, SMALL + '[retention]\ncontacts = "1826d"\njobs = "90d"\n')).retention
    assert (found.contacts, found.jobs) == (1826 * 86_400.0, 90 * 86_400.0)
    wrong = problems(tmp_path, SMALL + '[retention]\ncontacts = "60d"\njobs = "1h"\n')
    assert set(wrong) == {"retention.contacts", "retention.jobs"}


def test_the_period_is_never_shorter_than_what_the_law_comes_with_looks_back() -> None:
    assert standard_book().look_back + 86_400.0 <= LEAST


def test_a_rule_of_ones_own_may_look_back_further(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ours.toml").write_text(
        """
title = "Ours"
version = 2026-11-24
tightens = "fr"

[[rule]]
id = "ours-refusal"
kind = "gap"
says = "Who refused is left alone for half a year."
purposes = ["marketing"]
after = "refusal"
gap = "180d"
from = 2026-12-01
source = "board, 12 November 2026"
basis = "house"
"""
    )
    law = f'[law]\nrules = "{tmp_path / "rules"}"\n[retention]\n'
    wrong = problems(tmp_path, SMALL + law + 'contacts = "180d"\n')
    assert wrong == {"retention.contacts": "a rule looks 180 days back at what was done at a number"}
    assert load(written(tmp_path, SMALL + law + 'contacts = "181d"\n')).retention.contacts == 181 * 86_400.0
