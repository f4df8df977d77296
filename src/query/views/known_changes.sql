-- Grain: one known event that is no use of an account: what was done to accounts, grants,
-- tokens and jobs. Held in memory, because most views and rules start here, and far fewer
-- than sign-ins.
-- Columns: those of known_events. Inputs: known_events.
SELECT
  event_id, source, org, event_type, verb, occurred_at, ingested_at, actor_id, actor_kind, actor_name,
  account_app, account_id, account_name, account_email, account_external_id, app_id, app_name,
  entitlement_kind, entitlement_id, entitlement_name, outcome, reason_code, reason, correlation_id,
  session_id, client_ip, user_agent, http_method, http_path, http_status, latency_ms, changes, expires_at,
  credential_kind, credential_id, credential_name,
  app_key, account_key_app
FROM known_events
WHERE verb NOT LIKE 'signin%'
  AND verb NOT IN ('token.use', 'session.use')
