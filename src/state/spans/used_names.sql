-- Grain: one account that only its uses name, with the names that they give it, also those that failed.
-- Columns: app_id, account_id, account_name, email, external_id.
-- Of several names the greatest: uses come in any order, and by which name it goes now they do not tell.
-- Inputs: unnamed_accounts, tail_events, app_aliases.
SELECT
  n.app_id,
  n.account_id,
  max(e.account_name) AS account_name,
  max(e.account_email) AS email,
  max(e.account_external_id) AS external_id
FROM unnamed_accounts AS n
JOIN (
  SELECT
    coalesce(a.app_id, t.account_app) AS app_id,
    t.account_id,
    t.account_name,
    t.account_email,
    t.account_external_id
  FROM tail_events AS t
  LEFT JOIN app_aliases AS a
    ON lower(t.account_app) = a.alias
  WHERE t.account_id IS NOT NULL
) AS e
  ON e.app_id = n.app_id
  AND e.account_id = n.account_id
GROUP BY n.app_id, n.account_id
