-- Grain: one account of which something else is known than when the checkpoint was made, of what linking needs.
-- Inputs: attributes_before, attributes_again (of the accounts that are worked out again), account_renames,
-- base_account_renames.
WITH moved AS (
  SELECT
    coalesce(n.from_account_key, b.from_account_key) AS from_account_key,
    coalesce(n.to_account_key, b.to_account_key) AS to_account_key
  FROM account_renames AS n
  FULL JOIN base_account_renames AS b
    ON b.from_account_key = n.from_account_key
    AND b.to_account_key = n.to_account_key
    AND (b.renamed_at IS NOT DISTINCT FROM n.renamed_at)
  WHERE n.from_account_key IS NULL
    OR b.from_account_key IS NULL
)
SELECT coalesce(n.account_key, b.account_key) AS account_key
FROM attributes_again AS n
FULL JOIN attributes_before AS b
  ON b.account_key = n.account_key
  AND (b.account_name IS NOT DISTINCT FROM n.account_name)
  AND (b.display_name IS NOT DISTINCT FROM n.display_name)
  AND (b.email IS NOT DISTINCT FROM n.email)
  AND (b.external_id IS NOT DISTINCT FROM n.external_id)
  AND (b.employee_id IS NOT DISTINCT FROM n.employee_id)
  AND (b.class IS NOT DISTINCT FROM n.class)
  AND (coalesce(b.created_at, b.first_stated_at) IS NOT DISTINCT FROM coalesce(n.created_at, n.first_stated_at))
WHERE n.account_key IS NULL
  OR b.account_key IS NULL
UNION
SELECT from_account_key FROM moved
UNION
SELECT to_account_key FROM moved
