-- Grain: one known change of an account that is worked out again.
-- Columns: those of known_changes that say what became of accounts and grants.
-- Inputs: known_changes, touched_apps, touched_accounts.
SELECT
  c.event_id, c.source, c.verb, c.occurred_at, c.outcome, c.actor_id, c.actor_name, c.account_id,
  c.account_name, c.account_email, c.account_external_id, c.entitlement_kind, c.entitlement_id,
  c.entitlement_name, c.expires_at, c.app_key, c.account_key_app
FROM known_changes AS c
LEFT SEMI JOIN touched_apps AS a
  ON a.app_id = c.account_key_app
UNION ALL
SELECT
  c.event_id, c.source, c.verb, c.occurred_at, c.outcome, c.actor_id, c.actor_name, c.account_id,
  c.account_name, c.account_email, c.account_external_id, c.entitlement_kind, c.entitlement_id,
  c.entitlement_name, c.expires_at, c.app_key, c.account_key_app
FROM known_changes AS c
LEFT ANTI JOIN touched_apps AS a
  ON a.app_id = c.account_key_app
LEFT SEMI JOIN touched_accounts AS t
  ON t.app_id = c.account_key_app
  AND t.account_id = c.account_id
