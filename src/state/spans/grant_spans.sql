-- Grain: one stretch [valid_from, valid_to) in which one account holds one entitlement.
-- Columns: app_id, account_id, entitlement_kind, entitlement_id, entitlement_name,
-- valid_from, valid_to, expires_at, granted_at, last_used_at, granted_by, from_source,
-- listed_at, ref. For an assignment to an application the entitlement is the application.
-- Of what can change while a grant is held, the newest that was said counts.
-- Inputs: grant_observations.
WITH islands AS (
  -- Ordered aggregates, because fetching the rows by their numbers drags the texts of all grants
  -- through each join: minutes for three million grants, where this takes seconds.
  SELECT
    island,
    first_value(app_id ORDER BY n) AS app_id,
    first_value(account_id ORDER BY n) AS account_id,
    first_value(entitlement_kind ORDER BY n) AS entitlement_kind,
    first_value(entitlement_id ORDER BY n) AS entitlement_id,
    first_value(from_source ORDER BY n) AS from_source,
    first_value(ref ORDER BY n) AS ref,
    bool_or(held) AS held,
    min(at) AS valid_from,
    min(granted_at) AS granted_at,
    max(last_used_at) AS last_used_at,
    max(listed_at) AS listed_at,
    last_value(entitlement_name ORDER BY n) FILTER (WHERE entitlement_name IS NOT NULL) AS entitlement_name,
    last_value(expires_at ORDER BY n) FILTER (WHERE expires_at IS NOT NULL) AS expires_at,
    last_value(granted_by ORDER BY n) FILTER (WHERE granted_by IS NOT NULL) AS granted_by
  FROM grant_observations
  GROUP BY island
),
bounded AS (
  SELECT
    app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, valid_from, expires_at, granted_at,
    last_used_at, granted_by, from_source, listed_at, ref, held,
    CASE
      WHEN lead(app_id) OVER w = app_id
        AND lead(account_id) OVER w = account_id
        AND (lead(entitlement_kind) OVER w IS NOT DISTINCT FROM entitlement_kind)
        AND lead(entitlement_id) OVER w = entitlement_id
      THEN lead(valid_from) OVER w
    END AS valid_to
  FROM islands
  WINDOW w AS (ORDER BY island)
)
SELECT
  app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, valid_from, valid_to, expires_at,
  granted_at, last_used_at, granted_by, from_source, listed_at, ref
FROM bounded
WHERE held
  AND (valid_to IS NULL OR valid_to > valid_from)
