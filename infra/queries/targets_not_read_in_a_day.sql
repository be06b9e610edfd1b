-- Targets whose newest whole reading is older than a day, or that have none; those first.
-- At the end those that settings accept as denied: accepted_by has the setting.
-- last_ok is the id of the snapshot that has that reading; status and error are of the newest snapshot.
SELECT account_id, region, last_ok, snapshot_time AS asked_at, status, error_code, error_message, accepted_by
FROM coverage_latest
WHERE status <> 'absent'
    AND (last_ok IS NULL OR last_ok < date_format(current_timestamp - INTERVAL '1' DAY, '%Y-%m-%dT%H-%iZ'))
ORDER BY accepted_by IS NOT NULL, last_ok NULLS FIRST, account_id, region
