-- Rows of app_uses of accounts that were used since a checkpoint: what it has of them, put together with what came.
-- Inputs: kept, told_uses.
WITH both_parts AS (
  SELECT * FROM kept
  UNION ALL
  SELECT * FROM told_uses
)
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
  account_key_app,
  account_key
FROM both_parts
GROUP BY
  account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome, failed_at,
  app_key, account_key_app, account_key
