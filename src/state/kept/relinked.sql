-- Grain: one account of which something else is known than when the checkpoint was made, of what linking needs.
-- Inputs: attributes_before, attributes_again (of the accounts that are worked out again), account_renames,
-- base_account_renames.
WITH moved AS (
  SELECT
    coalesce(n.app_id, b.app_id) AS app_id,
    coalesce(n.from_account_id, b.from_account_id) AS from_account_id,
    coalesce(n.to_account_id, b.to_account_id) AS to_account_id
  FROM account_renames AS n
  FULL JOIN base_account_renames AS b
    ON b.app_id = n.app_id
    AND b.from_account_id = n.from_account_id
    AND b.to_account_id = n.to_account_id
    AND b.renamed_at IS NOT DISTINCT FROM n.renamed_at
  WHERE n.app_id IS NULL
    OR b.app_id IS NULL
)
SELECT
  coalesce(n.app_id, b.app_id) AS app_id,
  coalesce(n.account_id, b.account_id) AS account_id
FROM attributes_again AS n
FULL JOIN attributes_before AS b
  ON b.app_id = n.app_id
  AND b.account_id = n.account_id
  AND (b.account_name IS NOT DISTINCT FROM n.account_name)
  AND (b.display_name IS NOT DISTINCT FROM n.display_name)
  AND (b.email IS NOT DISTINCT FROM n.email)
  AND (b.external_id IS NOT DISTINCT FROM n.external_id)
  AND (b.employee_id IS NOT DISTINCT FROM n.employee_id)
  AND (b.class IS NOT DISTINCT FROM n.class)
  AND (coalesce(b.created_at, b.first_stated_at) IS NOT DISTINCT FROM coalesce(n.created_at, n.first_stated_at))
WHERE n.app_id IS NULL
  OR b.app_id IS NULL
UNION
SELECT app_id, from_account_id FROM moved
UNION
SELECT app_id, to_account_id FROM moved
