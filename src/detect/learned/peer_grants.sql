-- Grain: one entitlement held by one person who works here; an entitlement that a person
-- holds through two accounts counts once, and application assignments say nothing new.
-- Inputs: grants_now, identities_now.
SELECT
  g.app_id,
  min(g.account_id) AS account_id,
  g.entitlement_id,
  g.identity_id,
  min(i.department) AS department,
  min(i.title) AS title
FROM grants_now AS g
JOIN identities_now AS i
  ON i.identity_id = g.identity_id
WHERE i.employed
  AND g.account_active
  AND g.entitlement_kind <> 'app'
GROUP BY g.app_id, g.entitlement_id, g.identity_id
ORDER BY g.identity_id, g.app_id, g.entitlement_id
