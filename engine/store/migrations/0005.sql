-- Flows of several nodes: what a callback begins with and shows, recordings of answers, and how much of the message was heard.

ALTER TABLE callbacks ADD COLUMN start TEXT NOT NULL DEFAULT '';      -- node of the flow with which it begins; empty: as any call
ALTER TABLE callbacks ADD COLUMN caller_id TEXT NOT NULL DEFAULT '';  -- shown when it was asked for, and again when it is kept
ALTER TABLE attempts ADD COLUMN heard REAL;                           -- share of the message, 0 to 1; NULL: nobody listened, or not known
ALTER TABLE contacts ADD COLUMN spoken TEXT NOT NULL DEFAULT '{}';     -- JSON: fields that are spoken -> as the say applications take them

CREATE TABLE recordings (
    attempt_id INTEGER NOT NULL,
    node       TEXT NOT NULL,
    keep_until REAL NOT NULL,
    deleted_at REAL,                      -- the file is gone, by us or by others
    PRIMARY KEY (attempt_id, node)
) WITHOUT ROWID;
CREATE INDEX recordings_kept ON recordings (keep_until) WHERE deleted_at IS NULL;
