-- Grain: one source and day, from $since, of events that had happened by $as_of and were known by $known_at. Where $new is
-- true, of those for which one of the two was not so yet by $seen_as_of and $seen_known_at (microseconds); else of the rest.
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
  AND (
    ingested_at > arrow_cast(CAST($seen_known_at AS BIGINT), 'Timestamp(Microsecond, Some("UTC"))')
    OR occurred_at > arrow_cast(CAST($seen_as_of AS BIGINT), 'Timestamp(Microsecond, Some("UTC"))')
  ) = CAST($new AS BOOLEAN)
GROUP BY source, event_date
ORDER BY source, event_date
