-- Grain: one thing that a source said about one account, in the order of accounts and of time.
-- Held while attributes are made, and no longer. What failed changed nothing, so it states nothing.
-- Columns: n (the place in that order), app_id, account_id, account_name, display_name, email,
-- external_id, employee_id, status, class, created_at, last_active_at, expires_at, mfa,
-- local_login, privileged, listed_at, at.
-- Inputs: touched_changes, touched_snapshots.
WITH stated AS (
  SELECT
    account_key_app AS app_id,
    account_id,
    occurred_at AS at,
    event_id AS ref,
    account_name,
    NULL AS display_name,
    account_email AS email,
    account_external_id AS external_id,
    NULL AS employee_id,
    NULL AS status,
    NULL AS class,
    CASE
      WHEN outcome = 'success' AND verb IN ('account.create', 'provision.create') AND (source = 'entra_provisioning' OR verb = 'account.create') THEN occurred_at
    END AS created_at,
    NULL AS last_active_at,
    CASE WHEN entitlement_id IS NULL THEN expires_at END AS expires_at,
    NULL AS mfa,
    NULL AS local_login,
    NULL AS privileged,
    NULL AS listed_at
  FROM touched_changes
  WHERE outcome IN ('success', 'unknown')
    AND account_key_app IS NOT NULL
    AND account_id IS NOT NULL
    AND verb NOT LIKE 'signin%'
    AND (source <> 'okta' OR verb NOT LIKE 'provision.%')
  UNION ALL
  SELECT
    app_id,
    account_id,
    listed_at AS at,
    listing_id,
    account_name,
    display_name,
    email,
    external_id,
    employee_id,
    status,
    class,
    created_at,
    last_active_at,
    expires_at,
    mfa,
    local_login,
    privileged,
    listed_at
  FROM touched_snapshots
  WHERE row_kind = 'account'
    AND account_id IS NOT NULL
    AND app_id IS NOT NULL
)
SELECT
  row_number() OVER (ORDER BY app_id, account_id, at, ref) AS n,
  app_id, account_id, account_name, display_name, email, external_id, employee_id, status, class, created_at,
  last_active_at, expires_at, mfa, local_login, privileged, listed_at, at
FROM stated
