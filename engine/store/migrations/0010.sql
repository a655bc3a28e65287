-- What keeps calls from a trunk: somebody who works on it, or its breaker.

ALTER TABLE trunks ADD COLUMN drained_at REAL;                          -- it gets no new calls since then; NULL: it does
ALTER TABLE trunks ADD COLUMN drained_by TEXT NOT NULL DEFAULT '';
ALTER TABLE trunks ADD COLUMN breaker TEXT NOT NULL DEFAULT 'closed';   -- closed, open, half_open; as the running engine has it
ALTER TABLE trunks ADD COLUMN breaker_at REAL;                          -- since when
ALTER TABLE trunks ADD COLUMN breaker_reason TEXT NOT NULL DEFAULT '';

-- What has changed of the open campaigns is asked whenever one of thousands does.
CREATE INDEX campaigns_open ON campaigns (priority DESC, id, state, open_contacts) WHERE state IN ('scheduled', 'running', 'paused');
CREATE INDEX jobs_closed ON jobs (closed_at, campaign_id);
