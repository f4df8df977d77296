-- Grain: one log and one application of whose use it told, in the 100 days before $as_of.
-- Columns: source, app_id, first_at (when it first did), last_at.
-- Inputs: event_uses, app_aliases.
WITH told AS (
  SELECT source, account_app, app_id, app_name, first_at, last_at
  FROM event_uses
  WHERE last_at >= date_trunc('day', $as_of - INTERVAL '100 days')
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
