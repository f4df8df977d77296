-- Grain: one account that was used since the checkpoint, with its first and its last success.
-- Columns: app_id, account_id, first_at, last_at.
-- What fails proves nothing of an account, and a workload is none of a person.
-- Inputs: uses, app_aliases.
SELECT
  coalesce(a.app_id, u.account_app) AS app_id,
  u.account_id,
  min(u.first_at) AS first_at,
  max(u.last_at) AS last_at
FROM uses AS u
LEFT JOIN app_aliases AS a
  ON lower(u.account_app) = a.alias
WHERE u.outcome = 'success'
  AND u.verb <> 'signin.workload'
  AND u.account_app IS NOT NULL
  AND u.account_id IS NOT NULL
GROUP BY coalesce(a.app_id, u.account_app), u.account_id
