-- Answers to questions. A question with more than :most different answers has one row, its answer NULL.
WITH given AS (
    SELECT
        substr(e.value, 1, instr(e.value, '=') - 1) AS question,
        substr(e.value, instr(e.value, '=') + 1) AS answer,
        count(*) AS times
    FROM attempts a
        CROSS JOIN call_events e ON e.attempt_id = a.id AND e.kind = 'answer'
    WHERE a.campaign_id = :campaign AND e.value LIKE '%=%'
    GROUP BY 1, 2
)
SELECT question, CASE WHEN kinds <= :most THEN answer END AS answer, sum(times) AS times
FROM (SELECT question, answer, times, count(*) OVER (PARTITION BY question) AS kinds FROM given)
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2
