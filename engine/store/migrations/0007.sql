-- Texts with a contact's own fields, spoken before its call.

-- What is spoken to this contact alone: empty: nothing; 'wanted': it is not there yet, and the contact is not dialed; else a JSON list of the
-- sounds' names, in the order of the campaign's texts.
ALTER TABLE contacts ADD COLUMN speech TEXT NOT NULL DEFAULT '';
CREATE INDEX contacts_speech ON contacts (campaign_id, speech) WHERE speech != '' AND state != 'done';
