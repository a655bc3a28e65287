-- Countries in which people of the campaign have a number that was called.
SELECT DISTINCT n.region FROM attempts a CROSS JOIN numbers n ON n.id = a.number_id WHERE a.campaign_id = :campaign ORDER BY 1
