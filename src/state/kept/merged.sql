-- Rows of a view that has rows of their own for each account: those that a checkpoint keeps of
-- accounts that nothing touched since, and those that were worked out again.
-- Inputs: kept, again, touched_apps, touched_accounts.
SELECT k.*
FROM kept AS k
LEFT ANTI JOIN touched_apps AS a
  ON a.app_id = k.app_id
LEFT ANTI JOIN touched_accounts AS t
  ON t.app_id = k.app_id
  AND t.account_id = k.account_id
UNION ALL
SELECT *
FROM again
