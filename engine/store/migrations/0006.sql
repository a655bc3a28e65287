-- A day's cap on costs holds for calls that live, too: each one holds what it may come to at most, until it has ended.

ALTER TABLE usage ADD COLUMN held REAL NOT NULL DEFAULT 0;      -- of calls of that day that have not ended: what they may cost at most
ALTER TABLE attempts ADD COLUMN held REAL NOT NULL DEFAULT 0;   -- as much of it as this attempt held from its claim to its end
