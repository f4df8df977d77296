-- Grain: one application in which something that was read names the subject, also one that held nothing; of a person one row
-- without an application.
-- Columns: app_id, has_accounts, has_grants (whether anything tells of accounts there, and of what they hold).
-- Inputs: people_aliases, account_attributes, account_spans, applications, app_aliases, grant_spans.
WITH accounts AS (
  SELECT DISTINCT app_id FROM account_spans WHERE how <> 'mention'
),
grants AS (
  SELECT DISTINCT app_id FROM grant_spans
),
apps AS (
  SELECT app_id FROM applications
  UNION
  SELECT app_id FROM accounts
  UNION
  SELECT app_id FROM grants
),
named AS (
  SELECT CAST(NULL AS VARCHAR) AS app_id
  FROM people_aliases
  WHERE $kind = 'identity'
    AND alias = lower($subject)
  UNION
  SELECT s.app_id
  FROM account_spans AS s
  LEFT JOIN account_attributes AS a
    ON a.app_id = s.app_id
    AND a.account_id = s.account_id
  WHERE $kind = 'account'
    AND (
      lower(s.account_id) = lower($subject)
      OR lower(concat(s.app_id, '/', s.account_id)) = lower($subject)
      OR lower(a.account_name) = lower($subject)
    )
  UNION
  SELECT app_id
  FROM grant_spans
  WHERE $kind = 'account'
    AND (
      lower(account_id) = lower($subject)
      OR lower(concat(app_id, '/', account_id)) = lower($subject)
    )
  UNION
  SELECT p.app_id
  FROM apps AS p
  LEFT JOIN app_aliases AS l
    ON l.app_id = p.app_id
  WHERE $kind = 'app'
    AND (
      lower(p.app_id) = lower($subject)
      OR l.alias = lower($subject)
    )
  UNION
  SELECT app_id
  FROM grant_spans
  WHERE $kind = 'entitlement'
    AND (
      lower(entitlement_id) = lower($subject)
      OR lower(entitlement_name) = lower($subject)
    )
)
SELECT
  n.app_id,
  CASE WHEN n.app_id IS NULL THEN (SELECT count(*) FROM accounts) > 0 ELSE a.app_id IS NOT NULL END AS has_accounts,
  CASE WHEN n.app_id IS NULL THEN (SELECT count(*) FROM grants) > 0 ELSE g.app_id IS NOT NULL END AS has_grants
FROM named AS n
LEFT JOIN accounts AS a
  ON a.app_id = n.app_id
LEFT JOIN grants AS g
  ON g.app_id = n.app_id
ORDER BY n.app_id
