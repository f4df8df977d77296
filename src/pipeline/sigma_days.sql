-- Grain: one source and day of stored events that had happened by $as_of and were known at $known_at.
-- Columns: source, day, events, raws (how many of them keep their raw record).
-- Inputs: events.
SELECT
  source,
  CAST(event_date AS VARCHAR) AS day,
  count(*) AS events,
  count(raw) AS raws
FROM events
WHERE event_date >= CAST($since AS DATE)
  AND event_date <= $as_of_date
  AND occurred_at <= $as_of
  AND ingested_at <= $known_at
GROUP BY source, event_date
ORDER BY source, event_date
