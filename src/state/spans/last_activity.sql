-- Grain: one account with any activity.
-- Columns: app_id, account_id, last_success_at, last_success_signal, last_failure_at,
-- failures_since_success, first_success_at. Only a success counts as use; a failed sign-in
-- never refreshes it. A sign-in through the identity provider counts for the account that
-- the same identity has in the application it went to.
-- Inputs: account_attributes, links, app_uses.
WITH uses AS (
  SELECT
    account_key_app AS app_id,
    account_id,
    first_at,
    last_at,
    uses,
    outcome = 'success' AS ok,
    verb AS signal
  FROM app_uses
  WHERE account_id IS NOT NULL
    AND account_key_app IS NOT NULL
  UNION ALL
  SELECT d.app_id, d.account_id, u.first_at, u.last_at, u.uses, u.outcome = 'success', 'sso'
  FROM app_uses AS u
  JOIN links AS i
    ON i.app_id = u.account_key_app
    AND i.account_id = u.account_id
  JOIN links AS d
    ON d.identity_id = i.identity_id
    AND d.app_id = u.app_key
  WHERE u.app_key IS NOT NULL
    AND u.app_key <> u.account_key_app
  UNION ALL
  SELECT app_id, account_id, last_active_at, last_active_at AS last_at, 1, TRUE, 'listing'
  FROM account_attributes
  WHERE last_active_at IS NOT NULL
    AND last_active_at <= $as_of
),
-- An ordered aggregate is slow, so that it gets one row an account and signal.
signals AS (
  SELECT app_id, account_id, signal, max(last_at) AS last_at, min(first_at) AS first_at
  FROM uses
  WHERE ok
  GROUP BY app_id, account_id, signal
),
successes AS (
  SELECT
    app_id,
    account_id,
    max(last_at) AS last_success_at,
    min(first_at) AS first_success_at,
    last_value(signal ORDER BY last_at, signal) AS last_success_signal
  FROM signals
  GROUP BY app_id, account_id
),
failures AS (
  SELECT
    u.app_id,
    u.account_id,
    max(u.last_at) AS last_failure_at,
    sum(CASE WHEN s.last_success_at IS NULL OR u.last_at > s.last_success_at THEN u.uses ELSE 0 END) AS failures_since_success
  FROM uses AS u
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
