-- What an operator changes while things run: a campaign's limits, and an end to all dialing.

ALTER TABLE campaigns ADD COLUMN steered TEXT NOT NULL DEFAULT '{}';    -- JSON: keys of the manifest that were changed since -> their values
ALTER TABLE campaigns ADD COLUMN steered_at REAL;                       -- when that was; NULL: never
CREATE INDEX campaigns_steered ON campaigns (steered_at) WHERE steered_at IS NOT NULL;

CREATE TABLE halts (                      -- nothing at all is dialed while one of them holds
    kind   TEXT PRIMARY KEY CHECK (kind IN ('stop', 'quiet')),
    at     REAL NOT NULL,
    until  REAL,                          -- NULL: until it is lifted
    by     TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
