-- Grain: one account, one way of using it, and success or failure; failures keep an instant each,
-- because how many came after a success is asked for.
-- Columns: app_id, account_id, signal, ok, failed_at, first_at, last_at, uses.
-- A sign-in through the identity provider counts for the account that the same identity has in the
-- application it went to.
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
)
SELECT
  app_id,
  account_id,
  signal,
  ok,
  CASE WHEN NOT ok THEN last_at END AS failed_at,
  min(first_at) AS first_at,
  max(last_at) AS last_at,
  sum(uses) AS uses
FROM uses
GROUP BY app_id, account_id, signal, ok, CASE WHEN NOT ok THEN last_at END
