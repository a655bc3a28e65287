"""A real engine purges what is over when it starts, and every command that may be asked afterwards tells it."""

from __future__ import annotations

import json
import threading
import time

from engine.retention_settings import LEAST
from tests.cli.conftest import Volley, run_engine
from tests.ops.filled import Books, person


def test_an_engine_purges_what_is_over(volley: Volley, books: Books) -> None:
    with volley.config.open("a", encoding="utf-8") as settings:
        settings.write('[retention]\ncontacts = "61d"\n')
    books.now = time.time() - LEAST - 3600
    old = books.campaign("shots", [person(2, "+33199001001", external_id="a", fields={"NAME": "Zebulon"})])
    [claim] = books.claim(old)
    books.finish(claim, "ANSWERED_HUMAN", talk=7)
    books.connection.execute("UPDATE campaigns SET state = 'completed', closed_at = ?", (books.now,))
    books.connection.commit()
    books.close()
    assert "Zebulon" in json.dumps(json.loads(volley("explain", "+33199001001", "--json").stdout))

    engine = run_engine(volley)
    assert engine.stdout is not None
    patience = threading.Timer(30, engine.kill)
    patience.start()
    lines = []
    for line in engine.stdout:
        lines.append(json.loads(line))
        if lines[-1]["event"] == "numbers.purged":
            engine.terminate()
    patience.cancel()
    assert engine.wait(20) == 0, lines
    engine.stdout.close()
    assert [(one["campaign"], one["contacts"]) for one in lines if one["event"] == "contacts.purged"] == [
        ("shots", 1)
    ]
    assert json.loads(volley("status", "--json").stdout)["retention"]["purged"] == 1
    assert "is in no campaign here" in volley("explain", "+33199001001", code=1).stderr
    text = volley("explain", "--contact", "1").stdout
    assert "Purged on" in text
    assert "ANSWERED_HUMAN, talked 7.0 s" in text
    assert "Zebulon" not in volley("export", "shots").stdout
    [entry] = [
        json.loads(line)
        for line in volley("audit", "list", "--action", "contacts.purged", "--json").stdout.splitlines()
    ]
    assert (entry["subject"], entry["details"]["contacts"]) == ("campaign shots", 1)
    volley("audit", "verify")
