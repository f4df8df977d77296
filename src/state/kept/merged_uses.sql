-- Rows of app_uses: those that a checkpoint keeps of accounts that were not used since, and those of
-- the others, each put together with what came.
-- Inputs: kept, again.
WITH used AS (
  SELECT DISTINCT coalesce(account_app, '') AS account_app, coalesce(account_id, '') AS account_id
  FROM again
),
both_parts AS (
  SELECT k.*
  FROM kept AS k
  LEFT SEMI JOIN used AS u
    ON u.account_app = coalesce(k.account_app, '')
    AND u.account_id = coalesce(k.account_id, '')
  UNION ALL
  SELECT *
  FROM again
)
SELECT k.*
FROM kept AS k
LEFT ANTI JOIN used AS u
  ON u.account_app = coalesce(k.account_app, '')
  AND u.account_id = coalesce(k.account_id, '')
UNION ALL
SELECT
  account_app,
  account_id,
  app_id,
  app_name,
  verb,
  credential_kind,
  credential_id,
  outcome,
  failed_at,
  min(first_at) AS first_at,
  max(last_at) AS last_at,
  sum(uses) AS uses,
  app_key,
  account_key_app
FROM both_parts
GROUP BY
  account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome, failed_at,
  app_key, account_key_app
