-- A campaign's attempts, in the order in which they were claimed. _id is where the next piece begins.
SELECT
    a.id AS _id,
    printf('v%016x', a.id) AS attempt,
    a.contact_id AS contact,
    c.external_id,
    n.e164 AS phone_number,
    a.dialed,
    a.caller_id,
    a.kind,
    p.name AS pbx,
    t.name AS trunk,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.created_at, 'unixepoch') AS created_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.sent_at, 'unixepoch') AS sent_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.rang_at, 'unixepoch') AS rang_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.answered_at, 'unixepoch') AS answered_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', a.ended_at, 'unixepoch') AS ended_at,
    round(max(0, a.ended_at - a.sent_at), 3) AS seconds,
    round(max(0, a.ended_at - a.answered_at), 3) AS talk_seconds,
    a.rang,
    a.disposition,
    a.counted,
    a.cause,
    a.sip,
    a.amd,
    a.result,
    round(a.heard, 2) AS heard,
    (SELECT group_concat(digit, '')
     FROM (SELECT substr(e.value, 1, 1) AS digit FROM call_events e WHERE e.attempt_id = a.id AND e.kind = 'key' ORDER BY e.seq)) AS keys,
    strftime('%Y-%m-%dT%H:%M:%fZ', b.due_at, 'unixepoch') AS callback_promised_for,
    b.state AS callback_state,
    (SELECT printf('v%016x', k.attempt_id) FROM callbacks k WHERE k.id = a.callback_id) AS callback_asked_in,
    a.flow_version,
    a.rules,
    a.note
FROM attempts a
    CROSS JOIN numbers n ON n.id = a.number_id  -- CROSS: attempts in the order of their ids, whatever the planner thinks
    LEFT JOIN contacts c ON c.id = a.contact_id
    LEFT JOIN pbxs p ON p.id = a.pbx_id
    LEFT JOIN trunks t ON t.id = a.trunk_id
    LEFT JOIN callbacks b ON b.attempt_id = a.id
WHERE a.id > :after AND a.campaign_id = :campaign
ORDER BY a.id
LIMIT :limit
