-- What was known 7 days ago: what the newest snapshot of then had read or carried. read_at says as of when each row is.
-- A snapshot of release 0.1 has no read_at and carried nothing: it has the rows of what it could read.
WITH newest AS (
    SELECT max(snapshot_time) AS snapshot_time
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '37' DAY, '%Y-%m-%d')
        AND snapshot_time <= current_timestamp - INTERVAL '7' DAY
),
known AS (
    SELECT *
    FROM user_pools
    WHERE dt >= date_format(current_timestamp - INTERVAL '37' DAY, '%Y-%m-%d')
    UNION ALL
    SELECT *
    FROM user_pools_carried
    WHERE dt >= date_format(current_timestamp - INTERVAL '37' DAY, '%Y-%m-%d')
)
SELECT known.*
FROM newest
JOIN known
    ON known.snapshot_time = newest.snapshot_time
    AND known.dt = date_format(newest.snapshot_time, '%Y-%m-%d')
ORDER BY known.account_id, known.region, known.id
