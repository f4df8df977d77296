-- Grain: one application whose grants are listed by login instead of by account.
-- Inputs: known_snapshots.
SELECT DISTINCT app_id
FROM known_snapshots
WHERE row_kind = 'grant'
  AND account_id IS NULL
  AND app_id IS NOT NULL
