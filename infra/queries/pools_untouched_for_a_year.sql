-- Pools that nobody modified for a year, longest first, by each target's newest whole reading.
-- A row without an id is a target that was not once read whole in 30 days: its pools are not known.
WITH reading AS (
    SELECT account_id, region, max(snapshot_time) FILTER (WHERE status IN ('ok', 'absent')) AS read_at
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    GROUP BY account_id, region
)
SELECT
    reading.account_id, reading.region, reading.read_at,
    pool.id, pool.name, pool.creation_date, pool.last_modified_date
FROM reading
LEFT JOIN user_pools AS pool
    ON pool.account_id = reading.account_id
    AND pool.region = reading.region
    AND pool.snapshot_time = reading.read_at
    AND pool.dt = date_format(reading.read_at, '%Y-%m-%d')
    AND pool.dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
WHERE pool.last_modified_date < current_timestamp - INTERVAL '1' YEAR OR reading.read_at IS NULL
ORDER BY pool.last_modified_date, reading.account_id, reading.region, pool.id
