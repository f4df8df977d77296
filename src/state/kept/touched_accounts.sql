-- Grain: one account that an event speaks of which the checkpoint does not know, or that was in a group which such an
-- event deletes.
-- Inputs: tail_changes, deleted_groups, base_grant_spans.
SELECT account_key_app AS app_id, account_id
FROM tail_changes
WHERE account_key_app IS NOT NULL
  AND account_id IS NOT NULL
UNION
SELECT g.app_id, g.account_id
FROM base_grant_spans AS g
JOIN deleted_groups AS d
  ON d.app_id = g.app_id
  AND d.entitlement_id = g.entitlement_id
JOIN tail_changes AS c
  ON c.event_id = d.ref
  AND c.verb = 'group.delete'
