-- Grain: one account that anything was told of and that has no number yet.
-- Columns: app_id, account_id, account_key.
-- Inputs: told_attributes, told_grants, told_uses (of the accounts that are worked out again), known, numbered (what the
-- checkpoint has of these, and of all).
WITH told AS (
  SELECT app_id, account_id FROM told_attributes
  UNION
  SELECT app_id, account_id FROM told_grants
  UNION
  SELECT account_key_app, account_id FROM told_uses
),
fresh AS (
  SELECT t.app_id, t.account_id
  FROM told AS t
  LEFT ANTI JOIN known AS k
    ON k.app_id = t.app_id
    AND k.account_id = t.account_id
  WHERE t.app_id IS NOT NULL
    AND t.account_id IS NOT NULL
),
greatest AS (
  SELECT coalesce(max(account_key), 0) AS account_key
  FROM numbered
)
SELECT
  f.app_id,
  f.account_id,
  CAST(g.account_key + row_number() OVER () AS INTEGER UNSIGNED) AS account_key
FROM fresh AS f
CROSS JOIN greatest AS g
