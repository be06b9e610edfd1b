-- Which pools call a function, and from which triggers, as known now: put the function's ARN below.
-- A row without an id is a target whose pools are not known: something there may call it.
WITH wanted AS (
    -- Without a version or an alias, the ARN matches all of them; the colon keeps it from matching longer names.
    SELECT 'arn:aws:lambda:us-east-1:123456789012:function:my-function' || ':' AS arn_start
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
            -- This is a key and not a function. Its ARN may be put above as well.
            IF(starts_with(lambda_config.kms_key_id || ':', arn_start), 'kms_key_id')
        ) AS triggers
    FROM user_pools_latest AS pool
    CROSS JOIN wanted
)
SELECT account_id, region, read_at, id, name, triggers
FROM caller
WHERE triggers <> ''
UNION ALL
SELECT account_id, region, NULL, NULL, NULL, NULL
FROM coverage_latest
WHERE last_ok IS NULL AND status <> 'absent'
ORDER BY account_id, region, id
