-- Keys that were pressed, by key and node (`9@message`).
SELECT e.value, count(*) AS presses, count(DISTINCT e.attempt_id) AS calls
FROM attempts a
    CROSS JOIN call_events e ON e.attempt_id = a.id AND e.kind = 'key'
WHERE a.campaign_id = :campaign
GROUP BY 1
