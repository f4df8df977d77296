-- Grain: one account that an event speaks of which the checkpoint does not know.
-- Inputs: known_changes.
SELECT DISTINCT account_key_app AS app_id, account_id
FROM known_changes
WHERE (occurred_at > $base_as_of OR ingested_at > $base_known_at)
  AND account_key_app IS NOT NULL
  AND account_id IS NOT NULL
