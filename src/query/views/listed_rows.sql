-- Grain: one listing of accounts or grants of one application.
-- Columns: those of tail_listed.
-- Inputs: base_listed_rows (the checkpoint's), tail_listed.
WITH both_parts AS (
  SELECT row_kind, app_id, listing_id, listed_at, ingested_at, complete, rows, by_login FROM base_listed_rows
  UNION ALL
  SELECT row_kind, app_id, listing_id, listed_at, ingested_at, complete, rows, by_login FROM tail_listed
)
SELECT
  row_kind,
  app_id,
  listing_id,
  max(listed_at) AS listed_at,
  max(ingested_at) AS ingested_at,
  bool_and(complete) AS complete,
  sum(rows) AS rows,
  bool_or(by_login) AS by_login
FROM both_parts
GROUP BY row_kind, app_id, listing_id
