-- Grain: one account that only its uses name, with the names that they gave it before the checkpoint.
-- Columns: those of used_names.
-- Inputs: unnamed_accounts, base_account_attributes.
SELECT a.app_id, a.account_id, a.account_name, a.email, a.external_id
FROM base_account_attributes AS a
LEFT SEMI JOIN unnamed_accounts AS n
  ON n.app_id = a.app_id
  AND n.account_id = a.account_id
