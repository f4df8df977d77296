-- Grain: one thing that a source said about one grant, in no order.
-- Columns: app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, at, listed (a
-- listing said it), ref (event or listing id), from_source, held (null of an extension, which states the new end of what is
-- held and does not say that it is), expires_at, granted_at, last_used_at, granted_by, listed_at. For an assignment to an application the entitlement is the application.
-- A grant that is listed by login is that of the one account with this login that existed then, else of the one that
-- ever had it: who comes back gets the login of the account that was deleted.
-- Inputs: touched_changes, touched_snapshots, account_attributes, account_spans, listed_by_login.
WITH named AS (
  SELECT a.app_id, lower(a.account_name) AS login, a.account_id, a.account_key
  FROM account_attributes AS a
  LEFT SEMI JOIN listed_by_login AS l
    ON l.app_id = a.app_id
  WHERE a.account_name IS NOT NULL
),
listed AS (
  SELECT DISTINCT s.app_id, lower(s.account_name) AS login, s.listed_at
  FROM touched_snapshots AS s
  LEFT SEMI JOIN listed_by_login AS l
    ON l.app_id = s.app_id
  WHERE s.row_kind = 'grant'
    AND s.account_id IS NULL
),
holders AS (
  SELECT
    l.app_id,
    l.login,
    l.listed_at,
    min(n.account_id) AS first_id,
    max(n.account_id) AS last_id,
    min(CASE WHEN s.account_key IS NOT NULL THEN n.account_id END) AS first_there,
    max(CASE WHEN s.account_key IS NOT NULL THEN n.account_id END) AS last_there
  FROM listed AS l
  JOIN named AS n
    ON n.app_id = l.app_id
    AND n.login = l.login
  LEFT JOIN account_spans AS s
    ON s.account_key = n.account_key
    AND s.state <> 'deleted'
    AND s.valid_from <= l.listed_at
    AND (s.valid_to IS NULL OR s.valid_to > l.listed_at)
  GROUP BY l.app_id, l.login, l.listed_at
),
logins AS (
  SELECT
    app_id,
    login,
    listed_at,
    CASE WHEN first_there IS NULL THEN first_id ELSE first_there END AS account_id
  FROM holders
  WHERE first_there = last_there
    OR (first_there IS NULL AND first_id = last_id)
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
    FALSE AS listed,
    event_id AS ref,
    source AS from_source,
    CASE
      WHEN verb IN ('group.member.add', 'role.grant', 'role.grant.timebound', 'role.activate', 'app.assign') THEN TRUE
      WHEN verb IN ('group.member.remove', 'role.revoke', 'role.revoke.timebound', 'role.expire', 'role.deactivate', 'app.unassign', 'app.unassign.pending_deprovision', 'access.expired') THEN FALSE
    END AS held,
    expires_at,
    CASE WHEN NOT coalesce(verb IN ('role.extend', 'access.extend'), FALSE) THEN occurred_at END AS granted_at,
    NULL AS last_used_at,
    CASE WHEN NOT coalesce(verb IN ('role.extend', 'access.extend'), FALSE) THEN coalesce(actor_name, actor_id) END AS granted_by,
    NULL AS listed_at,
    coalesce(verb IN ('role.extend', 'access.extend'), FALSE) AND expires_at IS NOT NULL AS extends
  FROM touched_changes
  WHERE outcome = 'success'
    AND account_key_app IS NOT NULL
    AND entitlement_kind IS NOT NULL
  UNION ALL
  SELECT
    s.app_id,
    coalesce(s.account_id, l.account_id, s.account_name),
    s.entitlement_kind,
    s.entitlement_id,
    s.entitlement_name,
    s.listed_at AS at,
    TRUE,
    s.listing_id,
    s.source,
    TRUE,
    s.expires_at,
    s.granted_at,
    s.last_used_at,
    s.granted_by,
    s.listed_at,
    FALSE
  FROM touched_snapshots AS s
  LEFT JOIN logins AS l
    ON l.app_id = s.app_id
    AND l.login = lower(s.account_name)
    AND l.listed_at = s.listed_at
  WHERE s.row_kind = 'grant'
    AND s.app_id IS NOT NULL
)
SELECT
  app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, at, listed, ref, from_source, held,
  expires_at, granted_at, last_used_at, granted_by, listed_at
FROM stated
WHERE (held IS NOT NULL OR extends)
  AND entitlement_id IS NOT NULL
  AND account_id IS NOT NULL
