-- Grain: one address or login of an account of an identity provider that was not known when the checkpoint was made.
-- Inputs: names_before, names_again (of the accounts that are worked out again).
SELECT n.app_id, n.account_id, n.name
FROM names_again AS n
LEFT ANTI JOIN names_before AS b
  ON b.account_key = n.account_key
  AND b.name = n.name
