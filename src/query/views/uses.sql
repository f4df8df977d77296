-- Grain: one account as events name it, one application, one verb and one outcome: when it was
-- used so, first and last. Failures keep an instant each (`failed_at`), because how many came
-- after a success is asked for.
-- Columns: account_app, account_id, app_id, app_name, verb, credential_kind, credential_id,
-- outcome (success or failure), failed_at, first_at, last_at, uses.
-- Challenges and skipped steps are neither. Only events that the checkpoint does not know.
-- Inputs: tail_events.
WITH tail AS (
  SELECT
    account_app,
    account_id,
    app_id,
    app_name,
    verb,
    credential_kind,
    credential_id,
    CASE
      WHEN verb IN ('signin.failed', 'signin.app.failed', 'signin.denied_app') THEN 'failure'
      ELSE outcome
    END AS outcome,
    occurred_at
  FROM tail_events
  WHERE outcome IN ('success', 'failure')
    AND (verb LIKE 'signin%' OR verb IN ('token.use', 'session.use'))
)
SELECT
  account_app,
  account_id,
  app_id,
  app_name,
  verb,
  credential_kind,
  credential_id,
  outcome,
  CASE outcome WHEN 'failure' THEN occurred_at END AS failed_at,
  min(occurred_at) AS first_at,
  max(occurred_at) AS last_at,
  count(*) AS uses
FROM tail
GROUP BY
  account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome,
  CASE outcome WHEN 'failure' THEN occurred_at END
