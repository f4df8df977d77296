-- Grain: one account. Inputs: accounts_now, last_activity.
SELECT
  concat(a.app_id, '/', a.account_id) AS key,
  a.app_id,
  a.account_id,
  a.account_name,
  a.display_name,
  a.email,
  a.external_id,
  a.active,
  a.state_since,
  a.class,
  a.class_source,
  a.created_at,
  a.expires_at,
  a.privileged,
  a.identity_id,
  a.link_method,
  a.link_confidence,
  u.last_success_at
FROM accounts_now AS a
LEFT JOIN last_activity AS u
  ON u.app_id = a.app_id
  AND u.account_id = a.account_id
WHERE concat(a.app_id, '/', a.account_id) > $after
ORDER BY key
LIMIT 1001
