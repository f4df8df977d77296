-- Grain: one application that the register or any listing names.
-- Inputs: reg_applications, account_spans, listings, people_aliases.
WITH counted AS (
  SELECT app_id, count(*) AS accounts
  FROM account_spans
  WHERE valid_to IS NULL
    AND state <> 'deleted'
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
)
SELECT
  n.app_id,
  coalesce(r.name, n.app_id) AS name,
  r.idp_app_id,
  r.owner,
  p.identity_id AS owner_id,
  coalesce(r.idp_managed, FALSE) AS idp_managed,
  coalesce(r.sso_only, FALSE) AS sso_only,
  coalesce(r.scim, FALSE) AS scim,
  r.soft_delete,
  r.activity_supported,
  r.criticality,
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
