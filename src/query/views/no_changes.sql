-- The columns of `changes` without rows: what a session starts from that has no checkpoint.
-- Inputs: events.
SELECT
  event_id, source, org, event_type, verb, occurred_at, ingested_at, actor_id, actor_kind, actor_name,
  account_app, account_id, account_name, account_email, account_external_id, app_id, app_name,
  entitlement_kind, entitlement_id, entitlement_name, outcome, reason_code, reason, correlation_id,
  session_id, client_ip, user_agent, http_method, http_path, http_status, latency_ms, changes, expires_at,
  credential_kind, credential_id, credential_name
FROM events
WHERE FALSE
