-- Attempts by trunk and by all that tells how they ended: few rows, from which trunks, causes and verdicts are added up. Of `amd` the verdict and
-- the reason's name are taken (MACHINE/MAXWORDS), without its measurements.
SELECT t.name AS trunk, disposition, sip, cause, answered, amd, attempts, talk, listeners, heard
FROM (
    SELECT
        trunk_id,
        disposition,
        sip,
        cause,
        answered_at IS NOT NULL AS answered,
        substr(amd, 1, instr(amd || '-', '-') - 1) AS amd,
        count(*) AS attempts,
        sum(max(0, coalesce(ended_at - answered_at, 0))) AS talk,
        count(heard) AS listeners,
        coalesce(sum(heard), 0) AS heard
    FROM attempts
    WHERE campaign_id = :campaign AND disposition IS NOT NULL AND disposition != 'NOT_SENT'
    GROUP BY 1, 2, 3, 4, 5, 6
)
    LEFT JOIN trunks t ON t.id = trunk_id
