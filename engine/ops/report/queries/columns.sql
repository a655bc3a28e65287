-- Attempts by when they left, in columns of :width seconds from :first on, and by how they ended.
SELECT CAST((coalesce(sent_at, created_at) - :first) / :width AS INTEGER) AS place, disposition, count(*) AS attempts
FROM attempts
WHERE campaign_id = :campaign AND disposition IS NOT NULL AND disposition != 'NOT_SENT'
GROUP BY 1, 2
