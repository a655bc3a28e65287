-- A campaign's contacts. Columns whose names begin with _ are not exported: _id is where the next piece begins, _fields are the contact's own columns.
SELECT
    c.id AS _id,
    c.fields AS _fields,
    c.id AS contact,
    c.external_id,
    n.e164 AS phone_number,
    (SELECT group_concat(o.e164, ' ')
     FROM contact_numbers m JOIN numbers o ON o.id = m.number_id
     WHERE m.contact_id = c.id AND m.number_id != c.number_id) AS other_numbers,
    n.region,
    c.state,
    c.disposition,
    c.goal,
    c.attempts,
    c.callbacks,
    strftime('%Y-%m-%dT%H:%M:%fZ', c.last_attempt_at, 'unixepoch') AS last_attempt_at,
    CASE WHEN c.state = 'pending' AND c.due_at < 1e11 THEN strftime('%Y-%m-%dT%H:%M:%fZ', c.due_at, 'unixepoch') END AS next_look_at,
    c.verdict AS gate,
    a.cause AS last_cause,
    a.sip AS last_sip,
    a.amd AS last_amd,
    (SELECT group_concat(digit, '')
     FROM (SELECT substr(e.value, 1, 1) AS digit FROM call_events e WHERE e.attempt_id = a.id AND e.kind = 'key' ORDER BY e.seq)) AS last_keys,
    (SELECT group_concat(value, '; ')
     FROM (SELECT e.value FROM call_events e WHERE e.attempt_id = a.id AND e.kind = 'answer' ORDER BY e.seq)) AS last_answers,
    round(a.heard, 2) AS last_heard,
    round(max(0, a.ended_at - a.answered_at), 3) AS last_talk_seconds,
    (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', min(b.due_at), 'unixepoch')
     FROM callbacks b WHERE b.contact_id = c.id AND b.state = 'due') AS callback_promised_for,
    (SELECT count(*) FROM callbacks b WHERE b.contact_id = c.id AND b.state = 'kept') AS callbacks_kept,
    (SELECT count(*) FROM callbacks b WHERE b.contact_id = c.id AND b.state = 'missed') AS callbacks_missed,
    c.timezone,
    c.language,
    c.call_from,
    c.call_to,
    strftime('%Y-%m-%dT%H:%M:%fZ', c.not_before, 'unixepoch') AS not_before,
    strftime('%Y-%m-%dT%H:%M:%fZ', c.expires, 'unixepoch') AS expires,
    json_extract(c.consent, '$.purpose') AS consent_purpose,
    json_extract(c.consent, '$.at') AS consent_at,
    json_extract(c.consent, '$.source') AS consent_source,
    json_extract(c.consent, '$.reference') AS consent_reference,
    c.job_id AS job,
    c.row
FROM contacts c
    CROSS JOIN numbers n ON n.id = c.number_id  -- CROSS: contacts in the order of their ids, whatever the planner thinks
    LEFT JOIN attempts a ON a.id = (SELECT max(l.id) FROM attempts l WHERE l.contact_id = c.id)
WHERE c.id > :after AND c.campaign_id = :campaign
ORDER BY c.id
LIMIT :limit
