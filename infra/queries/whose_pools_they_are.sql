-- Each pool that is known now, with its account's name and place in the organization as last listed.
-- A row without an id is a target whose pools are not known. An account that was named by its id alone has no name.
WITH account AS (
    SELECT
        account_id,
        max_by(name, snapshot_time) AS account_name,
        max_by(organizational_unit_path, snapshot_time) AS organizational_unit_path
    FROM accounts
    WHERE dt >= date_format(current_timestamp - INTERVAL '100' DAY, '%Y-%m-%d')
    GROUP BY account_id
),
known AS (
    SELECT account_id, region, read_at, id, name
    FROM user_pools_latest
    UNION ALL
    SELECT account_id, region, NULL, NULL, NULL
    FROM coverage_latest
    WHERE last_ok IS NULL AND status <> 'absent'
)
SELECT known.account_id, region, read_at, id, name, account_name, organizational_unit_path
FROM known
LEFT JOIN account ON account.account_id = known.account_id
ORDER BY known.account_id, region, id
