-- Suppression lists (their numbers lie in files of their own, engine/store/list_file.py) and people who were forgotten.
-- A list that has no row here does not exist, and a row whose file is missing or damaged blocks: a file that vanished must not look
-- like a list that was never there.

CREATE TABLE lists (
    name         TEXT PRIMARY KEY,
    kind         TEXT NOT NULL CHECK (kind IN ('registry', 'litigators', 'campaign')),
    jurisdiction TEXT NOT NULL DEFAULT '',   -- ISO 3166-1, or 3166-2 for a state's own registry; empty: none
    state        TEXT NOT NULL CHECK (state IN ('current', 'dropped')),
    version      INTEGER NOT NULL,           -- the file is <name>.<version>.list
    date         TEXT NOT NULL,              -- of the data: the oldest of its parts, ISO 8601
    count        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    sha256       TEXT NOT NULL,              -- of the file
    damaged      TEXT NOT NULL DEFAULT '',   -- why it cannot be trusted; empty: it can
    revision     INTEGER NOT NULL            -- grows with every change of any row: readers compare it with what they loaded
);

CREATE TABLE list_versions (              -- what was imported, when, by whom and why; never deleted
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    how        TEXT NOT NULL CHECK (how IN ('full', 'part', 'change', 'dropped')),
    at         REAL NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    date       TEXT NOT NULL,
    count      INTEGER NOT NULL,
    added      INTEGER NOT NULL,
    removed    INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    parts      TEXT NOT NULL,             -- JSON: prefix -> date of its data
    sources    TEXT NOT NULL,             -- JSON: name, sha256, bytes and rows of each file
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- Who was forgotten stays suppressed: HMAC-SHA-256 of the E.164 number under the key in <state>/forget.key, its first 16 bytes.
CREATE TABLE forgotten (
    digest BLOB PRIMARY KEY,
    at     REAL NOT NULL,
    actor  TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
