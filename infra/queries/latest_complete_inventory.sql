-- The newest snapshot of the last 30 days in which every target was read whole or is absent; no row where there is none.
-- In a partial snapshot the pools of what could not be read are missing, which is not to say that they are gone.
WITH complete AS (
    SELECT snapshot_time
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    GROUP BY snapshot_time
    HAVING count_if(status NOT IN ('ok', 'absent')) = 0
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
