-- Grain: one account of an identity provider that is somebody else's than when the checkpoint was made.
-- Inputs: providers_before, providers_again (of the accounts that are linked again).
SELECT
  coalesce(n.app_id, b.app_id) AS app_id,
  coalesce(n.account_id, b.account_id) AS account_id
FROM providers_again AS n
FULL JOIN providers_before AS b
  ON b.app_id = n.app_id
  AND b.account_id = n.account_id
  AND b.identity_id = n.identity_id
WHERE n.app_id IS NULL
  OR b.app_id IS NULL
