-- Grain: one entitlement of one application that an account held and that has no number yet.
-- Columns: app_id, entitlement_id, entitlement_key.
-- Inputs: told_grants (of the accounts that are worked out again), known, numbered (what the checkpoint has of these, and of
-- all).
WITH fresh AS (
  SELECT DISTINCT t.app_id, t.entitlement_id
  FROM told_grants AS t
  LEFT ANTI JOIN known AS k
    ON k.app_id = t.app_id
    AND k.entitlement_id = t.entitlement_id
),
greatest AS (
  SELECT coalesce(max(entitlement_key), 0) AS entitlement_key
  FROM numbered
)
SELECT
  f.app_id,
  f.entitlement_id,
  CAST(g.entitlement_key + row_number() OVER () AS INTEGER UNSIGNED) AS entitlement_key
FROM fresh AS f
CROSS JOIN greatest AS g
