-- Attempts by trunk and by all that tells how they ended: few rows, from which trunks, causes and verdicts are added up. Of `amd` the verdict and
-- the reason's name are taken (MACHINE/MAXWORDS), without its measurements.
SELECT
    t.name AS trunk,
    a.disposition,
    a.sip,
    a.cause,
    a.answered_at IS NOT NULL AS answered,
    substr(a.amd, 1, instr(a.amd || '-', '-') - 1) AS amd,
    count(*) AS attempts,
    sum(max(0, coalesce(a.ended_at - a.answered_at, 0))) AS talk,
    count(a.heard) AS listeners,
    coalesce(sum(a.heard), 0) AS heard
FROM attempts a
    LEFT JOIN trunks t ON t.id = a.trunk_id
WHERE a.campaign_id = :campaign AND a.disposition IS NOT NULL AND a.disposition != 'NOT_SENT'
GROUP BY 1, 2, 3, 4, 5, 6
