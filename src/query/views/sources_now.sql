-- Grain: one feed: a source, and for listings the application that it lists.
-- Columns: source, kind, app_id, watermark_at, last_ingested_at, rows, previous_rows,
-- complete, quarantined. `rows` are those of the newest load of the feed.
-- Inputs: sources, app_aliases.
WITH known AS (
  SELECT
    s.source,
    s.kind,
    coalesce(a.app_id, s.app_id) AS app_id,
    CASE WHEN s.kind = 'events' THEN s.watermark_at ELSE s.listed_at END AS reaches_at,
    s.ingested_at,
    s.rows_read,
    s.rows_quarantined,
    s.complete,
    s.load_id
  FROM sources AS s
  LEFT JOIN app_aliases AS a
    ON lower(s.app_id) = a.alias
  WHERE s.ingested_at <= $known_at
),
within AS (
  SELECT
    source,
    kind,
    app_id,
    least(reaches_at, $as_of) AS reaches_at,
    ingested_at,
    rows_read,
    rows_quarantined,
    complete,
    load_id
  FROM known
  WHERE kind = 'events' OR reaches_at <= $as_of
),
ranked AS (
  SELECT
    source,
    kind,
    app_id,
    reaches_at,
    ingested_at,
    rows_read,
    rows_quarantined,
    complete,
    lag(rows_read) OVER (
      PARTITION BY source, kind, app_id
      ORDER BY reaches_at, ingested_at, load_id
    ) AS previous_rows,
    row_number() OVER (
      PARTITION BY source, kind, app_id
      ORDER BY reaches_at DESC, ingested_at DESC, load_id DESC
    ) AS newest
  FROM within
)
SELECT
  source,
  kind,
  app_id,
  reaches_at AS watermark_at,
  ingested_at AS last_ingested_at,
  CAST(rows_read AS BIGINT) AS rows,
  CAST(previous_rows AS BIGINT) AS previous_rows,
  complete,
  CAST(rows_quarantined AS BIGINT) AS quarantined
FROM ranked
WHERE newest = 1
