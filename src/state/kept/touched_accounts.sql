-- Grain: one account that an event speaks of which the checkpoint does not know, or that was in a group which such an
-- event deletes. A use says something only of an account on which there is no word.
-- Inputs: tail_changes, deleted_groups, base_grant_spans, told_mentions, base_account_spans.
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
UNION
SELECT m.app_id, m.account_id
FROM told_mentions AS m
LEFT ANTI JOIN (
  SELECT app_id, account_id
  FROM base_account_spans
  WHERE how <> 'mention'
) AS s
  ON s.app_id = m.app_id
  AND s.account_id = m.account_id
