"""Settings as flat texts: whole, stable, and without secrets."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, SecretStr

from engine.ops.settings_trail import HIDDEN, fingerprint, flat
from tests.ops.filled import settings_in


def changed(tmp_path: Path, **changes: object) -> set[str]:
    """Keys that differ from the settings without these changes."""
    before, after = flat(settings_in(tmp_path)), flat(settings_in(tmp_path, **changes))
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def test_every_setting_by_its_path(tmp_path: Path) -> None:
    found = flat(settings_in(tmp_path))
    assert found["limits.cps"] == "10.0"
    assert found["trunk.carrier.dial"] == '"PJSIP/{number}@carrier"'
    assert found["trunk.carrier.codecs"] == '["alaw", "ulaw"]'
    assert found["pbx.lab.secret_env"] == '"VOLLEY_TEST_SECRET"'
    assert found["pbx.lab.secret_file"] == "null"
    assert found["log.mask_numbers"] == "true"
    assert len(found) > 30


def test_one_change_is_one_key(tmp_path: Path) -> None:
    assert changed(tmp_path) == set()
    assert changed(tmp_path, limits={"cps": 20}) == {"limits.cps"}
    window = [{"days": ["mon-fri"], "from": "09:00", "to": "17:00"}]
    keys = changed(tmp_path, defaults={"region": "FR", "window": window})
    assert keys == {
        "defaults.window",
        *(f"defaults.window.1.{key}" for key in ("days", "start", "end", "timezone")),
    }


def test_a_caller_id_has_a_key_of_its_own_wherever_it_stands(tmp_path: Path) -> None:
    one = {"number": "+33162000001", "owner": "Test", "proof": "2026-01-01"}
    two = {"number": "+33162000101", "owner": "Test", "proof": "2026-02-01"}
    here, there = (flat(settings_in(tmp_path, caller_id=order)) for order in ([one, two], [two, one]))
    assert here == there
    keys = {key.split(".")[1] for key in here if key.startswith("caller_id.")}
    assert len(keys) == 2  # masked they are the same
    assert all(re.fullmatch(r"\+331••01#[0-9a-f]{12}", key) for key in keys)
    assert "+33162000001" not in str(here)
    proof = [value for key, value in here.items() if key.startswith("caller_id.") and key.endswith(".proof")]
    assert sorted(proof) == ['"2026-01-01"', '"2026-02-01"']


def test_the_fingerprint_tells_the_same_from_the_other(tmp_path: Path) -> None:
    one, same = flat(settings_in(tmp_path)), dict(reversed(flat(settings_in(tmp_path)).items()))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one) != fingerprint({**one, "limits.cps": "10.5"})


class Hidden(BaseModel):
    password: str = "pa55word-of-somebody"
    api_key: str = "k3y-of-somebody"
    token: SecretStr = SecretStr("t0ken-of-somebody")
    odd: SecretStr = SecretStr("0dd-of-somebody")
    secret_file: str = "/etc/secret"
    nothing: None = None


def test_no_secret_gets_out() -> None:
    found = flat(Hidden())
    assert "somebody" not in str(found)
    assert found == {
        **dict.fromkeys(("password", "api_key", "token", "odd"), HIDDEN),
        "secret_file": '"/etc/secret"',
        "nothing": "null",
    }
