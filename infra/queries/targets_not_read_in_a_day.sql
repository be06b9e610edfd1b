-- Targets asked in the last 30 days whose newest whole reading is older than a day, or that have none; those first.
-- last_ok is the id of the snapshot that has that reading; status and error are of the last time that it was asked.
WITH target AS (
    SELECT account_id, region, max(snapshot_time) AS asked_at, max(last_ok) AS last_ok
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    GROUP BY account_id, region
)
SELECT
    target.account_id, target.region, target.last_ok, target.asked_at,
    asked.status, asked.error_code, asked.error_message
FROM target
JOIN coverage AS asked
    ON asked.account_id = target.account_id
    AND asked.region = target.region
    AND asked.snapshot_time = target.asked_at
WHERE asked.dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    AND asked.status <> 'absent'
    AND (
        target.last_ok IS NULL
        OR target.last_ok < date_format(current_timestamp - INTERVAL '1' DAY, '%Y-%m-%dT%H-%iZ')
    )
ORDER BY target.last_ok NULLS FIRST, target.account_id, target.region
