-- Grain: one account that no longer exists at $as_of.
-- Columns: app_id, account_id, account_name, email, external_id, identity_id, link_method, link_confidence, class,
-- deleted_at, delete_event_id, how (mention: a listing does not name what no listing ever named), disabled_at (start of the disabled stretch just before, if any),
-- last_success_at, renamed_to (the account that took its place in a rename).
-- Inputs: account_spans, account_attributes, account_renames, links, last_activity.
WITH disabled AS (
  SELECT app_id, account_id, valid_from AS disabled_at, valid_to
  FROM account_spans
  WHERE state = 'inactive'
    AND valid_to IS NOT NULL
)
SELECT
  s.app_id,
  s.account_id,
  a.account_name,
  a.email,
  a.external_id,
  l.identity_id,
  l.method AS link_method,
  coalesce(l.confidence, 0.0) AS link_confidence,
  coalesce(l.class, 'unknown') AS class,
  s.valid_from AS deleted_at,
  s.ref AS delete_event_id,
  CASE WHEN s.how IN ('vanished', 'mention') THEN s.how ELSE 'event' END AS how,
  d.disabled_at,
  u.last_success_at,
  r.to_account_id AS renamed_to
FROM account_spans AS s
LEFT JOIN disabled AS d
  ON d.app_id = s.app_id
  AND d.account_id = s.account_id
  AND d.valid_to = s.valid_from
LEFT JOIN account_attributes AS a
  ON a.app_id = s.app_id
  AND a.account_id = s.account_id
LEFT JOIN links AS l
  ON l.app_id = s.app_id
  AND l.account_id = s.account_id
LEFT JOIN last_activity AS u
  ON u.app_id = s.app_id
  AND u.account_id = s.account_id
LEFT JOIN account_renames AS r
  ON r.app_id = s.app_id
  AND r.from_account_id = s.account_id
WHERE s.valid_to IS NULL
  AND s.state = 'deleted'
