-- Grain: one account that an event speaks of which the checkpoint does not know.
-- Inputs: tail_changes.
SELECT DISTINCT account_key_app AS app_id, account_id
FROM tail_changes
WHERE account_key_app IS NOT NULL
  AND account_id IS NOT NULL
