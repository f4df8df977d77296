-- Grain: one entitlement that one account holds at $as_of.
-- Of the accounts that are worked out again.
-- Columns: app_id, account_id, account_key, entitlement_kind, entitlement_id, entitlement_key, entitlement_name,
-- valid_from (since when a source shows it), granted_at (as the source says, else valid_from), expires_at,
-- last_used_at, granted_by, listed_at, from_source, privileged, tenant_admin, sensitivity and jit (of the
-- entitlement, by the register), identity_id and identity_key (of the account's person), account_active,
-- account_class.
-- Inputs: renewed_grant_spans, renewed_account_spans, renewed_links, reg_entitlements, entitlement_keys.
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
entitlements AS (
  SELECT
    k.entitlement_key,
    c.name,
    coalesce(c.privileged, FALSE) AS privileged,
    coalesce(c.tenant_admin, FALSE) AS tenant_admin,
    coalesce(c.jit, FALSE) AS jit,
    c.sensitivity
  FROM entitlement_keys AS k
  LEFT JOIN catalogue AS c
    ON c.app_id = k.app_id
    AND c.alias = lower(k.entitlement_id)
),
-- Put together first. The grants are on the right of both joins, where they pass by and are not held.
accounts AS (
  SELECT
    coalesce(a.account_key, l.account_key) AS account_key,
    CASE WHEN a.state <> 'unknown' THEN a.state = 'active' END AS active,
    l.identity_id,
    l.identity_key,
    coalesce(l.class, 'unknown') AS class
  FROM (
    SELECT account_key, CASE WHEN how = 'mention' THEN 'unknown' ELSE state END AS state
    FROM renewed_account_spans
    WHERE valid_to IS NULL
  ) AS a
  FULL JOIN renewed_links AS l
    ON l.account_key = a.account_key
)
SELECT
  g.app_id,
  g.account_id,
  g.account_key,
  g.entitlement_kind,
  g.entitlement_id,
  g.entitlement_key,
  coalesce(g.entitlement_name, e.name) AS entitlement_name,
  g.valid_from,
  coalesce(g.granted_at, g.valid_from) AS granted_at,
  g.expires_at,
  g.last_used_at,
  g.granted_by,
  g.listed_at,
  g.from_source,
  e.privileged,
  e.tenant_admin,
  e.sensitivity,
  e.jit,
  a.identity_id,
  a.identity_key,
  a.active AS account_active,
  coalesce(a.class, 'unknown') AS account_class
FROM entitlements AS e
RIGHT JOIN (
  accounts AS a
  RIGHT JOIN renewed_grant_spans AS g
    ON a.account_key = g.account_key
)
  ON e.entitlement_key = g.entitlement_key
WHERE g.valid_to IS NULL
