-- Grain: one address or login that an account of an identity provider ever had.
-- Columns: app_id, account_id, name (in lower case).
-- Inputs: touched_changes.
SELECT account_key_app AS app_id, account_id, lower(account_name) AS name
FROM touched_changes
WHERE account_key_app IN ('okta', 'entra', 'google_workspace')
  AND account_id IS NOT NULL
  AND account_name IS NOT NULL
  AND outcome = 'success'
UNION
SELECT account_key_app, account_id, lower(account_email)
FROM touched_changes
WHERE account_key_app IN ('okta', 'entra', 'google_workspace')
  AND account_id IS NOT NULL
  AND account_email IS NOT NULL
  AND outcome = 'success'
