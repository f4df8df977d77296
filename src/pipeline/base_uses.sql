-- The rows of `uses`, from where they are held already.
-- Inputs: app_uses.
SELECT
  account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome, failed_at,
  first_at, last_at, uses
FROM app_uses
