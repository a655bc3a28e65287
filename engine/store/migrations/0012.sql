-- Retention: since when a campaign's contacts are being blanked, and when all of them were (engine.store.purge).

ALTER TABLE campaigns ADD COLUMN purging_at REAL;                       -- NULL, or not after closed_at: not yet due, or due and not begun
ALTER TABLE campaigns ADD COLUMN purged_at REAL;                        -- after closed_at: all were; contacts that were added later are not
