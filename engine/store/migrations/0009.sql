-- When it rang, so that a trunk's post-dial delay can be told.

ALTER TABLE attempts ADD COLUMN rang_at REAL;                           -- NULL: it did not ring, or that was learned afterwards
