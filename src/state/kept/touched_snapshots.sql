-- Grain: one listed row of an account that is worked out again.
-- Columns: those of known_snapshots.
-- Inputs: known_snapshots, touched_apps, touched_accounts.
SELECT s.*
FROM known_snapshots AS s
LEFT SEMI JOIN touched_apps AS a
  ON a.app_id = s.app_id
UNION ALL
SELECT s.*
FROM known_snapshots AS s
LEFT ANTI JOIN touched_apps AS a
  ON a.app_id = s.app_id
LEFT SEMI JOIN touched_accounts AS t
  ON t.app_id = s.app_id
  AND t.account_id = s.account_id
