-- Grain: that of `uses`, with the applications that an event's own ids and names stand for. A
-- checkpoint's rows are put together with these.
-- Columns: those of uses, app_key, account_key_app.
-- Inputs: uses, app_aliases.
SELECT
  u.account_app,
  u.account_id,
  u.app_id,
  u.app_name,
  u.verb,
  u.credential_kind,
  u.credential_id,
  u.outcome,
  u.failed_at,
  u.first_at,
  u.last_at,
  u.uses,
  coalesce(by_id.app_id, by_name.app_id, u.app_id, u.app_name) AS app_key,
  coalesce(by_account_app.app_id, u.account_app) AS account_key_app
FROM uses AS u
LEFT JOIN app_aliases AS by_id
  ON lower(u.app_id) = by_id.alias
LEFT JOIN app_aliases AS by_name
  ON lower(u.app_name) = by_name.alias
LEFT JOIN app_aliases AS by_account_app
  ON lower(u.account_app) = by_account_app.alias
