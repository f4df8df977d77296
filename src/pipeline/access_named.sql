-- Grain: one source of a name, at most one row: whether anything that was read names the subject, also one that held nothing.
-- Inputs: people_aliases, account_attributes, account_spans, applications, grant_spans.
SELECT 'identity' AS kind
FROM people_aliases
WHERE $kind = 'identity'
  AND alias = lower($subject)
UNION
SELECT 'account'
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
SELECT 'app'
FROM applications
WHERE $kind = 'app'
  AND lower(app_id) = lower($subject)
UNION
SELECT 'entitlement'
FROM grant_spans
WHERE $kind = 'entitlement'
  AND (
    lower(entitlement_id) = lower($subject)
    OR lower(entitlement_name) = lower($subject)
  )
