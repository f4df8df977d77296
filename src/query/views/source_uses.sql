-- Grain: one log and one application of whose use it told, in the 100 days before $as_of.
-- Columns: source, app_id, first_at, last_at.
-- Inputs: events, app_aliases.
WITH told AS (
  SELECT
    source,
    account_app,
    app_id,
    app_name,
    min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
  FROM events
  WHERE event_date <= $as_of_date
    AND event_date >= CAST($as_of - INTERVAL '100 days' AS DATE)
    AND occurred_at <= $as_of
    AND ingested_at <= $known_at
    AND outcome = 'success'
    AND (verb LIKE 'signin%' OR verb IN ('token.use', 'session.use'))
  GROUP BY source, account_app, app_id, app_name
),
named AS (
  SELECT
    t.source,
    coalesce(by_account_app.app_id, t.account_app) AS app_id,
    t.first_at,
    t.last_at
  FROM told AS t
  LEFT JOIN app_aliases AS by_account_app
    ON lower(t.account_app) = by_account_app.alias
  UNION ALL
  SELECT
    t.source,
    coalesce(by_id.app_id, by_name.app_id, t.app_id, t.app_name) AS app_id,
    t.first_at,
    t.last_at
  FROM told AS t
  LEFT JOIN app_aliases AS by_id
    ON lower(t.app_id) = by_id.alias
  LEFT JOIN app_aliases AS by_name
    ON lower(t.app_name) = by_name.alias
)
SELECT
  source,
  app_id,
  min(first_at) AS first_at,
  max(last_at) AS last_at
FROM named
WHERE app_id IS NOT NULL
GROUP BY source, app_id
