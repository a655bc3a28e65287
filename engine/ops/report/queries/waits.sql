-- How long live people waited for the first audio, in steps of 50 ms.
SELECT CAST(max(0, wait) * 20 AS INTEGER) AS step, count(*) AS attempts
FROM attempts
WHERE campaign_id = :campaign AND wait IS NOT NULL
GROUP BY 1
ORDER BY 1
