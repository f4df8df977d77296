-- The columns of `uses` without rows: what a session starts from that has no checkpoint.
-- Inputs: events.
SELECT
  account_app,
  account_id,
  app_id,
  app_name,
  verb,
  credential_kind,
  credential_id,
  outcome,
  occurred_at AS failed_at,
  occurred_at AS first_at,
  occurred_at AS last_at,
  CAST(0 AS BIGINT) AS uses
FROM events
WHERE FALSE
