-- Pools whose pre token generation trigger is V1_0, by its own setting or by default, as known now.
-- The other versioned triggers have no newer version. A row without an id is a target whose pools are not known.
WITH pre_token AS (
    SELECT
        account_id, region, id, name, read_at,
        lambda_config.pre_token_generation_config.lambda_version AS lambda_version,
        coalesce(
            lambda_config.pre_token_generation_config.lambda_arn, lambda_config.pre_token_generation
        ) AS lambda_arn
    FROM user_pools_latest
)
SELECT account_id, region, read_at, id, name, lambda_arn, lambda_version
FROM pre_token
WHERE lambda_arn IS NOT NULL AND coalesce(lambda_version, 'V1_0') = 'V1_0'
UNION ALL
SELECT account_id, region, NULL, NULL, NULL, NULL, NULL
FROM coverage_latest
WHERE last_ok IS NULL AND status <> 'absent'
ORDER BY account_id, region, id
