-- Grain: one account of an identity provider, linked again, that is somebody else's than when the checkpoint was made.
-- Inputs: providers_before, providers_again (of the accounts that were linked again).
SELECT coalesce(n.account_key, b.account_key) AS account_key, coalesce(n.account_id, b.account_id) AS account_id
FROM providers_again AS n
FULL JOIN providers_before AS b
  ON b.account_key = n.account_key
  AND b.identity_id = n.identity_id
WHERE n.account_key IS NULL
  OR b.account_key IS NULL
