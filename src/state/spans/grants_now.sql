-- Grain: one entitlement that one account holds at $as_of.
-- Of the accounts that are worked out again.
-- Inputs: renewed_grant_spans, renewed_account_spans, reg_entitlements, renewed_links.
WITH catalogue AS (
  SELECT
    app_id,
    lower(entitlement_id) AS alias,
    bool_or(coalesce(privileged, FALSE)) AS privileged,
    bool_or(coalesce(tenant_admin, FALSE)) AS tenant_admin,
    bool_or(coalesce(jit, FALSE)) AS jit,
    max(sensitivity) AS sensitivity,
    max(name) AS name
  FROM reg_entitlements
  GROUP BY app_id, lower(entitlement_id)
),
-- Put together first. The grants are on the right of both joins, where they pass by and are not held.
accounts AS (
  SELECT
    coalesce(a.app_id, l.app_id) AS app_id,
    coalesce(a.account_id, l.account_id) AS account_id,
    a.state = 'active' AS active,
    l.identity_id,
    coalesce(l.class, 'unknown') AS class
  FROM (SELECT app_id, account_id, state FROM renewed_account_spans WHERE valid_to IS NULL) AS a
  FULL JOIN renewed_links AS l
    ON l.app_id = a.app_id
    AND l.account_id = a.account_id
)
SELECT
  g.app_id,
  g.account_id,
  g.entitlement_kind,
  g.entitlement_id,
  coalesce(g.entitlement_name, c.name) AS entitlement_name,
  g.valid_from,
  coalesce(g.granted_at, g.valid_from) AS granted_at,
  g.expires_at,
  g.last_used_at,
  g.granted_by,
  g.listed_at,
  g.from_source,
  coalesce(c.privileged, FALSE) AS privileged,
  coalesce(c.tenant_admin, FALSE) AS tenant_admin,
  c.sensitivity,
  coalesce(c.jit, FALSE) AS jit,
  a.identity_id,
  a.active AS account_active,
  coalesce(a.class, 'unknown') AS account_class
FROM catalogue AS c
RIGHT JOIN (
  accounts AS a
  RIGHT JOIN renewed_grant_spans AS g
    ON a.app_id = g.app_id
    AND a.account_id = g.account_id
)
  ON c.app_id = g.app_id
  AND c.alias = lower(g.entitlement_id)
WHERE g.valid_to IS NULL
