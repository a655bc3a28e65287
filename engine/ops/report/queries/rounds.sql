-- People by how many attempts were made for them, and how many of those people answered one in person.
SELECT attempts, count(*) AS contacts, sum(reached) AS reached
FROM (
    SELECT count(*) AS attempts, max(disposition = 'ANSWERED_HUMAN') AS reached
    FROM attempts
    WHERE campaign_id = :campaign AND disposition IS NOT NULL AND disposition != 'NOT_SENT'
    GROUP BY contact_id
)
GROUP BY 1
ORDER BY 1
