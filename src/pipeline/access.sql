-- Grain: one entitlement that one account held at $as_of, and one line for an account that
-- held nothing. The subject is matched by any of its names.
-- Inputs: account_spans, account_attributes, grant_spans, links, identities_now, app_aliases, loads.
WITH files AS (
  SELECT load_id, max(file) AS file
  FROM loads
  GROUP BY load_id
)
SELECT
  s.app_id,
  s.account_id,
  a.account_name,
  s.state,
  s.valid_from AS state_since,
  s.how,
  s.ref AS state_ref,
  CASE WHEN s.how <> 'event' THEN sf.file END AS state_file,
  l.identity_id,
  i.name AS identity_name,
  l.method AS link_method,
  l.confidence AS link_confidence,
  g.entitlement_kind,
  g.entitlement_id,
  g.entitlement_name,
  g.valid_from AS held_since,
  g.granted_at,
  g.expires_at,
  g.granted_by,
  g.from_source,
  g.ref AS grant_ref,
  gf.file AS grant_file
FROM account_spans AS s
LEFT JOIN account_attributes AS a
  ON a.app_id = s.app_id
  AND a.account_id = s.account_id
LEFT JOIN links AS l
  ON l.app_id = s.app_id
  AND l.account_id = s.account_id
LEFT JOIN identities_now AS i
  ON i.identity_id = l.identity_id
LEFT JOIN grant_spans AS g
  ON g.app_id = s.app_id
  AND g.account_id = s.account_id
  AND g.valid_to IS NULL
LEFT JOIN files AS sf
  ON sf.load_id = s.ref
LEFT JOIN files AS gf
  ON gf.load_id = g.ref
WHERE s.valid_to IS NULL
  AND s.state <> 'deleted'
  AND CASE $kind
    WHEN 'identity' THEN lower(l.identity_id) = lower($subject)
      OR lower(i.email) = lower($subject)
      OR lower(i.employee_id) = lower($subject)
    WHEN 'account' THEN lower(s.account_id) = lower($subject)
      OR lower(concat(s.app_id, '/', s.account_id)) = lower($subject)
      OR lower(a.account_name) = lower($subject)
    WHEN 'app' THEN lower(s.app_id) = lower($subject)
      OR s.app_id IN (SELECT app_id FROM app_aliases WHERE alias = lower($subject))
    WHEN 'entitlement' THEN lower(g.entitlement_id) = lower($subject)
      OR lower(g.entitlement_name) = lower($subject)
    ELSE FALSE
  END
ORDER BY s.app_id, s.account_id, g.entitlement_kind, g.entitlement_id
