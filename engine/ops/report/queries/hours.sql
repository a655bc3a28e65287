-- Attempts by quarter of an hour (since 1970, UTC) and by where the callee may be: offsets from UTC are whole quarters, so that what is local
-- need not be worked out a million times.
SELECT
    CASE WHEN c.timezone IS NULL OR c.timezone = '' THEN n.zones ELSE c.timezone END AS zones,
    CAST(coalesce(a.sent_at, a.created_at) / 900 AS INTEGER) AS quarter,
    count(*) AS sent,
    count(a.answered_at) AS answered
FROM attempts a
    CROSS JOIN numbers n ON n.id = a.number_id
    LEFT JOIN contacts c ON c.id = a.contact_id
WHERE a.campaign_id = :campaign AND a.disposition IS NOT NULL AND a.disposition != 'NOT_SENT'
GROUP BY 1, 2
