-- Grain: one successful deletion of a group.
-- Columns: app_id, entitlement_id, at, ref (event id).
-- Few logs say of which application's accounts the group was: it is the one that the log is of.
-- Inputs: known_changes, app_aliases.
WITH deleted AS (
  SELECT
    account_key_app,
    CASE
      WHEN source = 'aws_cloudtrail' AND event_type LIKE 'iam.%' THEN 'aws'
      WHEN source = 'aws_cloudtrail' THEN 'aws_identity_center'
      WHEN source IN ('entra_audit', 'm365') THEN 'entra'
      ELSE source
    END AS home,
    coalesce(entitlement_id, entitlement_name) AS entitlement_id,
    occurred_at AS at,
    event_id AS ref
  FROM known_changes
  WHERE verb = 'group.delete'
    AND outcome = 'success'
)
SELECT
  coalesce(d.account_key_app, a.app_id, d.home) AS app_id,
  d.entitlement_id,
  d.at,
  d.ref
FROM deleted AS d
LEFT JOIN app_aliases AS a
  ON a.alias = d.home
WHERE d.entitlement_id IS NOT NULL
