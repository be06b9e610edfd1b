-- Pools that nobody modified for a year, as known now, longest first.
-- A row without an id is a target whose pools are not known.
SELECT account_id, region, read_at, id, name, creation_date, last_modified_date
FROM user_pools_latest
WHERE last_modified_date < current_timestamp - INTERVAL '1' YEAR
UNION ALL
SELECT account_id, region, NULL, NULL, NULL, NULL, NULL
FROM coverage_latest
WHERE last_ok IS NULL AND status <> 'absent'
ORDER BY last_modified_date NULLS LAST, account_id, region, id
