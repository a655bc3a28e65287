"""The signature on what is sent: who has the secret can tell that it is from this engine, whole, and of now.

`Volley-Signature: t=<POSIX seconds>,v1=<hex>`, where the hex is HMAC-SHA-256 (RFC 2104) under the hook's secret over the
digits of t, a full stop, and the body as it was sent. Each try is signed anew, so that a receiver can refuse what is old.
"""

from __future__ import annotations

import hmac

HEADER = "Volley-Signature"


def sign(secret: str, body: bytes, now: float) -> str:
    """The header's value."""
    at = int(now)
    digest = hmac.digest(secret.encode(), b"%d." % at + body, "sha256")
    return f"t={at},v1={digest.hex()}"
