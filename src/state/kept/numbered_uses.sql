-- Grain: one row of app_uses that came since, with the number of its account.
-- Inputs: told_uses, used_account_keys (of the accounts that were used).
SELECT
  u.account_app,
  u.account_id,
  u.app_id,
  u.app_name,
  u.verb,
  u.credential_kind,
  u.credential_id,
  u.outcome,
  u.failed_at,
  u.first_at,
  u.last_at,
  u.uses,
  u.app_key,
  u.account_key_app,
  k.account_key
FROM told_uses AS u
LEFT JOIN used_account_keys AS k
  ON k.app_id = u.account_key_app
  AND k.account_id = u.account_id
