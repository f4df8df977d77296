-- Grain: one application that an identity provider assigns to one of its accounts at $as_of.
-- A successful provisioning by Entra is an assignment too.
-- Columns: app_id (that is assigned), idp, account_id (in the provider, or in the application that Entra
-- provisioned), identity_id, assigned_at.
-- Inputs: grants_now, known_changes, links.
SELECT
  entitlement_id AS app_id,
  app_id AS idp,
  account_id,
  identity_id,
  valid_from AS assigned_at
FROM grants_now
WHERE entitlement_kind = 'app'
  AND app_id IN ('okta', 'entra', 'google_workspace')
UNION ALL
SELECT
  e.account_key_app,
  'entra',
  e.account_id,
  l.identity_id,
  min(e.occurred_at)
FROM known_changes AS e
LEFT JOIN links AS l
  ON l.app_id = e.account_key_app
  AND l.account_id = e.account_id
WHERE e.source = 'entra_provisioning'
  AND e.verb = 'provision.create'
  AND e.outcome = 'success'
  AND e.account_id IS NOT NULL
GROUP BY e.account_key_app, e.account_id, l.identity_id
