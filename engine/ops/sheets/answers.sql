-- What callees answered, one row a question, call by call. (_id, seq) is where the next piece begins.
SELECT
    e.attempt_id AS _id,
    printf('v%016x', e.attempt_id) AS attempt,
    a.contact_id AS contact,
    c.external_id,
    n.e164 AS phone_number,
    e.seq,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.at, 'unixepoch') AS at,
    substr(e.value, 1, instr(e.value, '=') - 1) AS question,
    substr(e.value, instr(e.value, '=') + 1) AS answer,
    (SELECT printf('v%016x-%s.wav', r.attempt_id, r.node) FROM recordings r
     WHERE r.attempt_id = e.attempt_id AND r.node = substr(e.value, 1, instr(e.value, '=') - 1) AND r.deleted_at IS NULL) AS recording
FROM call_events e
    CROSS JOIN attempts a ON a.id = e.attempt_id  -- CROSS: events in the order of their key, whatever the planner thinks
    CROSS JOIN numbers n ON n.id = a.number_id
    LEFT JOIN contacts c ON c.id = a.contact_id
WHERE (e.attempt_id, e.seq) > (:after, :after_seq) AND a.campaign_id = :campaign AND e.kind = 'answer' AND e.value != ''
ORDER BY e.attempt_id, e.seq
LIMIT :limit
