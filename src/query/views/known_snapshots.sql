-- Grain: one account or grant in one listing taken by $as_of and known at $known_at.
-- Columns: those of `snapshots` without the raw row; `app_id` mapped through the register.
-- Inputs: snapshots, app_aliases.
SELECT
  s.listing_id,
  s.source,
  coalesce(a.app_id, s.app_id) AS app_id,
  s.listed_at,
  s.ingested_at,
  s.complete,
  s.row_kind,
  s.account_id,
  s.account_name,
  s.display_name,
  s.email,
  s.external_id,
  s.employee_id,
  s.active,
  s.status,
  s.class,
  s.created_at,
  s.last_active_at,
  s.expires_at,
  s.mfa,
  s.local_login,
  s.privileged,
  s.entitlement_kind,
  s.entitlement_id,
  s.entitlement_name,
  s.granted_at,
  s.last_used_at,
  s.granted_by
FROM snapshots AS s
LEFT JOIN app_aliases AS a
  ON lower(s.app_id) = a.alias
WHERE s.listed_at <= $as_of
  AND s.ingested_at <= $known_at
