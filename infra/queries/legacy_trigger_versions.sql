-- Pools whose pre token generation trigger is still V1_0, said or by default, by each target's newest whole reading.
-- The other versioned triggers have no newer version. A row without an id is a target not once read whole in 30 days.
WITH reading AS (
    SELECT account_id, region, max(snapshot_time) FILTER (WHERE status IN ('ok', 'absent')) AS read_at
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    GROUP BY account_id, region
),
pre_token AS (
    SELECT
        account_id, region, snapshot_time, dt, id, name,
        lambda_config.pre_token_generation_config.lambda_version AS lambda_version,
        coalesce(
            lambda_config.pre_token_generation_config.lambda_arn, lambda_config.pre_token_generation
        ) AS lambda_arn
    FROM user_pools
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
)
SELECT
    reading.account_id, reading.region, reading.read_at,
    pre_token.id, pre_token.name, pre_token.lambda_arn, pre_token.lambda_version
FROM reading
LEFT JOIN pre_token
    ON pre_token.account_id = reading.account_id
    AND pre_token.region = reading.region
    AND pre_token.snapshot_time = reading.read_at
    AND pre_token.dt = date_format(reading.read_at, '%Y-%m-%d')
WHERE (pre_token.lambda_arn IS NOT NULL AND coalesce(pre_token.lambda_version, 'V1_0') = 'V1_0')
    OR reading.read_at IS NULL
ORDER BY reading.account_id, reading.region, pre_token.id
