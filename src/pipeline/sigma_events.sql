-- Grain: one stored event of $source on $day with its raw record, in order of time.
-- Columns: event_id, occurred_at, raw.
-- Inputs: events.
SELECT
  event_id,
  occurred_at,
  raw
FROM events
WHERE source = $source
  AND event_date = CAST($day AS DATE)
  AND occurred_at <= $as_of
  AND ingested_at <= $known_at
  AND raw IS NOT NULL
ORDER BY occurred_at, event_id
