-- Grain: one known event that is no use of an account and that the checkpoint does not hold. Held in
-- memory, because most views and rules start here.
-- Columns: those of known_events.
-- Inputs: tail_events, app_aliases.
SELECT
  c.event_id, c.source, c.org, c.event_type, c.verb, c.occurred_at, c.ingested_at, c.actor_id, c.actor_kind,
  c.actor_name, c.account_app, c.account_id, c.account_name, c.account_email, c.account_external_id,
  c.app_id, c.app_name, c.entitlement_kind, c.entitlement_id, c.entitlement_name, c.outcome, c.reason_code,
  c.reason, c.correlation_id, c.session_id, c.client_ip, c.user_agent, c.http_method, c.http_path,
  c.http_status, c.latency_ms, c.changes, c.expires_at, c.credential_kind, c.credential_id, c.credential_name,
  coalesce(by_id.app_id, by_name.app_id, c.app_id, c.app_name) AS app_key,
  coalesce(by_account_app.app_id, c.account_app) AS account_key_app
FROM tail_events AS c
LEFT JOIN app_aliases AS by_id
  ON lower(c.app_id) = by_id.alias
LEFT JOIN app_aliases AS by_name
  ON lower(c.app_name) = by_name.alias
LEFT JOIN app_aliases AS by_account_app
  ON lower(c.account_app) = by_account_app.alias
WHERE c.verb NOT LIKE 'signin%'
  AND c.verb NOT IN ('token.use', 'session.use')
