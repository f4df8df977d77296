-- Grain: one thing that a source said, or left unsaid, about one grant, in the order of grants and
-- of time. Held while spans are made, and no longer.
-- Columns: n (the place in that order), island (changes with each turn from held to not held and
-- back, and from grant to grant), app_id, account_id, entitlement_kind, entitlement_id,
-- entitlement_name, at, ref, from_source, held, expires_at, granted_at, last_used_at, granted_by,
-- listed_at.
-- One order over all grants, and numbers instead of keys from there on: a window a grant costs
-- twice as much over the changes of five million events.
-- A trusted complete listing of grants ends every grant of that application that it does not
-- name, and a deleted account holds nothing.
-- Inputs: touched_changes, touched_snapshots, listings, account_spans, account_attributes.
WITH logins AS (
  SELECT app_id, lower(account_name) AS login, min(account_id) AS account_id
  FROM account_attributes
  WHERE account_name IS NOT NULL
  GROUP BY app_id, lower(account_name)
  HAVING min(account_id) = max(account_id)
),
stated AS (
  SELECT
    account_key_app AS app_id,
    account_id,
    entitlement_kind,
    CASE
      WHEN entitlement_kind = 'app' THEN app_key
      ELSE coalesce(entitlement_id, entitlement_name)
    END AS entitlement_id,
    entitlement_name,
    occurred_at AS at,
    1 AS rank,
    event_id AS ref,
    source AS from_source,
    CASE
      WHEN verb IN ('group.member.add', 'role.grant', 'role.grant.timebound', 'role.activate', 'app.assign') THEN TRUE
      WHEN verb IN ('group.member.remove', 'role.revoke', 'role.revoke.timebound', 'role.expire', 'role.deactivate', 'app.unassign', 'app.unassign.pending_deprovision', 'access.expired') THEN FALSE
    END AS held,
    expires_at,
    occurred_at AS granted_at,
    NULL AS last_used_at,
    coalesce(actor_name, actor_id) AS granted_by,
    NULL AS listed_at
  FROM touched_changes
  WHERE outcome = 'success'
    AND account_key_app IS NOT NULL
    AND account_id IS NOT NULL
    AND entitlement_kind IS NOT NULL
  UNION ALL
  SELECT
    s.app_id,
    coalesce(s.account_id, l.account_id, s.account_name),
    s.entitlement_kind,
    s.entitlement_id,
    s.entitlement_name,
    s.listed_at AS at,
    2,
    s.listing_id,
    s.source,
    TRUE,
    s.expires_at,
    s.granted_at,
    s.last_used_at,
    s.granted_by,
    s.listed_at
  FROM touched_snapshots AS s
  LEFT JOIN logins AS l
    ON l.app_id = s.app_id
    AND l.login = lower(s.account_name)
  WHERE s.row_kind = 'grant'
    AND s.app_id IS NOT NULL
),
seen AS (
  SELECT *
  FROM stated
  WHERE held IS NOT NULL
    AND entitlement_id IS NOT NULL
    AND account_id IS NOT NULL
),
births AS (
  SELECT app_id, account_id, entitlement_kind, entitlement_id, min(at) AS first_at
  FROM seen
  GROUP BY app_id, account_id, entitlement_kind, entitlement_id
),
gone AS (
  SELECT b.app_id, b.account_id, b.entitlement_kind, b.entitlement_id, l.listed_at AS at, l.listing_id AS ref
  FROM births AS b
  JOIN listings AS l
    ON l.app_id = b.app_id
    AND l.row_kind = 'grant'
    AND l.trusted
    AND b.first_at < l.listed_at
  LEFT ANTI JOIN (SELECT app_id, account_id, entitlement_id, ref FROM seen WHERE rank = 2) AS s
    ON s.ref = l.listing_id
    AND s.app_id = b.app_id
    AND s.account_id = b.account_id
    AND s.entitlement_id = b.entitlement_id
  UNION ALL
  SELECT b.app_id, b.account_id, b.entitlement_kind, b.entitlement_id, a.valid_from, a.ref
  FROM births AS b
  JOIN account_spans AS a
    ON a.app_id = b.app_id
    AND a.account_id = b.account_id
    AND a.state = 'deleted'
    AND b.first_at <= a.valid_from
),
observations AS (
  SELECT
    app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, at, rank, ref,
    from_source, held, expires_at, granted_at, last_used_at, granted_by, listed_at
  FROM seen
  UNION ALL
  SELECT
    app_id, account_id, entitlement_kind, entitlement_id, NULL, at, 3, ref,
    NULL, FALSE, NULL, NULL, NULL, NULL, NULL
  FROM gone
),
placed AS (
  SELECT
    app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, at, ref, from_source, held,
    expires_at, granted_at, last_used_at, granted_by, listed_at,
    row_number() OVER (
      ORDER BY app_id, account_id, entitlement_kind, entitlement_id, at, rank, ref, held
    ) AS n
  FROM observations
),
compared AS (
  SELECT
    app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, at, ref, from_source, held,
    expires_at, granted_at, last_used_at, granted_by, listed_at, n,
    CASE
      WHEN lag(app_id) OVER w = app_id
        AND lag(account_id) OVER w = account_id
        AND (lag(entitlement_kind) OVER w IS NOT DISTINCT FROM entitlement_kind)
        AND lag(entitlement_id) OVER w = entitlement_id
        AND lag(held) OVER w = held
      THEN 0
      ELSE 1
    END AS turns
  FROM placed
  WINDOW w AS (ORDER BY n)
)
SELECT
  n,
  sum(turns) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island,
  app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, at, ref, from_source, held,
  expires_at, granted_at, last_used_at, granted_by, listed_at
FROM compared
