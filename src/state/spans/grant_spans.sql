-- Grain: one stretch [valid_from, valid_to) in which one account holds one entitlement.
-- Columns: app_id, account_id, entitlement_kind, entitlement_id, entitlement_name,
-- valid_from, valid_to, expires_at, granted_at, last_used_at, granted_by, from_source,
-- listed_at, ref. For an assignment to an application the entitlement is the application.
-- Of what can change while a grant is held, the newest that was said counts.
-- Inputs: grant_observations.
WITH islands AS (
  SELECT
    island,
    min(n) AS first_n,
    min(at) AS valid_from,
    min(granted_at) AS granted_at,
    max(last_used_at) AS last_used_at,
    max(listed_at) AS listed_at,
    max(CASE WHEN entitlement_name IS NOT NULL THEN n END) AS named_n,
    max(CASE WHEN expires_at IS NOT NULL THEN n END) AS expires_n,
    max(CASE WHEN granted_by IS NOT NULL THEN n END) AS granted_n
  FROM grant_observations
  GROUP BY island
),
described AS (
  SELECT
    i.island, i.valid_from, i.granted_at, i.last_used_at, i.listed_at, i.named_n, i.expires_n, i.granted_n,
    f.app_id, f.account_id, f.entitlement_kind, f.entitlement_id, f.held, f.from_source, f.ref
  FROM islands AS i
  JOIN grant_observations AS f
    ON f.n = i.first_n
),
bounded AS (
  SELECT
    island, valid_from, granted_at, last_used_at, listed_at, named_n, expires_n, granted_n,
    app_id, account_id, entitlement_kind, entitlement_id, held, from_source, ref,
    CASE
      WHEN lead(app_id) OVER w = app_id
        AND lead(account_id) OVER w = account_id
        AND (lead(entitlement_kind) OVER w IS NOT DISTINCT FROM entitlement_kind)
        AND lead(entitlement_id) OVER w = entitlement_id
      THEN lead(valid_from) OVER w
    END AS valid_to
  FROM described
  WINDOW w AS (ORDER BY island)
)
SELECT
  b.app_id, b.account_id, b.entitlement_kind, b.entitlement_id, named.entitlement_name, b.valid_from, b.valid_to,
  expires.expires_at, b.granted_at, b.last_used_at, granted.granted_by, b.from_source, b.listed_at, b.ref
FROM bounded AS b
LEFT JOIN grant_observations AS named
  ON named.n = b.named_n
LEFT JOIN grant_observations AS expires
  ON expires.n = b.expires_n
LEFT JOIN grant_observations AS granted
  ON granted.n = b.granted_n
WHERE b.held
  AND (b.valid_to IS NULL OR b.valid_to > b.valid_from)
