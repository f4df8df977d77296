-- Grain: one application of which all accounts are worked out again: one with listed rows that the
-- checkpoint does not know; one of whose listings something else is thought now, since a trusted
-- listing also says who is gone; one whose grants are listed by login, with an account that may
-- have taken the login of another; and Google's, where an address may have become another's.
-- Inputs: known_snapshots, listings, touched_accounts, base_listings, base_listed_rows.
SELECT app_id
FROM known_snapshots
WHERE (listed_at > $base_as_of OR ingested_at > $base_listings_known_at)
  AND app_id IS NOT NULL
UNION
SELECT coalesce(l.app_id, b.app_id)
FROM listings AS l
FULL JOIN base_listings AS b
  ON b.row_kind = l.row_kind
  AND b.app_id = l.app_id
  AND b.listing_id = l.listing_id
  AND b.feed = l.feed
  AND b.trusted IS NOT DISTINCT FROM l.trusted
WHERE coalesce(l.app_id, b.app_id) IS NOT NULL
  AND (l.listing_id IS NULL OR b.listing_id IS NULL)
UNION
SELECT k.app_id
FROM base_listed_rows AS k
LEFT SEMI JOIN touched_accounts AS t
  ON t.app_id = k.app_id
WHERE k.row_kind = 'grant'
  AND k.by_login
UNION
SELECT app_id
FROM touched_accounts
WHERE app_id = 'google_workspace'
