-- Grain: accounts, or grants of one kind, in one listing of one application.
-- Columns: those of tail_listed.
-- Inputs: base_listed_rows (the checkpoint's), tail_listed.
WITH both_parts AS (
  SELECT row_kind, app_id, listing_id, entitlement_kind, listed_at, ingested_at, complete, rows, by_login
  FROM base_listed_rows
  UNION ALL
  SELECT row_kind, app_id, listing_id, entitlement_kind, listed_at, ingested_at, complete, rows, by_login
  FROM tail_listed
)
SELECT
  row_kind,
  app_id,
  listing_id,
  entitlement_kind,
  max(listed_at) AS listed_at,
  max(ingested_at) AS ingested_at,
  bool_and(complete) AS complete,
  sum(rows) AS rows,
  bool_or(by_login) AS by_login
FROM both_parts
GROUP BY row_kind, app_id, listing_id, entitlement_kind
