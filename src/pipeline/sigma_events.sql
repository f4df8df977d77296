-- Grain: one of those events of $source on $day that keeps its raw record, in order of time.
-- Columns: those of `events` that a finding about it tells.
-- Inputs: events.
SELECT
  event_id,
  occurred_at,
  event_type,
  org,
  account_app,
  account_id,
  account_name,
  account_email,
  actor_id,
  actor_name,
  raw
FROM events
WHERE source = $source
  AND event_date = CAST($day AS DATE)
  AND occurred_at <= $as_of
  AND ingested_at <= $known_at
  AND (
    ingested_at > arrow_cast(CAST($seen_known_at AS BIGINT), 'Timestamp(Microsecond, Some("UTC"))')
    OR occurred_at > arrow_cast(CAST($seen_as_of AS BIGINT), 'Timestamp(Microsecond, Some("UTC"))')
  ) = CAST($new AS BOOLEAN)
  AND raw IS NOT NULL
ORDER BY occurred_at, event_id
