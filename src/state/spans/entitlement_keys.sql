-- Grain: one entitlement of one application that any account held. Its number stays as it is for as long as sessions
-- start from what earlier ones held, so that rows of both can be told by it.
-- Columns: app_id, entitlement_id, entitlement_key.
-- Inputs: renewed_grant_spans (of the accounts that are worked out again), numbered_entitlements (the checkpoint's).
WITH held AS (
  SELECT DISTINCT app_id, entitlement_id
  FROM renewed_grant_spans
),
fresh AS (
  SELECT h.app_id, h.entitlement_id
  FROM held AS h
  LEFT ANTI JOIN numbered_entitlements AS n
    ON n.app_id = h.app_id
    AND n.entitlement_id = h.entitlement_id
),
numbered AS (
  SELECT coalesce(max(entitlement_key), 0) AS greatest
  FROM numbered_entitlements
)
SELECT app_id, entitlement_id, entitlement_key
FROM numbered_entitlements
UNION ALL
SELECT
  f.app_id,
  f.entitlement_id,
  CAST(n.greatest + row_number() OVER (ORDER BY f.app_id, f.entitlement_id) AS INTEGER UNSIGNED)
FROM fresh AS f
CROSS JOIN numbered AS n
