-- What receivers are told of, and in which transaction: the very one of what happened. Made on the writing connection at each start, as TEMP
-- triggers, when there are hooks in the settings at all; without any, a call costs nothing here, with some one row an event and hook.
-- `volley_now()` is the engine's clock.

-- A campaign that is new: which hooks hear of it.
CREATE TEMP TRIGGER IF NOT EXISTS hook_follows_campaign AFTER INSERT ON main.campaigns
BEGIN
    INSERT INTO hook_follows (campaign_id, hook_id)
    SELECT NEW.id, h.id FROM hooks h
    WHERE EXISTS (SELECT 1 FROM json_each(h.campaigns) p WHERE NEW.name GLOB p.value)
       OR EXISTS (SELECT 1 FROM json_each(NEW.manifest, '$.hooks') m WHERE m.value = h.name);
END;

-- An attempt has ended. One that was proven never to have been sent is void: there was no call to tell of.
CREATE TEMP TRIGGER IF NOT EXISTS hook_call_ended AFTER UPDATE OF disposition ON main.attempts
WHEN OLD.disposition IS NULL AND NEW.disposition IS NOT NULL AND NEW.disposition != 'NOT_SENT'
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT f.hook_id, e.event, NEW.id, NEW.contact_id, volley_now()
    FROM hook_follows f JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = 'call.ended'
    WHERE f.campaign_id = NEW.campaign_id;
END;

-- A key that the dialplan took, or an answer. A repeated report is no new row, so it is told once.
CREATE TEMP TRIGGER IF NOT EXISTS hook_call_event AFTER INSERT ON main.call_events
WHEN NEW.kind IN ('key', 'answer')
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, part, lane, at)
    SELECT f.hook_id, e.event, a.id, NEW.seq, a.contact_id, volley_now()
    FROM attempts a JOIN hook_follows f ON f.campaign_id = a.campaign_id
    JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = 'call.' || NEW.kind
    WHERE a.id = NEW.attempt_id;
END;

-- A contact is done. Where a whole campaign ends, its campaign.* event tells so, and not a million of these.
CREATE TEMP TRIGGER IF NOT EXISTS hook_contact_done AFTER UPDATE OF state ON main.contacts
WHEN OLD.state != 'done' AND NEW.state = 'done' AND NEW.verdict NOT IN ('campaign_cancelled', 'campaign_over')
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT f.hook_id, e.event, NEW.id, NEW.id, volley_now()
    FROM hook_follows f JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = 'contact.done'
    WHERE f.campaign_id = NEW.campaign_id;
END;

-- Somebody said never again. It holds for every campaign, so every campaign that has the number is told; where none has it (somebody who
-- called us), those that hear of all campaigns are.
CREATE TEMP TRIGGER IF NOT EXISTS hook_optout_recorded AFTER INSERT ON main.suppression
WHEN NEW.reason = 'opt-out' AND NEW.source IN ('key', 'inbound')
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT e.hook_id, e.event, NEW.number_id,
           coalesce((SELECT contact_id FROM attempts WHERE id = NEW.attempt_id), -NEW.number_id), volley_now()
    FROM hook_events e JOIN hooks h ON h.id = e.hook_id
    WHERE e.event = 'optout.recorded'
      AND (EXISTS (SELECT 1 FROM json_each(h.campaigns) p WHERE p.value = '*')
           OR EXISTS (SELECT 1 FROM contact_numbers n JOIN contacts c ON c.id = n.contact_id
                      JOIN hook_follows f ON f.campaign_id = c.campaign_id AND f.hook_id = h.id
                      WHERE n.number_id = NEW.number_id));
END;

-- Somebody asked to be called back.
CREATE TEMP TRIGGER IF NOT EXISTS hook_callback_scheduled AFTER INSERT ON main.callbacks
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT f.hook_id, e.event, NEW.id, NEW.contact_id, volley_now()
    FROM contacts c JOIN hook_follows f ON f.campaign_id = c.campaign_id
    JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = 'callback.scheduled'
    WHERE c.id = NEW.contact_id;
END;

-- What became of it: callback.kept, callback.missed, callback.withdrawn.
CREATE TEMP TRIGGER IF NOT EXISTS hook_callback_ended AFTER UPDATE OF state ON main.callbacks
WHEN OLD.state = 'due' AND NEW.state != 'due'
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT f.hook_id, e.event, NEW.id, NEW.contact_id, volley_now()
    FROM contacts c JOIN hook_follows f ON f.campaign_id = c.campaign_id
    JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = 'callback.' || NEW.state
    WHERE c.id = NEW.contact_id;
END;

-- A campaign goes from one state to another. A job has opened it: accepted, and with it started when its start has come. To running also by
-- a job that adds to one that was complete.
CREATE TEMP TRIGGER IF NOT EXISTS hook_campaign_changed AFTER UPDATE OF state ON main.campaigns
WHEN OLD.state != NEW.state
BEGIN
    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT f.hook_id, e.event, NEW.id, -NEW.id, volley_now()
    FROM hook_follows f JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = 'campaign.accepted'
    WHERE f.campaign_id = NEW.id AND OLD.state = 'loading' AND NEW.state IN ('scheduled', 'running');

    INSERT INTO hook_outbox (hook_id, event, subject, lane, at)
    SELECT f.hook_id, e.event, NEW.id, -NEW.id, volley_now()
    FROM hook_follows f JOIN hook_events e ON e.hook_id = f.hook_id AND e.event = CASE
        WHEN NEW.state = 'running' AND OLD.state != 'paused' THEN 'campaign.started'
        WHEN NEW.state IN ('scheduled', 'running') AND OLD.state = 'paused' THEN 'campaign.resumed'
        WHEN NEW.state != 'scheduled' THEN 'campaign.' || NEW.state
    END
    WHERE f.campaign_id = NEW.id;
END;
