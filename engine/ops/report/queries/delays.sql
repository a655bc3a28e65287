-- How long it took until it rang, by trunk, in steps of 50 ms.
SELECT t.name AS trunk, CAST(max(0, a.rang_at - a.sent_at) * 20 AS INTEGER) AS step, count(*) AS attempts
FROM attempts a
    LEFT JOIN trunks t ON t.id = a.trunk_id
WHERE a.campaign_id = :campaign AND a.disposition IS NOT NULL AND a.rang_at IS NOT NULL AND a.sent_at IS NOT NULL
GROUP BY 1, 2
ORDER BY 2
