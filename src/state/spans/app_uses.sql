-- Grain: one attempt to use an account. Challenges and skipped steps are neither.
-- Inputs: known_events.
SELECT
  account_key_app,
  account_id,
  app_key,
  occurred_at,
  CASE
    WHEN verb IN ('signin.failed', 'signin.app.failed', 'signin.denied_app') THEN 'failure'
    ELSE outcome
  END AS outcome,
  verb,
  event_id,
  credential_kind,
  credential_id
FROM known_events
WHERE outcome IN ('success', 'failure')
  AND (verb LIKE 'signin%' OR verb IN ('token.use', 'session.use'))
