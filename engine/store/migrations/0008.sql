-- Hooks: what receivers outside are to be told. The rows are written by the triggers in engine/store/hook_triggers.sql, which exist only while
-- hooks are in the settings. Nothing here names a person: what a receiver gets is read when it is sent, so whoever was forgotten meanwhile is.

CREATE TABLE hooks (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    campaigns TEXT NOT NULL,              -- JSON list: globs of the campaigns that it hears of, beside those that name it
    delivered INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,      -- given up
    dropped   INTEGER NOT NULL DEFAULT 0,      -- never told: too many waited, or it had waited too long
    delivered_at REAL,                    -- the last one
    error     TEXT NOT NULL DEFAULT '',   -- the last one
    error_at  REAL,
    gone_at   REAL                        -- the receiver said that it is gone (410): nothing is sent until the next start
);

CREATE TABLE hook_events (                -- what each hook of the settings takes; made anew at each start
    hook_id INTEGER NOT NULL REFERENCES hooks (id),
    event   TEXT NOT NULL,                -- engine.hook_settings.Event
    PRIMARY KEY (hook_id, event)
) WITHOUT ROWID;

CREATE TABLE hook_follows (               -- which campaigns it hears of; made anew at each start
    campaign_id INTEGER NOT NULL,
    hook_id     INTEGER NOT NULL REFERENCES hooks (id),
    PRIMARY KEY (campaign_id, hook_id)
) WITHOUT ROWID;

CREATE TABLE hook_outbox (                -- waits to be told
    id      INTEGER PRIMARY KEY AUTOINCREMENT,   -- in the order of what happened; never used again
    hook_id INTEGER NOT NULL REFERENCES hooks (id),
    event   TEXT NOT NULL,
    subject INTEGER NOT NULL,             -- the attempt, contact, callback, number or campaign that it tells of, as the event has it
    part    INTEGER NOT NULL DEFAULT 0,   -- of call.key and call.answer: which report of the attempt
    lane    INTEGER NOT NULL,             -- rows of a lane go one after another: a contact's id; below zero what is of no contact
    at      REAL NOT NULL,
    since   REAL NOT NULL DEFAULT 0,      -- waits again since then, after it had been given up
    key     BLOB NOT NULL DEFAULT (randomblob(16)),   -- by which the receiver knows it again
    tries   INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,   -- tries that the receiver refused by its answer
    due_at  REAL NOT NULL DEFAULT 0,
    error   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX hook_outbox_hook ON hook_outbox (hook_id);

CREATE TABLE hook_failed (                -- given up, the newest of each hook
    id      INTEGER PRIMARY KEY,          -- as it was in hook_outbox
    hook_id INTEGER NOT NULL REFERENCES hooks (id),
    event   TEXT NOT NULL,
    subject INTEGER NOT NULL,
    part    INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    at      REAL NOT NULL,
    key     BLOB NOT NULL,
    tries   INTEGER NOT NULL,
    failed_at REAL NOT NULL,
    error   TEXT NOT NULL
);
CREATE INDEX hook_failed_hook ON hook_failed (hook_id);
