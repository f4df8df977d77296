-- Grain: one known event that the checkpoint does not hold: it has all that had happened by
-- $base_as_of and was known by $base_known_at. Held in memory where there is a checkpoint, since then
-- they are few; without one these are all events.
-- Columns: those of `events` without the raw record and its origin, and without the ids of sessions and of what was
-- done together, which hardly repeat: `known_events` has them.
-- Inputs: events.
SELECT
  event_id, source, org, event_type, verb, occurred_at, ingested_at, actor_id, actor_kind, actor_name,
  account_app, account_id, account_name, account_email, account_external_id, app_id, app_name,
  entitlement_kind, entitlement_id, entitlement_name, outcome, reason_code, reason, client_ip,
  user_agent, http_method, http_path, http_status, latency_ms, changes, expires_at,
  credential_kind, credential_id, credential_name
FROM events
WHERE event_date <= $as_of_date
  -- The log tells times to the millisecond to whoever prunes by it: every file would be opened.
  AND event_date BETWEEN $tail_from_date AND $tail_to_date
  AND occurred_at <= $as_of
  AND ingested_at <= $known_at
  AND (occurred_at > $base_as_of OR ingested_at > $base_known_at)
