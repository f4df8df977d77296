-- Grain: one account with any activity.
-- Columns: app_id, account_id, last_success_at, last_success_signal, last_failure_at,
-- failures_since_success, first_success_at. Only a success counts as use; a failed sign-in
-- never refreshes it.
-- Inputs: account_uses.
WITH successes AS (
  SELECT
    app_id,
    account_id,
    max(last_at) AS last_success_at,
    min(first_at) AS first_success_at,
    last_value(signal ORDER BY last_at, signal) AS last_success_signal
  FROM account_uses
  WHERE ok
  GROUP BY app_id, account_id
),
failures AS (
  SELECT
    u.app_id,
    u.account_id,
    max(u.last_at) AS last_failure_at,
    sum(CASE WHEN s.last_success_at IS NULL OR u.last_at > s.last_success_at THEN u.uses ELSE 0 END) AS failures_since_success
  FROM account_uses AS u
  LEFT JOIN successes AS s
    ON s.app_id = u.app_id
    AND s.account_id = u.account_id
  WHERE NOT u.ok
  GROUP BY u.app_id, u.account_id
)
SELECT
  coalesce(s.app_id, f.app_id) AS app_id,
  coalesce(s.account_id, f.account_id) AS account_id,
  s.last_success_at,
  s.last_success_signal,
  f.last_failure_at,
  coalesce(f.failures_since_success, 0) AS failures_since_success,
  s.first_success_at
FROM successes AS s
FULL JOIN failures AS f
  ON f.app_id = s.app_id
  AND f.account_id = s.account_id
