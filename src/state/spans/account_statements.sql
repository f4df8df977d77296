-- Grain: one thing that a source said about one account, in no order.
-- Columns: app_id, account_id, at, listed (a listing said it), ref (event or listing id), state (what
-- it says became of the account, null where it says nothing of that), describes (whether it says
-- how the account is), account_name, display_name, email, external_id, employee_id, status, class,
-- created_at, last_active_at, expires_at, mfa, local_login, privileged, listed_at, mentions (whether the account was
-- there, whatever its state: what succeeded proves it).
-- Only a success changes state, and what failed changed nothing, so it states nothing. Events of an
-- identity provider's provisioning speak of an account in another application without naming it:
-- they change no state here. A listing without a status says only that the account exists.
-- Inputs: touched_changes, touched_snapshots.
SELECT
  account_key_app AS app_id,
  account_id,
  occurred_at AS at,
  FALSE AS listed,
  event_id AS ref,
  CASE
    WHEN outcome <> 'success' OR (source <> 'entra_provisioning' AND verb LIKE 'provision.%') THEN NULL
    WHEN verb IN (
      'account.create', 'account.activate', 'account.reactivate', 'account.unsuspend',
      'account.provision', 'provision.create', 'provision.activate', 'provision.reactivate'
    ) THEN 'active'
    WHEN verb IN (
      'account.deactivate', 'account.suspend', 'account.suspend.auto', 'account.block',
      'account.archive', 'account.deprovision', 'provision.deactivate', 'provision.deprovision'
    ) THEN 'inactive'
    WHEN verb IN ('account.delete', 'account.purge', 'provision.delete') THEN 'deleted'
  END AS state,
  source <> 'okta' OR verb NOT LIKE 'provision.%' AS describes,
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
  NULL AS listed_at,
  outcome = 'success' AND (source = 'entra_provisioning' OR verb NOT LIKE 'provision.%') AS mentions
FROM touched_changes
WHERE outcome IN ('success', 'unknown')
  AND account_key_app IS NOT NULL
  AND account_id IS NOT NULL
UNION ALL
SELECT
  app_id,
  account_id,
  listed_at AS at,
  TRUE,
  listing_id,
  CASE
    WHEN active IS NULL THEN 'unknown'
    WHEN active THEN 'active'
    ELSE 'inactive'
  END,
  TRUE,
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
  listed_at,
  FALSE
FROM touched_snapshots
WHERE row_kind = 'account'
  AND account_id IS NOT NULL
  AND app_id IS NOT NULL
