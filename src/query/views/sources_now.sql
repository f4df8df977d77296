-- Grain: one log, one register or one feed of listings.
-- Columns: source (of a feed that changed its format, the newest), kind, app_id, feed (as in `loads`), first_at (where
-- its events begin), watermark_at, last_ingested_at, rows, previous_rows, complete, quarantined, read_rows,
-- announced_rows, control_rows, damage (as in `loads`). `rows` are those of the newest load of the feed; `quarantined` of `read_rows` are those
-- that could not be read: of the newest load of a listing, of all loads that came last of a log,
-- whose damaged files reach nowhere. Files that no format recognises are no source: their records wait in quarantine.
-- Inputs: loads.
WITH within AS (
  SELECT
    load_id,
    source,
    kind,
    app_id,
    feed,
    coalesce(feed, source) AS told_by,
    content,
    CASE
      WHEN kind <> 'events' THEN listed_at
      WHEN watermark_at > $as_of THEN $as_of
      ELSE watermark_at
    END AS reaches_at,
    first_at,
    ingested_at,
    complete,
    rows,
    quarantined,
    announced_rows,
    control_rows,
    damage
  FROM loads
  WHERE (kind = 'events' OR listed_at <= $as_of)
    AND source <> 'unknown'
),
ranked AS (
  SELECT
    source,
    kind,
    app_id,
    feed,
    told_by,
    content,
    reaches_at,
    min(first_at) OVER (PARTITION BY told_by, kind, app_id) AS first_at,
    ingested_at,
    complete,
    rows,
    lag(rows) OVER (
      PARTITION BY told_by, kind, app_id
      ORDER BY reaches_at, ingested_at, load_id
    ) AS previous_rows,
    CASE
      WHEN kind = 'events' THEN sum(quarantined) OVER (PARTITION BY told_by, kind, app_id, ingested_at)
      ELSE quarantined
    END AS quarantined,
    CASE
      WHEN kind = 'events' THEN sum(rows) OVER (PARTITION BY told_by, kind, app_id, ingested_at)
      ELSE rows
    END AS read_rows,
    announced_rows,
    control_rows,
    damage,
    row_number() OVER (
      PARTITION BY told_by, kind, app_id
      ORDER BY reaches_at DESC NULLS LAST, ingested_at DESC, load_id DESC
    ) AS newest,
    row_number() OVER (
      PARTITION BY told_by, kind, app_id
      ORDER BY ingested_at DESC, load_id DESC
    ) AS latest
  FROM within
),
-- What is read again comes after what was before it when it was read first, and not after itself.
first_read AS (
  SELECT DISTINCT
    told_by,
    kind,
    app_id,
    reaches_at,
    content,
    first_value(previous_rows) OVER (
      PARTITION BY told_by, kind, app_id, reaches_at, content
      ORDER BY ingested_at
    ) AS previous_rows
  FROM ranked
  WHERE kind <> 'events'
)
SELECT
  n.source,
  n.kind,
  n.app_id,
  n.feed,
  n.first_at,
  n.reaches_at AS watermark_at,
  n.ingested_at AS last_ingested_at,
  n.rows,
  CASE WHEN n.kind = 'events' THEN n.previous_rows ELSE f.previous_rows END AS previous_rows,
  n.complete,
  CASE WHEN n.kind = 'events' THEN l.quarantined ELSE n.quarantined END AS quarantined,
  CASE WHEN n.kind = 'events' THEN l.read_rows ELSE n.read_rows END AS read_rows,
  n.announced_rows,
  n.control_rows,
  n.damage
FROM ranked AS n
JOIN ranked AS l
  ON l.latest = 1
  AND l.told_by = n.told_by
  AND l.kind = n.kind
  AND l.app_id IS NOT DISTINCT FROM n.app_id
LEFT JOIN first_read AS f
  ON f.told_by = n.told_by
  AND f.kind = n.kind
  AND (f.app_id IS NOT DISTINCT FROM n.app_id)
  AND f.reaches_at = n.reaches_at
  AND f.content = n.content
WHERE n.newest = 1
