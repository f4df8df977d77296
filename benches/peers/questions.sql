-- The nine questions of duck_state.py, as of 2026-01-01, asked of the views of a session.
WITH signins AS (
  SELECT account_key, last_at
  FROM app_uses
  WHERE account_key_app = 'okta'
    AND verb IN ('signin', 'signin.app')
    AND outcome = 'success'
),
held AS (
  SELECT g.account_key, g.entitlement_key, g.identity_key, g.granted_at, g.expires_at
  FROM grants_now AS g
  WHERE g.app_id <> 'okta'
    AND g.account_active
),
people AS (
  SELECT identity_key, department
  FROM identities_now
  WHERE employed
),
holdings AS (
  SELECT entitlement_key, identity_key, count(*) AS grants
  FROM held
  GROUP BY entitlement_key, identity_key
),
holders AS (
  SELECT p.department, count(*) AS size, sum(h.grants) AS grants
  FROM holdings AS h
  JOIN people AS p
    ON p.identity_key = h.identity_key
  GROUP BY p.department, h.entitlement_key
),
departments AS (
  SELECT department, count(*) AS size
  FROM identities_now
  WHERE employed
  GROUP BY department
),
sides AS (
  SELECT rule_id, split_part(side_a, '/', 1) AS app_id, split_part(side_a, '/', 2) AS entitlement_id, TRUE AS is_first
  FROM sod_rules
  UNION ALL
  SELECT rule_id, split_part(side_b, '/', 1), split_part(side_b, '/', 2), FALSE
  FROM sod_rules
),
reached AS (
  SELECT s.rule_id, h.identity_key
  FROM sides AS s
  JOIN entitlement_keys AS e
    ON e.app_id = s.app_id
    AND e.entitlement_id = s.entitlement_id
  JOIN held AS h
    ON h.entitlement_key = e.entitlement_key
  WHERE h.identity_key IS NOT NULL
  GROUP BY s.rule_id, h.identity_key
  HAVING bool_or(s.is_first) AND bool_or(NOT s.is_first)
)
SELECT 'accounts of leavers' AS question, count(*) AS found, 1 AS copy
FROM accounts_now AS a
JOIN identities_now AS i
  ON i.identity_key = a.identity_key
WHERE a.app_id <> 'okta'
  AND a.active
  AND NOT i.employed
  AND i.last_end_at <= TIMESTAMP '2026-01-01 00:00:00Z'
UNION ALL
SELECT 'logins of leavers', count(*), 1
FROM accounts_now AS a
JOIN identities_now AS i
  ON i.identity_key = a.identity_key
WHERE a.app_id = 'okta'
  AND a.active
  AND NOT i.employed
UNION ALL
SELECT 'dormant', count(*), 1
FROM accounts_now AS a
LEFT ANTI JOIN (
  SELECT account_key
  FROM signins
  WHERE last_at >= TIMESTAMP '2025-10-03 00:00:00Z'
) AS r
  ON r.account_key = a.account_key
LEFT SEMI JOIN signins AS s
  ON s.account_key = a.account_key
WHERE a.app_id = 'okta'
  AND a.active
UNION ALL
SELECT 'never signed in', count(*), 1
FROM accounts_now AS a
LEFT ANTI JOIN signins AS s
  ON s.account_key = a.account_key
WHERE a.app_id = 'okta'
  AND a.active
  AND a.created_at < TIMESTAMP '2025-12-02 00:00:00Z'
UNION ALL
SELECT 'orphaned', count(*), 1
FROM accounts_now
WHERE app_id <> 'okta'
  AND active
  AND identity_id IS NULL
UNION ALL
SELECT 'unused', count(*), 1
FROM held AS h
LEFT ANTI JOIN (
  SELECT account_key
  FROM last_activity
  WHERE last_success_at >= TIMESTAMP '2025-10-03 00:00:00Z'
) AS l
  ON l.account_key = h.account_key
WHERE h.granted_at < TIMESTAMP '2025-10-03 00:00:00Z'
UNION ALL
SELECT 'expired', count(*), 1
FROM held
WHERE expires_at < TIMESTAMP '2026-01-01 00:00:00Z'
UNION ALL
SELECT 'unlike their peers', CAST(coalesce(sum(h.grants), 0) AS BIGINT), 1
FROM holders AS h
JOIN departments AS d
  ON d.department = h.department
WHERE d.size >= 20
  AND h.size * 50 < d.size
UNION ALL
SELECT 'two duties', count(*), 1
FROM reached
