-- What the rules of a place look at: where the callee is, how often and how a number was called lately, and how much was spent.

ALTER TABLE contacts ADD COLUMN subdivision TEXT NOT NULL DEFAULT '';   -- state or province as the contact's row says it
ALTER TABLE contacts ADD COLUMN postal_code TEXT NOT NULL DEFAULT '';

ALTER TABLE campaigns ADD COLUMN message_seconds REAL;                   -- of the message; NULL: not known

CREATE INDEX attempts_number ON attempts (number_id, created_at);       -- caps and gaps hold for a number, over all campaigns

CREATE TABLE usage (                      -- what a campaign dialed and spent on a day, so that a day's caps are one row's look
    day         INTEGER NOT NULL,         -- days since 1970-01-01, UTC
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    calls       INTEGER NOT NULL DEFAULT 0,    -- dialed; those proven not to have been sent are taken off again
    cost        REAL NOT NULL DEFAULT 0,       -- of calls that ended, by the price of their trunk
    PRIMARY KEY (day, campaign_id)
) WITHOUT ROWID;
