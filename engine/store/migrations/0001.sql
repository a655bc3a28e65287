-- The first schema. Instants are POSIX seconds (UTC) as REAL; try: SELECT datetime(due_at, 'unixepoch') FROM contacts.
-- E.164 numbers stand in `numbers` alone: everything else refers to their id, so that a person can be erased and the books still add up.

CREATE TABLE pbxs (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL DEFAULT ''      -- Asterisk's own start-up time as it told last: another one means that it was restarted
);

CREATE TABLE trunks (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    pbx_id INTEGER NOT NULL REFERENCES pbxs (id)
);

CREATE TABLE flows (                      -- what a callee hears, as written to AstDB; immutable, named by its content
    version TEXT PRIMARY KEY,
    entries TEXT NOT NULL                 -- JSON object: AstDB key below the version -> value
);

CREATE TABLE campaigns (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,    -- the manifest's `id`; also the channel's account code
    title        TEXT NOT NULL,
    owner        TEXT NOT NULL,
    purpose      TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('loading', 'scheduled', 'running', 'paused', 'completed', 'cancelled', 'failed')),
    manifest     TEXT NOT NULL,           -- JSON, as accepted, contacts left out
    flow_version TEXT NOT NULL REFERENCES flows (version),
    created_at   REAL NOT NULL,
    start_at     REAL NOT NULL,
    end_at       REAL,
    first_dial_at REAL,
    closed_at    REAL,                    -- completed or cancelled
    open_contacts INTEGER NOT NULL DEFAULT 0   -- contacts pending or in a call
);

CREATE TABLE jobs (                       -- one row a job that was claimed from the queue
    id          TEXT PRIMARY KEY,         -- its name in processing/
    fingerprint TEXT NOT NULL UNIQUE,     -- of its content: the same content is accepted once
    source      TEXT NOT NULL,            -- its name in incoming/
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    state       TEXT NOT NULL CHECK (state IN ('loading', 'accepted')),
    adds        INTEGER NOT NULL DEFAULT 0,    -- 1: adds to a campaign that was there before
    through_row INTEGER NOT NULL DEFAULT 0,    -- rows up to this one are in the database
    accepted    INTEGER NOT NULL DEFAULT 0,
    rejected    INTEGER NOT NULL DEFAULT 0,
    taken_at    REAL NOT NULL,
    closed_at   REAL
);

CREATE TABLE numbers (
    id     INTEGER PRIMARY KEY,
    e164   TEXT NOT NULL UNIQUE,
    region TEXT NOT NULL DEFAULT '',
    kind   TEXT NOT NULL DEFAULT '',
    zones  TEXT NOT NULL DEFAULT ''       -- IANA names, comma-separated; empty: not known
);

CREATE TABLE contacts (
    id           INTEGER PRIMARY KEY,
    campaign_id  INTEGER NOT NULL REFERENCES campaigns (id),
    job_id       TEXT NOT NULL,
    row          INTEGER NOT NULL,        -- row in the job's contact file, as its author counts
    external_id  TEXT,
    state        TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'in_call', 'done')),
    due_at       REAL NOT NULL,           -- looked at not before this instant
    number_id    INTEGER NOT NULL REFERENCES numbers (id),   -- the number to dial next, or dialed last
    position     INTEGER NOT NULL DEFAULT 0,                 -- of that number among the contact's
    numbers      INTEGER NOT NULL DEFAULT 1,
    attempts     INTEGER NOT NULL DEFAULT 0,                 -- attempts that counted against the budget
    tries        TEXT NOT NULL DEFAULT '{}',                 -- JSON: disposition -> attempts that ended so
    invalid      TEXT NOT NULL DEFAULT '',                   -- positions of numbers found invalid, comma-separated
    callbacks    INTEGER NOT NULL DEFAULT 0,                 -- callbacks dialed
    callback_id  INTEGER,                                    -- the promise that the next dial keeps
    last_attempt_at REAL,                                    -- when an attempt that counted was dialed
    disposition  TEXT NOT NULL DEFAULT '',                   -- of the last attempt; final once the contact is done
    verdict      TEXT NOT NULL DEFAULT '',                   -- the gate's last reason
    goal         TEXT NOT NULL DEFAULT '',                   -- the last call's result: opted_out, call_back, confirmed, heard, ...
    timezone     TEXT NOT NULL DEFAULT '',
    language     TEXT NOT NULL DEFAULT '',
    call_from    TEXT,
    call_to      TEXT,
    not_before   REAL,
    expires      REAL,
    consent      TEXT,                                       -- JSON
    fields       TEXT NOT NULL DEFAULT '{}'                  -- JSON: column -> value
);
CREATE INDEX contacts_due ON contacts (campaign_id, due_at) WHERE state = 'pending';
CREATE UNIQUE INDEX contacts_external ON contacts (campaign_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE contact_numbers (
    contact_id INTEGER NOT NULL REFERENCES contacts (id),
    position   INTEGER NOT NULL,
    number_id  INTEGER NOT NULL REFERENCES numbers (id),
    PRIMARY KEY (contact_id, position)
) WITHOUT ROWID;
CREATE INDEX contact_numbers_number ON contact_numbers (number_id);

CREATE TABLE decisions (                  -- one row a dial and a change of verdict
    id          INTEGER PRIMARY KEY,
    at          REAL NOT NULL,
    contact_id  INTEGER NOT NULL,
    number_id   INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    attempt_id  INTEGER,                  -- the dial that it allowed
    reason      TEXT NOT NULL,
    not_before  REAL,
    zones       TEXT NOT NULL,
    rules       TEXT NOT NULL             -- version of the rules
);
CREATE INDEX decisions_contact ON decisions (contact_id);

CREATE TABLE attempts (
    id           INTEGER PRIMARY KEY,     -- time-ordered; in Asterisk printf('v%016x', id)
    contact_id   INTEGER NOT NULL REFERENCES contacts (id),
    campaign_id  INTEGER NOT NULL,
    number_id    INTEGER NOT NULL REFERENCES numbers (id),
    position     INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('first', 'retry', 'callback')),
    pbx_id       INTEGER NOT NULL,
    trunk_id     INTEGER NOT NULL,
    caller_id    TEXT NOT NULL,
    dialed       TEXT NOT NULL,           -- as written into the dial string
    flow_version TEXT NOT NULL,
    rules        TEXT NOT NULL,
    callback_id  INTEGER,
    created_at   REAL NOT NULL,
    sent_at      REAL,
    answered_at  REAL,
    ended_at     REAL,
    rang         INTEGER NOT NULL DEFAULT 0,
    disposition  TEXT,                    -- NULL while the attempt is open
    counted      INTEGER NOT NULL DEFAULT 0,
    cause        INTEGER NOT NULL DEFAULT 0,   -- Q.850
    sip          INTEGER NOT NULL DEFAULT 0,   -- final SIP status
    amd          TEXT NOT NULL DEFAULT '',     -- AMDSTATUS/AMDCAUSE
    result       TEXT NOT NULL DEFAULT '',
    note         TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX attempts_live ON attempts (number_id) WHERE disposition IS NULL;   -- a number never has two live calls
CREATE INDEX attempts_contact ON attempts (contact_id);

CREATE TABLE call_events (                -- what the dialplan reported; (attempt, seq) makes a repeated report harmless
    attempt_id INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    value      TEXT NOT NULL,
    at         REAL NOT NULL,
    PRIMARY KEY (attempt_id, seq)
) WITHOUT ROWID;

CREATE TABLE callbacks (
    id          INTEGER PRIMARY KEY,
    contact_id  INTEGER NOT NULL REFERENCES contacts (id),
    attempt_id  INTEGER NOT NULL UNIQUE,  -- the call in which the person asked
    asked_at    REAL NOT NULL,
    due_at      REAL NOT NULL,
    state       TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'kept', 'missed', 'withdrawn')),
    kept_by     INTEGER                   -- the attempt that kept it
);
CREATE INDEX callbacks_contact ON callbacks (contact_id);
CREATE INDEX callbacks_due ON callbacks (due_at) WHERE state = 'due';

CREATE TABLE suppression (                -- never call again, for every campaign
    number_id  INTEGER PRIMARY KEY REFERENCES numbers (id),
    since      REAL NOT NULL,
    reason     TEXT NOT NULL,
    source     TEXT NOT NULL,             -- key, file, command
    actor      TEXT NOT NULL DEFAULT '',
    attempt_id INTEGER
);
