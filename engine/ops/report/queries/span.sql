-- When the first and the last attempt of a campaign left.
SELECT min(coalesce(sent_at, created_at)) AS first, max(coalesce(sent_at, created_at)) AS last
FROM attempts
WHERE campaign_id = :campaign AND disposition IS NOT NULL AND disposition != 'NOT_SENT'
