"""AstDB of the simulated PBX: families of keys, and the outbox of calls by bucket, where a whole bucket goes at once."""

from __future__ import annotations

from collections.abc import Iterator


class AstDb:
    """What was put, and what calls wrote into family `volley`."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}
        self.outbox: dict[bytes, dict[bytes, list[tuple[str, str]]]] = {}
        """Bucket -> attempt -> (what, value)."""

    def put(self, family: str, key: str, value: str) -> None:
        self._kept[f"/{family}/{key}"] = value

    def delete(self, family: str, key: str) -> bool:
        return self._kept.pop(f"/{family}/{key}", None) is not None

    def delete_tree(self, family: str, key: str) -> bool:
        if family == "volley" and self.outbox.pop(key.encode(), None) is not None:
            return True
        under = f"/{family}/{key}/"
        gone = [one for one in self._kept if one.startswith(under)]
        for one in gone:
            del self._kept[one]
        return bool(gone)

    def write(self, bucket: bytes, attempt: bytes, what: str, value: str) -> None:
        """An entry of a call's."""
        entries = self.outbox.get(bucket)
        if entries is None:
            entries = self.outbox[bucket] = {}
        own = entries.get(attempt)
        if own is None:
            entries[attempt] = [(what, value)]
        else:
            own.append((what, value))

    def tree(self, family: str, key: str) -> Iterator[tuple[str, str]]:
        """Keys and values below, in the order of their keys."""
        found = [(one, value) for one, value in self._kept.items() if one.startswith(f"/{family}/")]
        if family == "volley":
            found += [
                (f"/volley/{bucket.decode()}/{attempt.decode()}/{what}", value)
                for bucket, attempts in self.outbox.items()
                for attempt, entries in attempts.items()
                for what, value in entries
            ]
        under = f"/{family}/{key}/" if key else f"/{family}/"
        yield from sorted(one for one in found if one[0].startswith(under))
