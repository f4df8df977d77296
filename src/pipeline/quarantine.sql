-- Grain: one quarantined record of which nothing has become a row since.
-- Inputs: quarantine, events, snapshots, employments_raw, registers, sources, as they are stored.
WITH read_since AS (
  SELECT origin_file, origin_line, ingested_at FROM events
  UNION ALL
  SELECT origin_file, origin_line, ingested_at FROM snapshots
  UNION ALL
  SELECT origin_file, origin_line, ingested_at FROM employments_raw
  UNION ALL
  SELECT origin_file, origin_line, ingested_at FROM registers
),
-- Files of which a reading left no record behind. Lines around a table are no records.
whole AS (
  SELECT DISTINCT s.file, s.ingested_at
  FROM sources AS s
  LEFT ANTI JOIN quarantine AS b
    ON b.origin_file = s.file
    AND b.ingested_at = s.ingested_at
    AND b.code <> 'remark'
  WHERE s.rows_read > 0
    AND s.source <> 'unknown'
    AND s.file <> '-'
),
-- Loads of which a later one says all that they could: listings, and files of no known format. A log that is begun
-- anew under its name says nothing of the lines before.
replaceable AS (
  SELECT DISTINCT load_id
  FROM sources
  WHERE kind <> 'events' OR source = 'unknown'
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
LEFT ANTI JOIN (
  SELECT p.load_id, w.file, w.ingested_at
  FROM whole AS w
  CROSS JOIN replaceable AS p
) AS n
  ON n.load_id = q.load_id
  AND n.file = q.origin_file
  AND n.ingested_at > q.ingested_at
ORDER BY q.origin_file, q.origin_line, q.code
