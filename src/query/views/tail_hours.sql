-- Grain: one hour in which one log has an event that the checkpoint does not hold.
-- Inputs: events.
SELECT DISTINCT source, date_trunc('hour', occurred_at) AS hour_at
FROM events
WHERE event_date <= $as_of_date
  AND occurred_at <= $as_of
  AND ingested_at <= $known_at
  AND (occurred_at > $base_as_of OR ingested_at > $base_known_at)
