-- Grain: one quarantined record of which nothing has become a row since.
-- Inputs: quarantine, events, snapshots, employments_raw, registers, as they are stored.
WITH read_since AS (
  SELECT origin_file, origin_line FROM events
  UNION ALL
  SELECT origin_file, origin_line FROM snapshots
  UNION ALL
  SELECT origin_file, origin_line FROM employments_raw
)
SELECT
  q.origin_file,
  q.origin_line,
  q.source,
  q.code,
  q.reason,
  q.excerpt,
  q.ingested_at
FROM quarantine AS q
LEFT ANTI JOIN read_since AS r
  ON r.origin_file = q.origin_file
  AND r.origin_line = q.origin_line
ORDER BY q.origin_file, q.origin_line, q.code
