-- What was created, deleted and modified, by the snapshots of the last 7 days, newest first.
-- What happened while a target could not be read is in the snapshot that reads it again, with the time before.
SELECT snapshot_time, previous_snapshot_time, change, account_id, region, id, name, fields, before, after
FROM changes
WHERE dt >= date_format(current_timestamp - INTERVAL '7' DAY, '%Y-%m-%d')
    AND snapshot_time >= current_timestamp - INTERVAL '7' DAY
ORDER BY snapshot_time DESC, account_id, region, id
