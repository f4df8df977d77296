-- Grain: one application that the register or any listing names.
-- The configuration's word comes first, then the register's, then that of models/semantics by the
-- application's id or name, then, for what a provider decides, that of the provider that assigns it.
-- Columns: app_id, name, idp_app_id, owner (as registered), owner_id (identity), idp_managed, sso_only, scim,
-- soft_delete, activity_supported, criticality, suspend, lag_minutes, dialect, listed_at (of the newest listing of
-- accounts), accounts (that are not deleted).
-- Inputs: reg_applications, account_spans, listings, people_aliases, assignments_now, semantics.
WITH counted AS (
  -- One whose accounts are all deleted is still an application, and the deletions are asked about.
  SELECT app_id, count(*) FILTER (WHERE state <> 'deleted') AS accounts
  FROM account_spans
  WHERE valid_to IS NULL
    AND how <> 'mention'
  GROUP BY app_id
),
listed AS (
  SELECT app_id, max(listed_at) AS listed_at
  FROM listings
  WHERE row_kind = 'account'
  GROUP BY app_id
),
named AS (
  SELECT app_id FROM reg_applications
  UNION
  SELECT app_id FROM counted
),
provided AS (
  SELECT app_id, min(idp) AS idp
  FROM assignments_now
  GROUP BY app_id
  HAVING count(DISTINCT idp) = 1
)
SELECT
  n.app_id,
  coalesce(r.name, n.app_id) AS name,
  r.idp_app_id,
  r.owner,
  p.identity_id AS owner_id,
  coalesce(r.idp_managed, FALSE) AS idp_managed,
  coalesce(o.sso_only, r.sso_only, s.sso_only, m.sso_only, FALSE) AS sso_only,
  coalesce(r.scim, FALSE) AS scim,
  coalesce(o.soft_delete, r.soft_delete, s.soft_delete, m.soft_delete) AS soft_delete,
  r.activity_supported,
  r.criticality,
  coalesce(o.suspend, s.suspend, m.suspend) AS suspend,
  coalesce(o.lag_minutes, s.lag_minutes, m.lag_minutes, v.lag_minutes) AS lag_minutes,
  coalesce(o.dialect, s.dialect, m.dialect, v.dialect, d.dialect) AS dialect,
  l.listed_at,
  coalesce(c.accounts, 0) AS accounts
FROM named AS n
LEFT JOIN reg_applications AS r
  ON r.app_id = n.app_id
LEFT JOIN people_aliases AS p
  ON p.alias = lower(r.owner)
LEFT JOIN counted AS c
  ON c.app_id = n.app_id
LEFT JOIN listed AS l
  ON l.app_id = n.app_id
LEFT JOIN provided AS i
  ON i.app_id = n.app_id
LEFT JOIN semantics AS o
  ON o.name = replace(lower(n.app_id), ' ', '_')
  AND o.rank = 'configuration'
LEFT JOIN semantics AS s
  ON s.name = replace(lower(n.app_id), ' ', '_')
  AND s.rank = 'model'
LEFT JOIN semantics AS m
  ON m.name = replace(lower(r.name), ' ', '_')
  AND m.rank = 'model'
LEFT JOIN semantics AS v
  ON v.name = i.idp
  AND v.rank = 'model'
LEFT JOIN semantics AS d
  ON d.rank = 'default'
