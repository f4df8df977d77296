-- Grain: one listed row of an account that is worked out again.
-- Columns: those of known_snapshots.
-- Inputs: listed_there (rows of known_snapshots, of applications with such accounts), touched_apps, touched_accounts.
SELECT s.*
FROM listed_there AS s
LEFT SEMI JOIN touched_apps AS a
  ON a.app_id = s.app_id
UNION ALL
SELECT s.*
FROM listed_there AS s
LEFT ANTI JOIN touched_apps AS a
  ON a.app_id = s.app_id
LEFT SEMI JOIN touched_accounts AS t
  ON t.app_id = s.app_id
  AND t.account_id = s.account_id
