-- Grain: one log, and one application as it names it, of whose use it told in events that the
-- checkpoint does not hold.
-- Columns: source, account_app, app_id, app_name, first_at, last_at.
-- Inputs: tail_events.
SELECT
  source,
  account_app,
  app_id,
  app_name,
  min(occurred_at) AS first_at,
  max(occurred_at) AS last_at
FROM tail_events
WHERE outcome = 'success'
  AND (verb LIKE 'signin%' OR verb IN ('token.use', 'session.use'))
GROUP BY source, account_app, app_id, app_name
