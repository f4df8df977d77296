-- Grain: one event that had happened by $as_of and was known at $known_at.
-- Columns: those of `events` without the raw record, and the applications that the
-- event's own ids and names stand for in the register (`app_key`, `account_key_app`).
-- Inputs: events, app_aliases.
SELECT
  e.event_id,
  e.source,
  e.org,
  e.event_type,
  e.verb,
  e.occurred_at,
  e.ingested_at,
  e.actor_id,
  e.actor_kind,
  e.actor_name,
  e.account_app,
  e.account_id,
  e.account_name,
  e.account_email,
  e.account_external_id,
  e.app_id,
  e.app_name,
  e.entitlement_kind,
  e.entitlement_id,
  e.entitlement_name,
  e.outcome,
  e.reason_code,
  e.reason,
  e.correlation_id,
  e.session_id,
  e.client_ip,
  e.user_agent,
  e.http_method,
  e.http_path,
  e.http_status,
  e.latency_ms,
  e.changes,
  e.expires_at,
  e.credential_kind,
  e.credential_id,
  e.credential_name,
  coalesce(by_id.app_id, by_name.app_id, e.app_id, e.app_name) AS app_key,
  coalesce(by_account_app.app_id, e.account_app) AS account_key_app
FROM events AS e
LEFT JOIN app_aliases AS by_id
  ON lower(e.app_id) = by_id.alias
LEFT JOIN app_aliases AS by_name
  ON lower(e.app_name) = by_name.alias
LEFT JOIN app_aliases AS by_account_app
  ON lower(e.account_app) = by_account_app.alias
WHERE e.event_date <= $as_of_date
  AND e.occurred_at <= $as_of
  AND e.ingested_at <= $known_at
