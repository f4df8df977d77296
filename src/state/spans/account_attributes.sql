-- Grain: one account; the newest value that anyone stated of each attribute. What failed
-- changed nothing, so it states nothing.
-- Inputs: known_changes, known_snapshots.
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
  FROM known_changes
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
  FROM known_snapshots
  WHERE row_kind = 'account'
    AND account_id IS NOT NULL
    AND app_id IS NOT NULL
)
SELECT
  app_id,
  account_id,
  last_value(account_name ORDER BY at, ref) FILTER (WHERE account_name IS NOT NULL) AS account_name,
  last_value(display_name ORDER BY at, ref) FILTER (WHERE display_name IS NOT NULL) AS display_name,
  last_value(email ORDER BY at, ref) FILTER (WHERE email IS NOT NULL) AS email,
  last_value(external_id ORDER BY at, ref) FILTER (WHERE external_id IS NOT NULL) AS external_id,
  last_value(employee_id ORDER BY at, ref) FILTER (WHERE employee_id IS NOT NULL) AS employee_id,
  last_value(status ORDER BY at, ref) FILTER (WHERE status IS NOT NULL) AS status,
  last_value(class ORDER BY at, ref) FILTER (WHERE class IS NOT NULL) AS class,
  min(created_at) AS created_at,
  max(last_active_at) AS last_active_at,
  last_value(expires_at ORDER BY at, ref) FILTER (WHERE expires_at IS NOT NULL) AS expires_at,
  last_value(mfa ORDER BY at, ref) FILTER (WHERE mfa IS NOT NULL) AS mfa,
  last_value(local_login ORDER BY at, ref) FILTER (WHERE local_login IS NOT NULL) AS local_login,
  last_value(privileged ORDER BY at, ref) FILTER (WHERE privileged IS NOT NULL) AS privileged,
  max(listed_at) AS listed_at,
  min(at) AS first_stated_at
FROM stated
GROUP BY app_id, account_id
