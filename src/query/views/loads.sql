-- Grain: one load (one file that was read), as known at $known_at.
-- Columns: load_id, source, kind, app_id, file, listed_at, first_at, watermark_at, ingested_at,
-- complete, rows (records, without titles and totals around a table), quarantined (of these),
-- announced_rows (what a list response says it holds), control_rows (what a register of control
-- totals says of the file), damage (announced, control_rows, control_sha256 or cut: why the load
-- is not the whole of its source; null when nothing speaks against it), filled (`column=rows; …`), feed (of a
-- listing: which ones it continues, null for others), content (what tells its bytes from others; a file that is read
-- again, to say otherwise how, has the same).
-- A feed is what was said of a file, last where the same file was read again to say it; else the file's name.
-- A control total is of a file by its name or the end of its path, of one application and of one
-- day where it says so. Where several lines speak of a load, it needs to agree with one.
-- Inputs: sources, quarantine, app_aliases, reg_control_totals.
WITH rejected AS (
  SELECT
    load_id,
    count(*) FILTER (WHERE code = 'remark') AS remarks,
    count(*) FILTER (WHERE code = 'truncated') AS cuts
  FROM quarantine
  WHERE ingested_at <= $known_at
  GROUP BY load_id
),
told AS (
  SELECT
    kind,
    app_id,
    content_sha256,
    listed_at,
    feed_name(file) AS file_feed,
    last_value(feed ORDER BY ingested_at, load_id) AS feed
  FROM sources
  WHERE ingested_at <= $known_at
    AND feed IS NOT NULL
  GROUP BY kind, app_id, content_sha256, listed_at, feed_name(file)
),
known AS (
  SELECT
    s.load_id,
    s.source,
    s.kind,
    coalesce(a.app_id, s.app_id) AS app_id,
    s.file,
    s.listed_at,
    s.first_at,
    s.watermark_at,
    s.ingested_at,
    s.complete,
    s.rows_read - coalesce(r.remarks, 0) AS rows,
    s.rows_quarantined - coalesce(r.remarks, 0) AS quarantined,
    coalesce(r.cuts, 0) AS cuts,
    s.announced_total AS announced_rows,
    s.content_sha256,
    s.filled,
    CASE WHEN s.kind IN ('roster', 'accounts', 'grants') THEN coalesce(t.feed, s.feed, feed_name(s.file)) END AS feed
  FROM sources AS s
  LEFT JOIN told AS t
    ON t.content_sha256 = s.content_sha256
    AND t.listed_at = s.listed_at
    AND t.kind = s.kind
    AND (t.app_id IS NOT DISTINCT FROM s.app_id)
    AND t.file_feed = feed_name(s.file)
  LEFT JOIN app_aliases AS a
    ON lower(s.app_id) = a.alias
  LEFT JOIN rejected AS r
    ON r.load_id = s.load_id
  WHERE s.ingested_at <= $known_at
),
lines AS (
  SELECT file, rows, lower(sha256) AS sha256, lower(app_id) AS app_id, listed_on
  FROM reg_control_totals
  WHERE rows IS NOT NULL
),
compared AS (
  SELECT
    k.load_id,
    max(t.rows) AS control_rows,
    bool_or(CAST(k.rows AS DOUBLE) = t.rows) AS rows_agree,
    bool_or(
      CAST(k.rows AS DOUBLE) = t.rows
      AND (t.sha256 IS NULL OR k.content_sha256 IS NULL OR t.sha256 = k.content_sha256)
    ) AS agrees
  FROM known AS k
  JOIN lines AS t
    ON (k.file = t.file OR ends_with(k.file, '/' || t.file))
    AND (t.app_id IS NULL OR t.app_id = lower(k.app_id))
    AND (
      t.listed_on IS NULL
      OR t.listed_on = substr(CAST(CAST(coalesce(k.listed_at, k.watermark_at) AS DATE) AS VARCHAR), 1, 10)
    )
  GROUP BY k.load_id
)
SELECT
  k.load_id,
  k.source,
  k.kind,
  k.app_id,
  k.file,
  k.listed_at,
  k.first_at,
  k.watermark_at,
  k.ingested_at,
  k.complete,
  CAST(k.rows AS BIGINT) AS rows,
  CAST(k.quarantined AS BIGINT) AS quarantined,
  CAST(k.announced_rows AS BIGINT) AS announced_rows,
  CAST(c.control_rows AS BIGINT) AS control_rows,
  CASE
    WHEN c.rows_agree IS FALSE THEN 'control_rows'
    WHEN c.agrees IS FALSE THEN 'control_sha256'
    WHEN k.announced_rows > k.rows THEN 'announced'
    WHEN k.cuts > 0 AND k.kind <> 'events' THEN 'cut'
  END AS damage,
  k.filled,
  k.feed,
  coalesce(k.content_sha256, k.load_id) AS content
FROM known AS k
LEFT JOIN compared AS c
  ON c.load_id = k.load_id
