-- How long it took until it rang, by trunk, in steps of 50 ms.
SELECT t.name AS trunk, step, attempts
FROM (
    SELECT trunk_id, CAST(max(0, rang_at - sent_at) * 20 AS INTEGER) AS step, count(*) AS attempts
    FROM attempts
    WHERE campaign_id = :campaign AND disposition IS NOT NULL AND rang_at IS NOT NULL AND sent_at IS NOT NULL
    GROUP BY 1, 2
)
    LEFT JOIN trunks t ON t.id = trunk_id
ORDER BY step
