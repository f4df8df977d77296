-- Grain: accounts, or grants of one kind, in one listing of one application, of the rows that the checkpoint does not know.
-- Columns: row_kind, app_id, listing_id, entitlement_kind, listed_at, ingested_at, complete, rows, by_login (some are listed by login instead of by
-- account).
-- Inputs: known_snapshots.
SELECT
  row_kind,
  app_id,
  listing_id,
  entitlement_kind,
  max(listed_at) AS listed_at,
  max(ingested_at) AS ingested_at,
  bool_and(complete) AS complete,
  count(*) AS rows,
  bool_or(account_id IS NULL) AS by_login
FROM known_snapshots
WHERE listed_at > $base_as_of
  OR ingested_at > $base_listings_known_at
GROUP BY row_kind, app_id, listing_id, entitlement_kind
