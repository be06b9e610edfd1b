-- Which pools call a function, and from which triggers, by each target's newest whole reading: put its ARN below.
-- A row without an id is a target that was not once read whole in 30 days: what calls from there is not known.
WITH wanted AS (
    -- Without a version or an alias, it stands for all of them; the colon keeps it from standing for longer names.
    SELECT 'arn:aws:lambda:us-east-1:123456789012:function:my-function' || ':' AS arn_start
),
reading AS (
    SELECT account_id, region, max(snapshot_time) FILTER (WHERE status IN ('ok', 'absent')) AS read_at
    FROM coverage
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
    GROUP BY account_id, region
),
caller AS (
    SELECT
        pool.*,
        concat_ws(
            ', ',
            IF(starts_with(lambda_config.pre_sign_up || ':', arn_start), 'pre_sign_up'),
            IF(starts_with(lambda_config.custom_message || ':', arn_start), 'custom_message'),
            IF(starts_with(lambda_config.post_confirmation || ':', arn_start), 'post_confirmation'),
            IF(starts_with(lambda_config.pre_authentication || ':', arn_start), 'pre_authentication'),
            IF(starts_with(lambda_config.post_authentication || ':', arn_start), 'post_authentication'),
            IF(starts_with(lambda_config.define_auth_challenge || ':', arn_start), 'define_auth_challenge'),
            IF(starts_with(lambda_config.create_auth_challenge || ':', arn_start), 'create_auth_challenge'),
            IF(
                starts_with(lambda_config.verify_auth_challenge_response || ':', arn_start),
                'verify_auth_challenge_response'
            ),
            IF(starts_with(lambda_config.pre_token_generation || ':', arn_start), 'pre_token_generation'),
            IF(starts_with(lambda_config.user_migration || ':', arn_start), 'user_migration'),
            IF(
                starts_with(lambda_config.pre_token_generation_config.lambda_arn || ':', arn_start),
                'pre_token_generation_config'
            ),
            IF(starts_with(lambda_config.custom_sms_sender.lambda_arn || ':', arn_start), 'custom_sms_sender'),
            IF(starts_with(lambda_config.custom_email_sender.lambda_arn || ':', arn_start), 'custom_email_sender'),
            IF(starts_with(lambda_config.inbound_federation.lambda_arn || ':', arn_start), 'inbound_federation'),
            -- No function but a key, whose ARN may be put above as well.
            IF(starts_with(lambda_config.kms_key_id || ':', arn_start), 'kms_key_id')
        ) AS triggers
    FROM user_pools AS pool
    CROSS JOIN wanted
    WHERE dt >= date_format(current_timestamp - INTERVAL '30' DAY, '%Y-%m-%d')
)
SELECT reading.account_id, reading.region, reading.read_at, caller.id, caller.name, caller.triggers
FROM reading
LEFT JOIN caller
    ON caller.account_id = reading.account_id
    AND caller.region = reading.region
    AND caller.snapshot_time = reading.read_at
    AND caller.dt = date_format(reading.read_at, '%Y-%m-%d')
WHERE caller.triggers <> '' OR reading.read_at IS NULL
ORDER BY reading.account_id, reading.region, caller.id
