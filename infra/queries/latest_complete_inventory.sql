-- The newest complete snapshot of the last 30 days: every target that was asked was read whole, or its denial accepted.
-- No row if there is none. It has what was read in that snapshot alone; what is known now is user_pools_latest.
WITH complete AS (
    SELECT snapshot_time
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    GROUP BY snapshot_time
    HAVING count_if(status NOT IN ('ok', 'absent', 'not_asked') AND accepted_by IS NULL) = 0
),
newest AS (
    SELECT max(snapshot_time) AS snapshot_time
    FROM complete
)
SELECT pool.*
FROM newest
JOIN user_pools AS pool
    ON pool.snapshot_time = newest.snapshot_time
    AND pool.dt = date_format(newest.snapshot_time, '%Y-%m-%d')
WHERE pool.dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
ORDER BY pool.account_id, pool.region, pool.id
