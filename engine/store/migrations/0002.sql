-- Accountability: the audit log, decisions that can be shown years later, and opt-outs by calling back.

-- Who changed what, when and why. Append-only: each row carries the hash of the one before, so a row that was changed, left out or put in later
-- shows (`volley audit verify`). Nothing here may name a person: numbers stand by their id in `numbers`.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,         -- 1, 2, 3, ... without a gap
    at       REAL NOT NULL,
    actor    TEXT NOT NULL,               -- who: a login name, `callee`, `engine`
    action   TEXT NOT NULL,               -- engine.store.audit.Action
    subject  TEXT NOT NULL,               -- on what: `campaign spring`, `job ...`, `suppression`, `settings`
    details  TEXT NOT NULL,               -- JSON object: keys sorted, no blanks
    previous BLOB NOT NULL,               -- hash of the row before; 32 zero bytes in the first
    hash     BLOB NOT NULL                -- SHA-256, see engine.store.audit.digest
);
CREATE INDEX audit_action ON audit (action);

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- Also keeps INSERT OR REPLACE out, which deletes without a DELETE trigger.
CREATE TRIGGER audit_next_row BEFORE INSERT ON audit
WHEN NEW.id IS NOT (SELECT coalesce(max(id), 0) + 1 FROM audit)
  OR NEW.previous IS NOT coalesce((SELECT hash FROM audit ORDER BY id DESC LIMIT 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'the audit log takes its next row only'); END;

-- What a decision stood on. Empty means: not looked at by the rules of that version.
ALTER TABLE decisions ADD COLUMN local TEXT NOT NULL DEFAULT '';        -- ISO 8601 local time in each of `zones`, comma-separated, in their order
ALTER TABLE decisions ADD COLUMN country TEXT NOT NULL DEFAULT '';      -- ISO 3166-1 of the callee's place
ALTER TABLE decisions ADD COLUMN subdivision TEXT NOT NULL DEFAULT '';  -- ISO 3166-2, comma-separated where several are possible
ALTER TABLE decisions ADD COLUMN rule TEXT NOT NULL DEFAULT '';         -- id of the rule that decided
ALTER TABLE decisions ADD COLUMN consent TEXT NOT NULL DEFAULT '';      -- reference of the consent that was relied on
ALTER TABLE decisions ADD COLUMN lists TEXT NOT NULL DEFAULT '{}';      -- JSON object: list that was asked -> date of its data
ALTER TABLE decisions ADD COLUMN caller_id TEXT NOT NULL DEFAULT '';    -- the number of ours that was to be shown

CREATE TABLE inbound_opt_outs (           -- never again, by key, of somebody who called back; taken twice, nothing changes
    pbx_id    INTEGER NOT NULL REFERENCES pbxs (id),
    call      TEXT NOT NULL,              -- the channel's Uniqueid in Asterisk
    number_id INTEGER NOT NULL REFERENCES numbers (id),
    called    TEXT NOT NULL,              -- the number of ours that was called, as it arrived
    at        REAL NOT NULL,
    PRIMARY KEY (pbx_id, call)
) WITHOUT ROWID;

-- How long live people waited for the first audio, and the share of those who waited too long (engine.rules.abandonment).
ALTER TABLE attempts ADD COLUMN wait REAL;                              -- seconds from the end of the greeting to the first audio; NULL: not measured
ALTER TABLE attempts ADD COLUMN abandoned INTEGER NOT NULL DEFAULT 0;   -- a live person, and no audio within the limit

CREATE TABLE abandonment (                -- by campaign and day, so that thirty days are thirty rows
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    day         INTEGER NOT NULL,         -- of the call's end: days since 1970-01-01, UTC
    live        INTEGER NOT NULL,         -- calls that a live person answered, as far as can be told
    abandoned   INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, day)
) WITHOUT ROWID;
