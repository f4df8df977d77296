-- Grain: one quarantined record of which nothing has become a row since.
-- Inputs: quarantine, events, snapshots, employments_raw, registers, as they are stored.
WITH read_since AS (
  SELECT origin_file, origin_line, ingested_at FROM events
  UNION ALL
  SELECT origin_file, origin_line, ingested_at FROM snapshots
  UNION ALL
  SELECT origin_file, origin_line, ingested_at FROM employments_raw
  UNION ALL
  SELECT origin_file, origin_line, ingested_at FROM registers
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
  -- What was read before, or of the same line, is another record: files are written anew under their names.
  AND r.ingested_at > q.ingested_at
  -- Standard input is another one each time.
  AND r.origin_file <> '-'
ORDER BY q.origin_file, q.origin_line, q.code
