-- Grain: one application of which all accounts are worked out again: one with a listing that the
-- checkpoint does not know, since a listing also says who is gone; and one whose grants are listed
-- by login, with an account that may have taken the login of another.
-- Inputs: known_snapshots, touched_accounts, base_login_apps.
SELECT app_id
FROM known_snapshots
WHERE (listed_at > $base_as_of OR ingested_at > $base_listings_known_at)
  AND app_id IS NOT NULL
UNION
SELECT k.app_id
FROM base_login_apps AS k
LEFT SEMI JOIN touched_accounts AS t
  ON t.app_id = k.app_id
