-- Grain: one entitlement held by one person who works here; an entitlement that a person
-- holds through two accounts counts once, and application assignments say nothing new.
-- In an order that does not hang on the numbers of entitlements, since scores are sums.
-- Inputs: grants_now, identities_now, entitlement_keys.
WITH held AS (
  SELECT
    entitlement_key,
    identity_key,
    min(account_id) AS account_id
  FROM grants_now
  WHERE account_active
    AND entitlement_kind <> 'app'
    AND identity_key IS NOT NULL
  GROUP BY entitlement_key, identity_key
)
SELECT
  e.app_id,
  h.account_id,
  e.entitlement_id,
  h.entitlement_key,
  h.identity_key,
  i.department,
  i.title
FROM held AS h
JOIN identities_now AS i
  ON i.identity_key = h.identity_key
JOIN entitlement_keys AS e
  ON e.entitlement_key = h.entitlement_key
WHERE i.employed
ORDER BY h.identity_key, e.app_id, e.entitlement_id
